/* SPDX-License-Identifier: MIT */
/* LOGICAL BLOCK ADDRESS and TRANSFER LENGTH of a CDB, and what may be wrong with them. */
#ifndef DISK_RANGE_H
#define DISK_RANGE_H

#include "disk/disk.h"

struct disk_range {
	uint64_t lba;
	uint32_t blocks;
	uint8_t blocks_at; /* where the CDB has TRANSFER LENGTH, for the field pointer */
};

/* By the CDB's group (6, 10, 12, 16, 32 bytes); SBC-4 5: zero in READ(6) and WRITE(6) is 256 blocks. */
struct disk_range disk_range_of(const uint8_t *cdb);
/* Where the CDB has its byte of PROTECT, DPO, FUA and BYTCHK bits. */
static inline unsigned disk_flags_at(const uint8_t *cdb)
{
	return cdb[0] == DISK_VARIABLE_LENGTH ? 10 : 1;
}

/* False: refused with LOGICAL BLOCK ADDRESS OUT OF RANGE (SBC-4 4.4.1). */
bool disk_range_within(const struct disk *disk, struct spt_task *task, uint64_t lba,
	uint64_t blocks);
/* False: refused, more than MAXIMUM TRANSFER LENGTH, or out of range. */
bool disk_range_check(const struct disk *disk, struct spt_task *task, const struct disk_range *r);
/*
 * Asks for the data of a write of @bytes. When the initiator has less for us, the whole blocks that
 * it has are taken and the residual says the rest; part of a block is refused.
 */
bool disk_want_blocks(const struct disk *disk, struct spt_task *task, uint64_t bytes);
/*
 * The same for commands whose data makes sense as a whole only: the CDB asks for @bytes by what it
 * has at byte @field, and that is an invalid field when the initiator has another length for us.
 */
bool disk_want_exactly(struct spt_task *task, uint64_t bytes, unsigned field);

#endif
