/* SPDX-License-Identifier: MIT */
/* What the control socket shows and does: struct control_ops on the server's objects. */
#ifndef SHOW_H
#define SHOW_H

#include "control/control.h"

/* Their argument is the struct server. */
extern const struct control_ops SHOW_OPS;

struct server;

/* On the first worker's loop: the query goes round all workers, adds what it asks for, and is answered. */
void show_walk(struct server *server, struct control_query *query);

#endif
