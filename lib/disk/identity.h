/* SPDX-License-Identifier: MIT */
/* Who a disk says it is: INQUIRY texts, serial number, NAA designator. */
#ifndef DISK_IDENTITY_H
#define DISK_IDENTITY_H

#include "disk/disk.h"

/* From the options, and where they are silent from the machine's identity and the device's name. */
int disk_identity_make(const struct spt_open *open, struct spt_error *error,
	struct disk_identity *ret);

#endif
