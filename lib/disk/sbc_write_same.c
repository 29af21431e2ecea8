/* SPDX-License-Identifier: MIT */
/*
 * WRITE SAME(10) and (16) (SBC-4 5.51, 5.52). Reads must afterwards give the block that was sent,
 * with UNMAP or without: so zeros are unmapped on a thin disk, where they read the same, and
 * anything else is written from a buffer that holds the block many times. With NDOB there is no
 * data-out and the block is zeros.
 */
#include <string.h>

#include "base/util.h"
#include "disk/io.h"
#include "disk/range.h"

enum { UNMAP = 0x08, NDOB = 0x01 };

static bool no_data(const struct spt_task *task)
{
	return task->cdb[0] == 0x93 && (task->cdb[1] & NDOB);
}

/* SBC-4 5.51: zero blocks reach to the end of the medium (WSNZ is zero). */
static uint64_t blocks_of(const struct disk *d, const struct disk_range *r)
{
	return r->blocks ? r->blocks : d->blocks - r->lba;
}

static bool judge_write_same(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);
	struct disk *d = c->disk;

	if ((task->cdb[1] & UNMAP) && !d->thin) {
		spt_task_check_cdb_field(task, 1, 3);
		return false;
	}
	if (!disk_range_within(d, task, r.lba, r.blocks))
		return false;
	if (blocks_of(d, &r) > DISK_WRITE_SAME_BLOCKS) {
		spt_task_check_cdb_field(task, r.blocks_at, -1);
		return false;
	}
	return no_data(task) || disk_want_exactly(task, d->block_bytes, r.blocks_at);
}

static bool is_zero(const uint8_t *p, size_t bytes)
{
	return !p[0] && !memcmp(p, p + 1, bytes - 1);
}

static void write_step(struct disk_io *io)
{
	struct disk *d = disk_of(io);
	uint64_t left = disk_bytes(d, io->blocks) - io->at_bytes;
	uint64_t bytes = MIN(left, (uint64_t)io->buffer_bytes);
	uint64_t offset = disk_bytes(d, io->lba) + io->at_bytes;

	if (!left) {
		disk_io_good(io);
		return;
	}
	io->at_bytes += bytes;
	disk_io_step(io, STORE_WRITE, io->buffer, offset, bytes, disk_write_through(d), write_step);
}

static void write_pattern(struct disk_io *io, const uint8_t *block)
{
	struct disk *d = disk_of(io);
	uint64_t bytes = disk_bytes(d, io->blocks);

	if (!disk_io_buffer(io, (uint32_t)MIN(bytes, (uint64_t)DISK_STEP_BYTES)))
		return;
	if (!block)
		memset(io->buffer, 0, io->buffer_bytes);
	for (uint32_t at = 0; block && at < io->buffer_bytes; at += d->block_bytes)
		memcpy(io->buffer + at, block, d->block_bytes);
	write_step(io);
}

static void run_write_same(struct disk_channel *c, struct spt_task *task)
{
	struct disk *d = c->disk;
	struct disk_range r = disk_range_of(task->cdb);
	const uint8_t *block = no_data(task) ? NULL : task->out.data;
	struct disk_io *io = disk_io_new(c, task);

	if (!io)
		return;
	io->lba = r.lba;
	io->blocks = blocks_of(d, &r);
	if (d->thin && (!block || is_zero(block, d->block_bytes)))
		disk_io_step(io, STORE_ZERO, NULL, disk_bytes(d, io->lba),
			disk_bytes(d, io->blocks), disk_write_through(d), disk_io_good);
	else
		write_pattern(io, block);
}

#define ROW(opcode)                                                                                \
	{ opcode, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, judge_write_same, run_write_same }

static const struct disk_row ROWS[] = { ROW(0x41), ROW(0x93) };

const struct disk_family disk_write_same = { ROWS, ARRAY_SIZE(ROWS) };
