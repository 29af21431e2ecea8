/* SPDX-License-Identifier: MIT */
/* Steps of a task on the store: see io.h. */
#include "disk/io.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

struct failure {
	int error;
	uint8_t key;
	spt_asc_t asc;
};

/* What the system says and what the initiator hears. ENOSPC, EDQUOT, EFBIG: SBC-4 4.7.3.6. */
static const struct failure FAILURES[] = {
	{ ENOSPC, SPT_KEY_DATA_PROTECT, ASC_SPACE_ALLOCATION_FAILED },
	{ EDQUOT, SPT_KEY_DATA_PROTECT, ASC_SPACE_ALLOCATION_FAILED },
	{ EFBIG, SPT_KEY_DATA_PROTECT, ASC_SPACE_ALLOCATION_FAILED },
	{ EROFS, SPT_KEY_DATA_PROTECT, ASC_WRITE_PROTECTED },
	{ EPERM, SPT_KEY_DATA_PROTECT, ASC_WRITE_PROTECTED },
	{ EACCES, SPT_KEY_DATA_PROTECT, ASC_WRITE_PROTECTED },
	{ ENOMEM, SPT_KEY_ABORTED_COMMAND, ASC_INSUFFICIENT_RESOURCES },
	{ ENOBUFS, SPT_KEY_ABORTED_COMMAND, ASC_INSUFFICIENT_RESOURCES },
	{ ENODEV, SPT_KEY_HARDWARE_ERROR, ASC_LOGICAL_UNIT_FAILURE },
	{ ENXIO, SPT_KEY_HARDWARE_ERROR, ASC_LOGICAL_UNIT_FAILURE },
};

void disk_fail(struct spt_task *task, enum store_op op, int error, bool lba_known, uint64_t lba)
{
	struct spt_sense sense = {
		.key = SPT_KEY_MEDIUM_ERROR,
		.asc = op == STORE_READ || op == STORE_MAP ? ASC_UNRECOVERED_READ_ERROR
							   : ASC_WRITE_ERROR,
		.information_valid = lba_known,
		.information = lba,
	};

	for (size_t i = 0; i < ARRAY_SIZE(FAILURES); i++) {
		if (FAILURES[i].error == -error) {
			sense.key = FAILURES[i].key;
			sense.asc = FAILURES[i].asc;
		}
	}
	spt_task_check_sense(task, &sense);
}

struct disk_io *disk_io_new(struct disk_channel *channel, struct spt_task *task)
{
	struct disk_io *io = channel->spare;

	if (io)
		channel->spare = io->link;
	else
		io = calloc(1, sizeof(*io));
	if (!io) {
		spt_task_full(task);
		return NULL;
	}
	io->channel = channel;
	io->task = task;
	io->exclusive = false;
	io->at_bytes = 0;
	io->index = 0;
	return io;
}

void disk_io_free_spares(struct disk_channel *channel)
{
	while (channel->spare) {
		struct disk_io *io = channel->spare;
		channel->spare = io->link;
		free(io);
	}
}

bool disk_io_buffer(struct disk_io *io, uint32_t bytes)
{
	struct spt_task *task = io->task;

	io->buffer = spt_task_take_in(task, bytes);
	io->buffer_bytes = bytes;
	if (!io->buffer) {
		spt_task_full(disk_io_end(io));
		return false;
	}
	task->in.bytes = 0; /* none of it is for the initiator */
	return true;
}

/* The next who waits is told on its own loop. */
static void let_go(struct disk_io *io)
{
	struct disk_exclusive *x = &io->channel->disk->exclusive;

	pthread_mutex_lock(&x->lock);
	struct disk_io *next = x->first;
	x->owner = next;
	if (next) {
		x->first = next->link;
		if (!x->first)
			x->end = &x->first;
	}
	pthread_mutex_unlock(&x->lock);
	if (next)
		spt_host_post(next->channel->host, &next->granted);
}

static void granted_fn(struct spt_post *post)
{
	struct disk_io *io = post->arg;

	if (io->task->aborting)
		disk_io_good(io);
	else
		io->next(io);
}

void disk_io_exclusive(struct disk_io *io, void (*next)(struct disk_io *io))
{
	struct disk_exclusive *x = &io->channel->disk->exclusive;

	io->exclusive = true;
	io->next = next;
	io->granted = (struct spt_post){ .fn = granted_fn, .arg = io };
	pthread_mutex_lock(&x->lock);
	bool mine = !x->owner;
	if (mine) {
		x->owner = io;
	} else {
		io->link = NULL;
		*x->end = io;
		x->end = &io->link;
	}
	pthread_mutex_unlock(&x->lock);
	if (mine)
		next(io);
}

struct spt_task *disk_io_end(struct disk_io *io)
{
	struct disk_channel *channel = io->channel;

	if (io->exclusive)
		let_go(io);
	io->link = channel->spare;
	channel->spare = io;
	return io->task;
}

void disk_io_good(struct disk_io *io)
{
	spt_task_good(disk_io_end(io));
}

void disk_io_miscompare(struct disk_io *io, uint64_t offset_bytes)
{
	struct spt_sense sense = {
		.key = SPT_KEY_MISCOMPARE,
		.asc = ASC_MISCOMPARE_DURING_VERIFY,
		.information_valid = true,
		.information = offset_bytes,
	};

	spt_task_check_sense(disk_io_end(io), &sense);
}

static void step_done(struct store_io *store_io)
{
	struct disk_io *io = container_of(store_io, struct disk_io, io);

	if (store_io->result < 0) {
		uint64_t at = store_io->offset_bytes + store_io->progress_bytes;
		struct disk *disk = disk_of(io);
		disk_fail(disk_io_end(io), store_io->op, store_io->result,
			store_io->op != STORE_FLUSH, at >> disk->block_shift);
	} else if (io->task->aborting) {
		disk_io_good(io); /* between two steps an abort is free */
	} else {
		io->next(io);
	}
}

void disk_io_step(struct disk_io *io, enum store_op op, uint8_t *data, uint64_t offset_bytes,
	uint64_t bytes, bool fua, void (*next)(struct disk_io *io))
{
	struct store_io *s = &io->io;

	io->next = next;
	s->op = op;
	s->data = data;
	s->offset_bytes = offset_bytes;
	s->bytes = bytes;
	s->fua = fua;
	s->done = step_done;
	store_submit(io->channel->store, s);
}

void disk_io_read_on(struct disk_io *io, void (*next)(struct disk_io *io))
{
	uint64_t left = disk_bytes(disk_of(io), io->blocks) - io->at_bytes;

	if (!left)
		disk_io_good(io);
	else
		disk_io_step(io, STORE_READ, io->buffer,
			disk_bytes(disk_of(io), io->lba) + io->at_bytes,
			MIN(left, (uint64_t)io->buffer_bytes), false, next);
}
