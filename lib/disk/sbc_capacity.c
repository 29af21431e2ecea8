/* SPDX-License-Identifier: MIT */
/* READ CAPACITY(10) and (16), GET LBA STATUS (SBC-4 5.20, 5.21, 5.6). */
#include "base/be.h"
#include "base/cursor.h"
#include "base/util.h"
#include "disk/io.h"
#include "disk/range.h"

static void run_read_capacity_10(struct disk_channel *c, struct spt_task *task)
{
	uint8_t data[8];
	uint64_t last = c->disk->blocks - 1;

	be32_put(data, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
	be32_put(data + 4, c->disk->block_bytes);
	spt_task_reply(task, data, sizeof(data), sizeof(data));
}

static void run_read_capacity_16(struct disk_channel *c, struct spt_task *task)
{
	const struct disk *d = c->disk;
	uint8_t data[32];
	struct writer w = wr_init(data, sizeof(data));

	wr_be64(&w, d->blocks - 1);
	wr_be32(&w, d->block_bytes);
	wr_u8(&w, 0); /* no protection information */
	wr_u8(&w, d->physical_exponent);
	wr_be16(&w, d->thin ? 0xc000 : 0); /* LBPME, LBPRZ; lowest aligned LBA 0 */
	wr_zero(&w, 16);
	spt_task_reply(task, data, sizeof(data), be32_get(task->cdb + 10));
}

static bool judge_lba_status(struct disk_channel *c, struct spt_task *task)
{
	return disk_range_within(c->disk, task, be64_get(task->cdb + 2), 1);
}

enum { STATUS_MAPPED = 0, STATUS_DEALLOCATED = 1 };

/* One descriptor: the extent that begins at the LBA asked for. */
static void reply_lba_status(struct spt_task *task, uint64_t lba, uint32_t blocks, uint8_t status)
{
	uint8_t data[24];
	struct writer w = wr_init(data, sizeof(data));

	wr_be32(&w, sizeof(data) - 4);
	wr_zero(&w, 4);
	wr_be64(&w, lba);
	wr_be32(&w, blocks);
	wr_u8(&w, status);
	wr_zero(&w, 3);
	spt_task_reply(task, data, sizeof(data), be32_get(task->cdb + 10));
}

/* A file's extents may end inside a block: such a block is mapped. */
static void lba_status_done(struct disk_io *io)
{
	struct disk *d = disk_of(io);
	uint64_t blocks = io->io.bytes >> d->block_shift;
	uint8_t status = io->io.mapped ? STATUS_MAPPED : STATUS_DEALLOCATED;
	uint64_t lba = io->lba;

	if (io->io.bytes & (d->block_bytes - 1)) {
		blocks += blocks == 0 || io->io.mapped;
		if (blocks == 1)
			status = STATUS_MAPPED;
	}
	reply_lba_status(disk_io_end(io), lba, (uint32_t)blocks, status);
}

static void run_lba_status(struct disk_channel *c, struct spt_task *task)
{
	struct disk *d = c->disk;
	uint64_t lba = be64_get(task->cdb + 2);
	uint64_t blocks = MIN(d->blocks - lba, (uint64_t)UINT32_MAX);

	if (!d->thin) {
		reply_lba_status(task, lba, (uint32_t)blocks, STATUS_MAPPED);
		return;
	}
	struct disk_io *io = disk_io_new(c, task);
	if (!io)
		return;
	io->lba = lba;
	disk_io_step(io, STORE_MAP, NULL, disk_bytes(d, lba), disk_bytes(d, blocks), false,
		lba_status_done);
}

static const struct disk_row ROWS[] = {
	{ 0x25, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, NULL, run_read_capacity_10 },
	{ 0x9e, 0x10, DISK_NEEDS_MEDIUM, NULL, run_read_capacity_16 },
	{ 0x9e, 0x12, DISK_NEEDS_MEDIUM, judge_lba_status, run_lba_status },
};

const struct disk_family disk_capacity = { ROWS, ARRAY_SIZE(ROWS) };
