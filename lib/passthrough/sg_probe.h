/* SPDX-License-Identifier: MIT */
/* What a device says of itself when it is opened: blocking SG_IO, each command with a deadline. */
#ifndef PASSTHROUGH_SG_PROBE_H
#define PASSTHROUGH_SG_PROBE_H

#include "passthrough/learn.h"

/* Asks INQUIRY and, of block devices, READ CAPACITY. 0, or -errno: not even INQUIRY was
 * answered. */
int sg_probe(int fd, struct learned *ret);

#endif
