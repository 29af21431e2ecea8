/* SPDX-License-Identifier: MIT */
/*
 * A store in a regular file or on a block device. What the page cache can give or take at once is
 * done in place (RWF_NOWAIT); every other call is the channel's engine's, since it may block. One
 * descriptor serves all channels, so that the system's error reports (they come once a descriptor)
 * cannot be split between them; a failed sync is remembered in the store for good (see store.h).
 */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/list.h"
#include "base/util.h"
#include "store/engine.h"
#include "store/file_open.h"

struct file_store {
	struct store base;
	struct file_medium medium;
	const struct engine_ops *engine; /* NULL: the best that the system lets us have */
	atomic_bool failed;		 /* a sync failed: what was written may be lost */
	/* The filesystem knows no RWF_NOWAIT. */
	atomic_bool no_read_nowait, no_write_nowait;
};

struct file_channel {
	struct store_channel base;
	struct engine *engine;
};

static struct file_store *file_of(const struct store_channel *channel)
{
	return container_of(channel->store, struct file_store, base);
}

static void finish(struct store_io *io, int result)
{
	io->result = result;
	io->done(io);
}

static void call(struct store_io *io, uint8_t op, int flags,
	void (*done)(struct store_call *, int64_t))
{
	struct file_channel *c = container_of(io->channel, struct file_channel, base);
	uint64_t at = io->progress_bytes;

	io->call.op = op;
	io->call.fd = file_of(io->channel)->medium.fd;
	io->call.direct = file_of(io->channel)->medium.direct;
	io->call.data = io->data ? io->data + at : NULL;
	io->call.bytes = io->bytes - at;
	io->call.offset_bytes = io->offset_bytes + at;
	io->call.flags = flags;
	io->call.done = done;
	c->engine->ops->submit(c->engine, &io->call);
}

static bool try_again(int64_t result)
{
	return result == -EINTR || result == -EAGAIN;
}

static void read_rest(struct store_io *io);

static void read_done(struct store_call *c, int64_t result)
{
	struct store_io *io = container_of(c, struct store_io, call);

	if (result == 0)
		result = -EIO; /* the file has become shorter than the disk */
	if (result < 0 && !try_again(result)) {
		finish(io, (int)result);
		return;
	}
	io->progress_bytes += result > 0 ? (uint64_t)result : 0;
	read_rest(io);
}

static void read_rest(struct store_io *io)
{
	if (io->progress_bytes == io->bytes)
		finish(io, 0);
	else
		call(io, CALL_READ, 0, read_done);
}

/* What the page cache can take or give at once; errors are left to the call that may block. */
static void try_cached(struct file_store *f, struct store_io *io, atomic_bool *unsupported,
	ssize_t (*call)(int, const struct iovec *, int, off_t, int))
{
	struct iovec v = { .iov_base = io->data, .iov_len = io->bytes };

	if (f->medium.direct || atomic_load_explicit(unsupported, memory_order_relaxed))
		return;
	ssize_t n = call(f->medium.fd, &v, 1, (off_t)io->offset_bytes, RWF_NOWAIT);
	if (n > 0)
		io->progress_bytes = (uint64_t)n;
	else if (n < 0 && errno == EOPNOTSUPP)
		atomic_store_explicit(unsupported, true, memory_order_relaxed);
}

/*
 * A sync that failed has marked its pages clean: the next one would succeed and tell nobody. A
 * write that failed for want of space has lost nothing that was acknowledged.
 */
static void note_failure(struct store_io *io, int64_t result, bool sync)
{
	if (result < 0 && (sync || result == -EIO))
		atomic_store(&file_of(io->channel)->failed, true);
}

static void write_rest(struct store_io *io);

/*
 * The error of a write with RWF_DSYNC is that of the write, which has lost nothing, or that of its sync, which is told
 * once and is about earlier writes, too. It was the sync's if the page cache takes the data now; that room was made in
 * between would look the same, and is taken for the worse.
 */
static void write_judged(struct store_call *c, int64_t result)
{
	struct store_io *io = container_of(c, struct store_io, call);

	if (try_again(result)) {
		call(io, CALL_WRITE, 0, write_judged);
		return;
	}
	if (result >= 0)
		result = -EIO;
	note_failure(io, result, false);
	finish(io, (int)result);
}

static void write_done(struct store_call *c, int64_t result)
{
	struct store_io *io = container_of(c, struct store_io, call);

	if (result == 0)
		result = -EIO;
	if (result < 0 && !try_again(result)) {
		if (io->fua && result != -EIO) {
			call(io, CALL_WRITE, 0, write_judged);
			return;
		}
		if (io->fua)
			note_failure(io, result, false);
		finish(io, (int)result);
		return;
	}
	io->progress_bytes += result > 0 ? (uint64_t)result : 0;
	write_rest(io);
}

static void write_rest(struct store_io *io)
{
	if (io->progress_bytes == io->bytes)
		finish(io, 0);
	else
		call(io, CALL_WRITE, io->fua ? RWF_DSYNC : 0, write_done);
}

