/* SPDX-License-Identifier: MIT */
/*
 * Commands that were given up while the kernel had them, when their device was fenced. Their tasks have
 * ended, their places behind the gate are still taken: the kernel has a command slot for each, and
 * write() sleeps when there is none left, whatever O_NONBLOCK says. So their descriptor is kept, unread,
 * which is what keeps the driver from the tasks' memory; it tells how many of them have come back.
 */
#ifndef PASSTHROUGH_SG_LEFT_H
#define PASSTHROUGH_SG_LEFT_H

#include "passthrough/sg_gate.h"

/* @count (> 0) commands went in by @fd and will not be read. @fd is the gate's from now on. Any thread. */
void sg_left_add(struct sg_gate *gate, int fd, unsigned count);
/* Lets go of the places of those that are back; returns how many are not. Any thread; does not block. */
unsigned sg_left_collect(struct sg_gate *gate);
/* Closes all: nobody uses the gate any more. */
void sg_left_close(struct sg_gate *gate);

#endif
