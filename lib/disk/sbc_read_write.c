/* SPDX-License-Identifier: MIT */
/*
 * READ and WRITE of 6, 10, 12, 16 and 32 bytes (SBC-4 5.13 to 5.18, 5.42 to 5.46). What is moved is
 * clamped to what the initiator expects; what the CDB asks for is told, and residuals come from the
 * difference. A read from a store in memory lends that memory and takes nothing else.
 */
#include "base/be.h"
#include "base/util.h"
#include "disk/io.h"
#include "disk/range.h"

#define FUA 0x08

static bool fua_of(const uint8_t *cdb)
{
	return cdb[0] >> 5 && (cdb[disk_flags_at(cdb)] & FUA);
}

static bool judge_read(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	return disk_range_check(c->disk, task, &r);
}

static void read_done(struct disk_io *io)
{
	struct spt_task *task = disk_io_end(io);

	/* The buffer may be longer, by part of a block. */
	task->in.bytes = (uint32_t)MIN(task->in_would_bytes, (uint64_t)task->expected_in_bytes);
	spt_task_good(task);
}

static void read_medium(struct disk_io *io)
{
	struct spt_task *task = io->task;

	disk_io_step(io, STORE_READ, task->in.data, disk_bytes(disk_of(io), io->lba),
		disk_bytes(disk_of(io), io->blocks), false, read_done);
}

/* Into a buffer. FUA wants the medium's data: what is in a volatile cache goes there first. */
static void read_buffered(struct disk_channel *c, struct spt_task *task, uint64_t lba,
	uint32_t bytes)
{
	struct disk *d = c->disk;
	uint32_t whole = ROUND_UP(bytes, d->block_bytes);

	if (!spt_task_take_in(task, whole)) {
		spt_task_full(task);
		return;
	}
	task->in.bytes = 0; /* until it is there */
	struct disk_io *io = disk_io_new(c, task);
	if (!io)
		return;
	io->lba = lba;
	io->blocks = whole >> d->block_shift;
	if (fua_of(task->cdb) && !disk_write_through(d) && !d->read_only)
		disk_io_step(io, STORE_FLUSH, NULL, 0, 0, false, read_medium);
	else
		read_medium(io);
}

static void run_read(struct disk_channel *c, struct spt_task *task)
{
	struct disk *d = c->disk;
	struct disk_range r = disk_range_of(task->cdb);
	uint64_t asked = disk_bytes(d, r.blocks);
	uint32_t bytes = (uint32_t)MIN(asked, (uint64_t)task->expected_in_bytes);

	task->in_would_bytes = asked;
	if (bytes && d->store->lends) {
		spt_task_lend_in(task, store_lend(d->store, disk_bytes(d, r.lba), bytes), bytes,
			NULL);
		spt_task_good(task);
	} else if (bytes) {
		read_buffered(c, task, r.lba, bytes);
	} else {
		spt_task_good(task);
	}
}

static bool judge_write(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	return disk_range_check(c->disk, task, &r) &&
		disk_want_blocks(c->disk, task, disk_bytes(c->disk, r.blocks));
}

static void run_write(struct disk_channel *c, struct spt_task *task)
{
	struct disk_range r = disk_range_of(task->cdb);

	if (!task->out_wanted_bytes) {
		spt_task_good(task);
		return;
	}
	struct disk_io *io = disk_io_new(c, task);
	if (!io)
		return;
	disk_io_step(io, STORE_WRITE, task->out.data, disk_bytes(c->disk, r.lba),
		task->out_wanted_bytes, fua_of(task->cdb) || disk_write_through(c->disk),
		disk_io_good);
}

#define READ(opcode)  { opcode, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, judge_read, run_read }
#define WRITE(opcode) { opcode, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, judge_write, run_write }

static const struct disk_row ROWS[] = {
	READ(0x08), WRITE(0x0a), READ(0x28), WRITE(0x2a), READ(0xa8), WRITE(0xaa), READ(0x88),
	WRITE(0x8a),
	{ DISK_VARIABLE_LENGTH, 0x0009, DISK_NEEDS_MEDIUM, judge_read, run_read },
	{ DISK_VARIABLE_LENGTH, 0x000b, DISK_NEEDS_MEDIUM, judge_write, run_write },
};

const struct disk_family disk_read_write = { ROWS, ARRAY_SIZE(ROWS) };