static void flush_done(struct store_call *c, int64_t result)
{
	struct store_io *io = container_of(c, struct store_io, call);

	if (result == -EINTR) {
		call(io, CALL_FDATASYNC, 0, flush_done);
		return;
	}
	note_failure(io, result, true);
	/* Another channel's sync may have been told of the loss that concerns us. */
	if (result == 0 && atomic_load(&file_of(io->channel)->failed))
		result = -EIO;
	finish(io, (int)result);
}

static void zero_done(struct store_call *c, int64_t result)
{
	struct store_io *io = container_of(c, struct store_io, call);

	if (result == -EINTR)
		call(io, CALL_FALLOCATE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, zero_done);
	else if (result < 0 || !io->fua)
		finish(io, (int)result);
	else
		call(io, CALL_FDATASYNC, 0, flush_done);
}

/* A medium that cannot tell (a block device) is wholly mapped. */
static void map_done(struct store_call *c, int64_t result)
{
	struct store_io *io = container_of(c, struct store_io, call);

	io->mapped = result < 0 || c->flags;
	if (result > 0 && (uint64_t)result - io->offset_bytes < io->bytes)
		io->bytes = (uint64_t)result - io->offset_bytes;
	finish(io, 0);
}

static void file_submit(struct store_channel *channel, struct store_io *io)
{
	struct file_store *f = file_of(channel);

	if (io->op != STORE_READ && io->op != STORE_MAP && atomic_load(&f->failed)) {
		finish(io, -EIO);
		return;
	}
	switch (io->op) {
	case STORE_READ:
		try_cached(f, io, &f->no_read_nowait, preadv2);
		read_rest(io);
		break;
	case STORE_WRITE:
		if (!io->fua)
			try_cached(f, io, &f->no_write_nowait, pwritev2);
		write_rest(io);
		break;
	case STORE_FLUSH:
		call(io, CALL_FDATASYNC, 0, flush_done);
		break;
	case STORE_ZERO:
		if (io->bytes)
			call(io, CALL_FALLOCATE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				zero_done);
		else
			finish(io, 0);
		break;
	default:
		call(io, CALL_EXTENT, 0, map_done);
		break;
	}
}

/* The engine asked for, or with auto the first that opens. */
static int open_engine(const struct engine_ops *wanted, struct spt_host *host, struct engine **ret)
{
#ifdef STORE_URING
	if (!wanted || wanted == &engine_uring) {
		int r = engine_uring.open(host, ret);
		if (r == 0 || wanted)
			return r;
	}
#endif
	return engine_threads.open(host, ret);
}

static int file_channel_open(struct store *store, struct spt_host *host, struct store_channel **ret)
{
	struct file_store *f = container_of(store, struct file_store, base);
	AUTO_FREE struct file_channel *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->base = (struct store_channel){ .store = store, .host = host };
	int r = open_engine(f->engine, host, &c->engine);
	if (r < 0)
		return r;
	*ret = &TAKE(c)->base;
	return 0;
}

static void file_channel_close(struct store_channel *channel, void (*closed)(void *arg), void *arg)
{
	struct file_channel *c = container_of(channel, struct file_channel, base);

	c->engine->ops->close(c->engine);
	free(c);
	closed(arg);
}

static const uint8_t *file_lend(struct store *store, uint64_t offset_bytes, uint64_t bytes)
{
	return NULL;
}

static void file_close(struct store *store)
{
	struct file_store *f = container_of(store, struct file_store, base);

	/* Best effort for what the initiators never asked to have synchronised. */
	if (f->medium.fd >= 0 && !store->read_only)
		(void)fdatasync(f->medium.fd);
	if (f->medium.fd >= 0)
		file_medium_close(&f->medium);
	free(f);
}

static const struct store_ops FILE_OPS = {
	.name = "file",
	.close = file_close,
	.channel_open = file_channel_open,
	.channel_close = file_channel_close,
	.submit = file_submit,
	.lend = file_lend,
};

static int choose_engine(enum store_file_io io, struct spt_error *error,
	const struct engine_ops **ret)
{
	*ret = NULL;
	if (io == STORE_FILE_THREADS)
		*ret = &engine_threads;
	if (io == STORE_FILE_URING) {
#ifdef STORE_URING
		*ret = &engine_uring;
#else
		return spt_error_set(error, -ENOSYS, "io = uring: built without io_uring");
#endif
	}
	return 0;
}

int store_file_open(const struct store_file_params *params, struct spt_error *error,
	struct store **ret)
{
	struct file_store *f = calloc(1, sizeof(*f));
	struct file_medium *leaving = NULL;
	int r;

	if (!f)
		return spt_error_set(error, -ENOMEM, "out of memory");
	if (params->leaving && params->leaving->ops == &FILE_OPS)
		leaving = &container_of(params->leaving, struct file_store, base)->medium;
	f->medium.fd = -1;
	r = choose_engine(params->io, error, &f->engine);
	if (r == 0)
		r = file_medium_open(params, leaving, error, &f->medium);
	if (r < 0) {
		free(f);
		return r;
	}
	f->base = (struct store){
		.ops = &FILE_OPS,
		.bytes = f->medium.bytes,
		.read_only = params->read_only,
		.punches = f->medium.punches && !params->read_only,
		.io_bytes = params->direct ? params->block_bytes : 1,
	};
	*ret = &f->base;
	return 0;
}
