/* SPDX-License-Identifier: MIT */
/*
 * COMPARE AND WRITE and ORWRITE(16) (SBC-4 5.3, 5.9): the medium is read, looked at, and written,
 * as one action among all commands of this kind on the disk, whatever loop they are on.
 */
#include <string.h>

#include "base/util.h"
#include "disk/io.h"
#include "disk/range.h"

#define FUA 0x08

static struct disk_range compare_range(const struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	r.blocks = task->cdb[13];
	r.blocks_at = 13;
	return r;
}

static bool judge_compare(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = compare_range(task);

	/* SBC-4 5.3: twice the blocks, those to compare with and those to write. */
	return disk_range_check(c->disk, task, &r) &&
		disk_want_exactly(task, 2 * disk_bytes(c->disk, r.blocks), r.blocks_at);
}

static bool judge_orwrite(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	return disk_range_check(c->disk, task, &r) &&
		disk_want_blocks(c->disk, task, disk_bytes(c->disk, r.blocks));
}

static void write_back(struct disk_io *io, uint8_t *data)
{
	struct disk *d = disk_of(io);

	disk_io_step(io, STORE_WRITE, data, disk_bytes(d, io->lba), disk_bytes(d, io->blocks),
		(io->task->cdb[1] & FUA) || disk_write_through(d), disk_io_good);
}

static void compare_read(struct disk_io *io)
{
	size_t bytes = io->io.bytes, at = 0;
	uint8_t *out = io->task->out.data;

	if (!memcmp(io->buffer, out, bytes)) {
		write_back(io, out + bytes);
		return;
	}
	while (io->buffer[at] == out[at])
		at++;
	disk_io_miscompare(io, at);
}

static void orwrite_read(struct disk_io *io)
{
	const uint8_t *out = io->task->out.data;

	for (size_t i = 0; i < io->io.bytes; i++)
		io->buffer[i] |= out[i];
	write_back(io, io->buffer);
}

static void read_medium(struct disk_io *io)
{
	struct disk *d = disk_of(io);

	disk_io_step(io, STORE_READ, io->buffer, disk_bytes(d, io->lba), disk_bytes(d, io->blocks),
		false, io->task->cdb[0] == 0x89 ? compare_read : orwrite_read);
}

static void begin(struct disk_channel *c, struct spt_task *task, uint64_t lba, uint64_t blocks)
{
	if (!blocks) {
		spt_task_good(task);
		return;
	}
	struct disk_io *io = disk_io_new(c, task);
	if (!io)
		return;
	io->lba = lba;
	io->blocks = blocks;
	if (disk_io_buffer(io, (uint32_t)disk_bytes(c->disk, blocks)))
		disk_io_exclusive(io, read_medium);
}

static void run_compare(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = compare_range(task);

	begin(c, task, r.lba, r.blocks);
}

static void run_orwrite(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	begin(c, task, r.lba, task->out_wanted_bytes >> c->disk->block_shift);
}

static const struct disk_row ROWS[] = {
	{ 0x89, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, judge_compare, run_compare },
	{ 0x8b, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, judge_orwrite, run_orwrite },
};

const struct disk_family disk_compare = { ROWS, ARRAY_SIZE(ROWS) };
