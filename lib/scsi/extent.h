/* SPDX-License-Identifier: MIT */
/* The logical blocks that a command of a block device names in its CDB (SBC-4 5, MMC-6 6). */
#ifndef SCSI_EXTENT_H
#define SCSI_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cdb_extent {
	uint64_t lba;
	uint64_t blocks; /* as it stands there; of WRITE SAME and the like, 0 may mean "to the end" */
};

/* False: it names none. Only for families of block devices: a tape's READ(6) has no LBA. */
bool cdb_extent(const uint8_t *cdb, size_t bytes, unsigned families, struct cdb_extent *ret);

#endif
