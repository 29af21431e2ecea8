/* SPDX-License-Identifier: MIT */
/*
 * VERIFY of 10, 12, 16 and 32 and WRITE AND VERIFY of 10, 12 and 16 bytes (SBC-4 5.36 to 5.39, 5.47 to 5.50). BYTCHK
 * says what the data-out is: 00b none, the medium is read; 01b the blocks to compare with; 11b one
 * block to compare with each (VERIFY only).
 */
#include <string.h>

#include "base/util.h"
#include "disk/io.h"
#include "disk/range.h"

enum bytchk { MEDIUM_ONLY = 0, COMPARE_ALL = 1, COMPARE_ONE = 3 };

static enum bytchk bytchk_of(const struct spt_task *task)
{
	return (enum bytchk)(task->cdb[disk_flags_at(task->cdb)] >> 1 & 3);
}

static bool judge_verify(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);
	unsigned check = bytchk_of(task);

	if (check == 2) {
		spt_task_check_cdb_field(task, disk_flags_at(task->cdb), 2);
		return false;
	}
	if (!disk_range_check(c->disk, task, &r))
		return false;
	if (check == MEDIUM_ONLY || !r.blocks)
		return true;
	if (check == COMPARE_ONE)
		return disk_want_exactly(task, c->disk->block_bytes, r.blocks_at);
	return disk_want_blocks(c->disk, task, disk_bytes(c->disk, r.blocks));
}

static bool judge_write_verify(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	/* SBC-4 5.47: 10b and 11b are reserved here. */
	if (bytchk_of(task) > COMPARE_ALL) {
		spt_task_check_cdb_field(task, 1, 2);
		return false;
	}
	return disk_range_check(c->disk, task, &r) &&
		disk_want_blocks(c->disk, task, disk_bytes(c->disk, r.blocks));
}

static uint64_t first_difference(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	size_t i = 0;

	while (i < bytes && a[i] == b[i])
		i++;
	return i;
}

/* Compares what a step has read; false: a difference was told and the task is gone. */
static bool compare_step(struct disk_io *io, size_t bytes)
{
	const uint8_t *out = io->task->out.data;
	uint32_t block = disk_of(io)->block_bytes;

	if (bytchk_of(io->task) == COMPARE_ALL) {
		if (!memcmp(io->buffer, out + io->at_bytes, bytes))
			return true;
		disk_io_miscompare(io, io->at_bytes +
			first_difference(io->buffer, out + io->at_bytes, bytes));
		return false;
	}
	for (size_t at = 0; bytchk_of(io->task) == COMPARE_ONE && at < bytes; at += block) {
		if (!memcmp(io->buffer + at, out, block))
			continue;
		disk_io_miscompare(io, io->at_bytes + at +
			first_difference(io->buffer + at, out, block));
		return false;
	}
	return true;
}

static void verify_step(struct disk_io *io);

static void verify_read(struct disk_io *io)
{
	size_t bytes = io->io.bytes;

	if (!compare_step(io, bytes))
		return;
	io->at_bytes += bytes;
	verify_step(io);
}

/* io->blocks counts what is to be verified. */
static void verify_step(struct disk_io *io)
{
	disk_io_read_on(io, verify_read);
}

static void verify(struct disk_io *io)
{
	uint64_t bytes = disk_bytes(disk_of(io), io->blocks);

	io->at_bytes = 0;
	if (disk_io_buffer(io, (uint32_t)MIN(bytes, (uint64_t)DISK_STEP_BYTES)))
		verify_step(io);
}

/* What is verified is what the initiator's data reaches to, as with a write. */
static struct disk_io *begin(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);
	uint64_t blocks = r.blocks;

	if (bytchk_of(task) == COMPARE_ALL || (task->cdb[0] & 0x0f) == 0x0e)
		blocks = task->out_wanted_bytes >> c->disk->block_shift;
	if (!blocks) {
		spt_task_good(task);
		return NULL;
	}
	struct disk_io *io = disk_io_new(c, task);
	if (io) {
		io->lba = r.lba;
		io->blocks = blocks;
	}
	return io;
}

static void run_verify(struct disk_channel *c, struct spt_task *task)
{
	struct disk_io *io = begin(c, task);

	if (io)
		verify(io);
}

/* The data goes to the medium, not to its cache, before it is verified. */
static void run_write_verify(struct disk_channel *c, struct spt_task *task)
{
	struct disk_io *io = begin(c, task);

	if (io)
		disk_io_step(io, STORE_WRITE, task->out.data, disk_bytes(c->disk, io->lba),
			task->out_wanted_bytes, true, verify);
}

#define ROW(opcode, family)                                                                        \
	{ opcode, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, judge_##family, run_##family }

static const struct disk_row ROWS[] = {
	ROW(0x2f, verify),
	ROW(0xaf, verify),
	ROW(0x8f, verify),
	{ DISK_VARIABLE_LENGTH, 0x000a, DISK_NEEDS_MEDIUM, judge_verify, run_verify },
	ROW(0x2e, write_verify),
	ROW(0xae, write_verify),
	ROW(0x8e, write_verify),
};

const struct disk_family disk_verify = { ROWS, ARRAY_SIZE(ROWS) };
