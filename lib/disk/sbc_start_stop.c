/* SPDX-License-Identifier: MIT */
/*
 * START STOP UNIT (SBC-4 5.31) and PREVENT ALLOW MEDIUM REMOVAL (SBC-4 5.13), of which the core keeps account. Stopping writes the cache out unless NO_FLUSH; a removable medium
 * can be ejected and loaded. Power conditions are taken and change nothing: there is no spindle.
 */
#include "base/util.h"
#include "disk/io.h"

enum { NO_FLUSH = 0x04, LOEJ = 0x02, START = 0x01 };

static uint8_t power_condition(const struct spt_task *task)
{
	return task->cdb[4] >> 4;
}

static bool judge_start_stop(struct disk_channel *c, struct spt_task *task)
{
	/* SBC-4 table 97: 0h START_VALID, 1h to 3h, 7h, Ah and Bh. */
	static const uint16_t known = 1 << 0x0 | 1 << 0x1 | 1 << 0x2 | 1 << 0x3 | 1 << 0x7 |
		1 << 0xa | 1 << 0xb;

	if (!(known >> power_condition(task) & 1)) {
		spt_task_check_cdb_field(task, 4, 7);
		return false;
	}
	if (!power_condition(task) && (task->cdb[4] & LOEJ) && !c->disk->removable) {
		spt_task_check_cdb_field(task, 4, 1);
		return false;
	}
	return true;
}

static void start(struct disk *d, struct spt_task *task)
{
	uint32_t old = disk_state(d), drop = DISK_STOPPED;

	if (task->cdb[4] & LOEJ)
		drop |= DISK_EJECTED;
	old = atomic_fetch_and(&d->state, ~drop);
	if (old & drop & DISK_EJECTED)
		spt_device_attention(d->device, task, ASC_MEDIUM_MAY_HAVE_CHANGED);
	spt_task_good(task);
}

static void stopped(struct disk_io *io)
{
	struct disk *d = disk_of(io);
	struct spt_task *task = disk_io_end(io);

	atomic_fetch_or(&d->state, task->cdb[4] & LOEJ ? DISK_EJECTED : DISK_STOPPED);
	spt_task_good(task);
}

static void run_start_stop(struct disk_channel *c, struct spt_task *task)
{
	struct disk *d = c->disk;

	if (power_condition(task)) {
		spt_task_good(task);
		return;
	}
	if (task->cdb[4] & START) {
		start(d, task);
		return;
	}
	struct disk_io *io = disk_io_new(c, task);
	if (!io)
		return;
	if ((task->cdb[4] & NO_FLUSH) || d->read_only)
		stopped(io);
	else
		disk_io_step(io, STORE_FLUSH, NULL, 0, 0, false, stopped);
}

/* The obsolete values of PREVENT. */
static bool judge_prevent(struct disk_channel *c, struct spt_task *task)
{
	if (!(task->cdb[4] & 0x02))
		return true;
	spt_task_check_cdb_field(task, 4, 1);
	return false;
}

static void run_prevent(struct disk_channel *c, struct spt_task *task)
{
	spt_task_good(task);
}

static const struct disk_row ROWS[] = {
	{ 0x1e, CDB_NO_SERVICE_ACTION, DISK_NEEDS_REMOVABLE, judge_prevent, run_prevent },
	{ 0x1b, CDB_NO_SERVICE_ACTION, 0, judge_start_stop, run_start_stop },
};

const struct disk_family disk_start_stop = { ROWS, ARRAY_SIZE(ROWS) };
