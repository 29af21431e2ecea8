/* SPDX-License-Identifier: MIT */
/*
 * SYNCHRONIZE CACHE(10) and (16), PRE-FETCH(10) and (16) (SBC-4 5.32, 5.33, 5.10, 5.11). The store
 * syncs as a whole, so the range is checked and the rest goes too. IMMED may not be waited for by
 * the initiator, but a failure could then not be told to it: GOOD is sent when the data is safe.
 */
#include "base/util.h"
#include "disk/io.h"
#include "disk/range.h"

static bool judge_range(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	return disk_range_within(c->disk, task, r.lba, r.blocks);
}

static void run_synchronize(struct disk_channel *c, struct spt_task *task)
{
	if (c->disk->read_only) {
		spt_task_good(task);
		return;
	}
	struct disk_io *io = disk_io_new(c, task);
	if (io)
		disk_io_step(io, STORE_FLUSH, NULL, 0, 0, false, disk_io_good);
}

/* SBC-4 5.10: GOOD says that not all of it may be in the cache, which is what we know. */
static void run_prefetch(struct disk_channel *c, struct spt_task *task)
{
	spt_task_good(task);
}

#define ROW(opcode, run) { opcode, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, judge_range, run }

static const struct disk_row ROWS[] = {
	ROW(0x35, run_synchronize),
	ROW(0x91, run_synchronize),
	ROW(0x34, run_prefetch),
	ROW(0x90, run_prefetch),
};

const struct disk_family disk_cache = { ROWS, ARRAY_SIZE(ROWS) };
