/* SPDX-License-Identifier: MIT */
/*
 * A task's work on the store: one disk_io from the moment its run() needs the medium until the task
 * is completed. A command is a chain of steps; each submits one store I/O and names the step that
 * takes its result. Spare ones are kept by the channel.
 */
#ifndef DISK_IO_H
#define DISK_IO_H

#include "base/list.h"
#include "disk/disk.h"

struct disk_io {
	struct store_io io;
	struct disk_channel *channel;
	struct spt_task *task;
	void (*next)(struct disk_io *io); /* after the step under way, when it succeeded */
	uint64_t lba, blocks;		  /* of the command */
	uint64_t at_bytes;		  /* how far a command of many steps is */
	uint32_t index;
	uint8_t *buffer; /* the task's data-in buffer, for commands that have no data-in */
	uint32_t buffer_bytes;
	bool exclusive;
	struct spt_post granted;
	struct disk_io *link;
};

/* NULL: out of memory, and the task is completed. */
struct disk_io *disk_io_new(struct disk_channel *channel, struct spt_task *task);
/*
 * A buffer for the steps, charged to the session like any other: it is the task's for data-in,
 * which the command does not have. False: over the budget, and the task is completed and @io gone.
 */
bool disk_io_buffer(struct disk_io *io, uint32_t bytes);
/* A store I/O, then @next. When it fails, or the task is to be aborted, the task ends instead. */
void disk_io_step(struct disk_io *io, enum store_op op, uint8_t *data, uint64_t offset_bytes,
	uint64_t bytes, bool fua, void (*next)(struct disk_io *io));
/* Into the buffer what comes at io->at_bytes of io->blocks, as much as it takes; GOOD when that was all. */
void disk_io_read_on(struct disk_io *io, void (*next)(struct disk_io *io));
/* Ends @io: the task is the caller's again, to be completed. */
struct spt_task *disk_io_end(struct disk_io *io);
void disk_io_good(struct disk_io *io);
/* MISCOMPARE with the offset of the first byte that differs (SBC-4 5.2, 5.29). */
void disk_io_miscompare(struct disk_io *io, uint64_t offset_bytes);
/* @next once no other exclusive command is on the medium; let go by disk_io_end(). */
void disk_io_exclusive(struct disk_io *io, void (*next)(struct disk_io *io));
void disk_io_free_spares(struct disk_channel *channel);

static inline struct disk *disk_of(const struct disk_io *io)
{
	return io->channel->disk;
}

#endif
