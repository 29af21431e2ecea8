/* SPDX-License-Identifier: MIT */
/* What the control socket may do to a device: change its layers, bring it back, reset it. */
#ifndef OPERATE_H
#define OPERATE_H

#include "control/control.h"

struct server;

/* On the first worker's loop; control_answer() follows. */
void operate(struct server *server, struct control_query *query);

#endif
