/* SPDX-License-Identifier: MIT */
/*
 * COMPARE AND WRITE, ORWRITE(16) (SBC-4 5.3, 5.9) and XDWRITEREAD(10) (SBC-3 5.46): the medium is read, looked at, and written,
 * as one action among all commands of this kind on the disk, whatever loop they are on.
 */
#include <string.h>

#include "base/util.h"
#include "disk/io.h"
#include "disk/range.h"

#define FUA	      0x08
#define DISABLE_WRITE 0x04

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

static bool judge_blocks(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	return disk_range_check(c->disk, task, &r) &&
		disk_want_blocks(c->disk, task, disk_bytes(c->disk, r.blocks));
}

static bool durable(const struct disk_io *io)
{
	return (io->task->cdb[1] & FUA) || disk_write_through(disk_of(io));
}

static void compare_read(struct disk_io *io)
{
	size_t bytes = io->io.bytes, at = 0;
	uint8_t *out = io->task->out.data;

	if (!memcmp(io->buffer, out, bytes)) {
		disk_io_step(io, STORE_WRITE, out + bytes, disk_bytes(disk_of(io), io->lba), bytes,
			durable(io), disk_io_good);
		return;
	}
	while (io->buffer[at] == out[at])
		at++;
	disk_io_miscompare(io, at);
}

static void compare_step(struct disk_io *io)
{
	disk_io_step(io, STORE_READ, io->buffer, disk_bytes(disk_of(io), io->lba), io->buffer_bytes,
		false, compare_read);
}

static void orwrite_step(struct disk_io *io);

/* What was read is put into the initiator's data, which is then written. */
static void orwrite_read(struct disk_io *io)
{
	size_t bytes = io->io.bytes;
	uint8_t *out = io->task->out.data + io->at_bytes;

	for (size_t i = 0; i < bytes; i++)
		out[i] |= io->buffer[i];
	io->at_bytes += bytes;
	disk_io_step(io, STORE_WRITE, out, io->io.offset_bytes, bytes, durable(io), orwrite_step);
}

static void orwrite_step(struct disk_io *io)
{
	disk_io_read_on(io, orwrite_read);
}

static void xor_written(struct disk_io *io)
{
	struct spt_task *task = disk_io_end(io);

	task->in.bytes = (uint32_t)MIN(task->in_would_bytes, (uint64_t)task->expected_in_bytes);
	spt_task_good(task);
}

/* The medium gets the initiator's data; the initiator gets what is different. */
static void xor_read(struct disk_io *io)
{
	struct spt_task *task = io->task;
	const uint8_t *out = task->out.data;
	size_t bytes = io->buffer_bytes;

	for (size_t i = 0; i < bytes; i++)
		io->buffer[i] ^= out[i];
	if (task->cdb[1] & DISABLE_WRITE)
		xor_written(io);
	else
		disk_io_step(io, STORE_WRITE, task->out.data, disk_bytes(disk_of(io), io->lba),
			bytes, durable(io), xor_written);
}

static void xor_step(struct disk_io *io)
{
	disk_io_step(io, STORE_READ, io->buffer, disk_bytes(disk_of(io), io->lba), io->buffer_bytes,
		false, xor_read);
}

static void begin(struct disk_channel *c, struct spt_task *task, uint64_t lba, uint64_t blocks,
	uint64_t buffer_bytes, void (*step)(struct disk_io *io))
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
	if (disk_io_buffer(io, (uint32_t)buffer_bytes))
		disk_io_exclusive(io, step);
}

static void run_compare(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = compare_range(task);

	begin(c, task, r.lba, r.blocks, disk_bytes(c->disk, r.blocks), compare_step);
}

static void run_orwrite(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	begin(c, task, r.lba, task->out_wanted_bytes >> c->disk->block_shift,
		MIN(task->out_wanted_bytes, DISK_STEP_BYTES), orwrite_step);
}

/* Data-out that is short shortens the data-in: what is not written is not read. */
static void run_xor(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	task->in_would_bytes = task->out_wanted_bytes;
	begin(c, task, r.lba, task->out_wanted_bytes >> c->disk->block_shift, task->out_wanted_bytes,
		xor_step);
}

static const struct disk_row ROWS[] = {
	{ 0x89, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, judge_compare, run_compare },
	{ 0x53, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, judge_blocks, run_xor },
	{ 0x8b, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, judge_blocks, run_orwrite },
};

const struct disk_family disk_compare = { ROWS, ARRAY_SIZE(ROWS) };
