/* SPDX-License-Identifier: MIT */
/*
 * UNMAP (SBC-4 5.35). The whole parameter list is checked before the first block is unmapped; then
 * the descriptors are done one after the other. Unmapped blocks read as zeros (LBPRZ).
 */
#include "base/be.h"
#include "base/util.h"
#include "disk/io.h"
#include "disk/range.h"

enum { HEADER = 8, DESCRIPTOR = 16 };

static bool judge_unmap(struct disk_channel *c, struct spt_task *task)
{
	uint16_t length = be16_get(task->cdb + 7);

	task->out_would_bytes = length;
	task->out_wanted_bytes = MIN(length, task->expected_out_bytes);
	return true;
}

static unsigned descriptors_of(const struct spt_task *task)
{
	uint32_t there = task->out_wanted_bytes - HEADER;

	/* SBC-4 5.35.2: what is left of a descriptor at the end is ignored. */
	return MIN((uint32_t)be16_get(task->out.data + 2), there) / DESCRIPTOR;
}

static const uint8_t *descriptor_at(const struct spt_task *task, unsigned i)
{
	return task->out.data + HEADER + (size_t)DESCRIPTOR * i;
}

/* False: refused. */
static bool check_list(const struct disk *d, struct spt_task *task)
{
	unsigned n = descriptors_of(task);
	uint64_t sum = 0;

	if (n > DISK_UNMAP_DESCRIPTORS) {
		spt_task_check_parameter(task, 2, -1);
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p = descriptor_at(task, i);
		uint64_t lba = be64_get(p);
		uint32_t blocks = be32_get(p + 8);
		/* SBC-4 5.35.2: no blocks is no error, anywhere. */
		if (blocks && !disk_range_within(d, task, lba, blocks))
			return false;
		sum += blocks;
		if (sum > DISK_UNMAP_BLOCKS) {
			spt_task_check_parameter(task, HEADER + DESCRIPTOR * i + 8, -1);
			return false;
		}
	}
	return true;
}

static void unmap_next(struct disk_io *io)
{
	struct disk *d = disk_of(io);

	while (io->index < descriptors_of(io->task)) {
		const uint8_t *p = descriptor_at(io->task, io->index++);
		uint32_t blocks = be32_get(p + 8);
		if (!blocks)
			continue;
		disk_io_step(io, STORE_ZERO, NULL, disk_bytes(d, be64_get(p)),
			disk_bytes(d, blocks), disk_write_through(d), unmap_next);
		return;
	}
	disk_io_good(io);
}

static void run_unmap(struct disk_channel *c, struct spt_task *task)
{
	if (!task->out_would_bytes) {
		spt_task_good(task); /* SBC-4 5.35.1: a zero length is not an error */
		return;
	}
	if (task->out_wanted_bytes < HEADER || task->out_wanted_bytes < task->out_would_bytes) {
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH_ERROR);
		return;
	}
	if (!check_list(c->disk, task))
		return;
	struct disk_io *io = disk_io_new(c, task);
	if (io)
		unmap_next(io);
}

static const struct disk_row ROWS[] = {
	{ 0x42, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM | DISK_NEEDS_THIN, judge_unmap,
		run_unmap },
};

const struct disk_family disk_unmap = { ROWS, ARRAY_SIZE(ROWS) };
