/* SPDX-License-Identifier: MIT */
/* What the control socket shows and does: struct control_ops on the server's objects. */
#ifndef SHOW_H
#define SHOW_H

#include "control/control.h"

/* Their argument is the struct server. */
extern const struct control_ops SHOW_OPS;

#endif
