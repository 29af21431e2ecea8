/* SPDX-License-Identifier: MIT */
/* Ranges of logical blocks: see range.h. */
#include "disk/range.h"

#include "base/be.h"
#include "base/util.h"

struct disk_range disk_range_of(const uint8_t *cdb)
{
	switch (cdb[0] >> 5) {
	case 0:
		return (struct disk_range){
			be24_get(cdb + 1) & 0x1fffff, cdb[4] ? cdb[4] : 256, 4
		};
	case 3:
		return (struct disk_range){ be64_get(cdb + 12), be32_get(cdb + 28), 28 };
	case 4:
		return (struct disk_range){ be64_get(cdb + 2), be32_get(cdb + 10), 10 };
	case 5:
		return (struct disk_range){ be32_get(cdb + 2), be32_get(cdb + 6), 6 };
	default:
		return (struct disk_range){ be32_get(cdb + 2), be16_get(cdb + 7), 7 };
	}
}

bool disk_range_within(const struct disk *disk, struct spt_task *task, uint64_t lba,
	uint64_t blocks)
{
	/* No sum is made, so nothing wraps. */
	if (lba < disk->blocks && blocks <= disk->blocks - lba)
		return true;
	spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	return false;
}

bool disk_range_check(const struct disk *disk, struct spt_task *task, const struct disk_range *r)
{
	if (!disk_range_within(disk, task, r->lba, r->blocks))
		return false;
	/* SBC-4 6.6.4: more than MAXIMUM TRANSFER LENGTH is an invalid field. */
	if (r->blocks > disk->max_transfer_blocks) {
		spt_task_check_cdb_field(task, r->blocks_at, -1);
		return false;
	}
	return true;
}

bool disk_want_blocks(const struct disk *disk, struct spt_task *task, uint64_t bytes)
{
	uint32_t wanted = (uint32_t)MIN(bytes, (uint64_t)task->expected_out_bytes);

	task->out_would_bytes = bytes;
	if (wanted & (disk->block_bytes - 1)) {
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST,
			ASC_INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
		return false;
	}
	task->out_wanted_bytes = wanted;
	return true;
}

bool disk_want_exactly(struct spt_task *task, uint64_t bytes, unsigned field)
{
	task->out_would_bytes = bytes;
	if (bytes != task->expected_out_bytes) {
		spt_task_check_cdb_field(task, field, -1);
		return false;
	}
	task->out_wanted_bytes = (uint32_t)bytes;
	return true;
}
