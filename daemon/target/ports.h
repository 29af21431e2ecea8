/* SPDX-License-Identifier: MIT */
/* Tells devices by which SCSI target ports they are reached: what a configuration has, logged in to or not. */
#ifndef TARGET_PORTS_H
#define TARGET_PORTS_H

struct generation;

/* All devices of @generation, which is the current one from now on. The log tells what cannot be done. */
void ports_tell(const struct generation *generation);

#endif
