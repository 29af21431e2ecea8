/* SPDX-License-Identifier: MIT */
/*
 * Who has a tape drive or a changer open? A program of this machine that writes to the drive, and an
 * initiator that does, overwrite each other: the drive has one position. The kernel tells nobody, so
 * the descriptors of all processes are looked through, those that this one may look into (with
 * CAP_SYS_PTRACE all).
 *
 * Only of these types: disks are opened by whoever looks at them (udev, smartd), and what uses one is
 * found otherwise (sg_unused.c).
 */
#ifndef PASSTHROUGH_SG_OPENERS_H
#define PASSTHROUGH_SG_OPENERS_H

#include "passthrough/sg_sysfs.h"

/*
 * -EBUSY: another process has a node of the device at @identity open (st, nst, ch, sg, bsg); @error
 * names it. One that goes away within @patience_ms was only looking. Blocking.
 */
int sg_check_unopened(const char *root, const struct sg_address *identity, unsigned patience_ms,
	struct spt_error *error);

#endif
