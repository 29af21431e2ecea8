/* SPDX-License-Identifier: MIT */
/* The engine that lends a thread of the host's pool to each call. */
#include "store/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

static int64_t read_call(struct store_call *c)
{
	struct iovec v = { .iov_base = c->data, .iov_len = c->bytes };
	return preadv2(c->fd, &v, 1, (off_t)c->offset_bytes, c->flags);
}

static int64_t write_call(struct store_call *c)
{
	struct iovec v = { .iov_base = c->data, .iov_len = c->bytes };
	return pwritev2(c->fd, &v, 1, (off_t)c->offset_bytes, c->flags);
}

static int64_t fdatasync_call(struct store_call *c)
{
	return fdatasync(c->fd);
}

static int64_t fallocate_call(struct store_call *c)
{
	return fallocate(c->fd, c->flags, (off_t)c->offset_bytes, (off_t)c->bytes);
}

/* Where the extent at the offset ends; @flags is told whether it is data (1) or a hole (0). */
static int64_t extent_call(struct store_call *c)
{
	off_t at = (off_t)c->offset_bytes, data = lseek(c->fd, at, SEEK_DATA);

	if (data < 0 && errno != ENXIO)
		return -1;
	c->flags = data == at;
	if (data == at)
		return lseek(c->fd, at, SEEK_HOLE);
	return data < 0 ? INT64_MAX : data; /* ENXIO: a hole up to the end */
}

static void work(struct spt_work *w)
{
	static int64_t (*const calls[])(struct store_call *) = {
		[CALL_READ] = read_call,
		[CALL_WRITE] = write_call,
		[CALL_FDATASYNC] = fdatasync_call,
		[CALL_FALLOCATE] = fallocate_call,
		[CALL_EXTENT] = extent_call,
	};
	struct store_call *c = w->arg;

	do
		c->result = calls[c->op](c);
	while (c->result < 0 && errno == EINTR);
	if (c->result < 0)
		c->result = -errno;
}

static void work_done(struct spt_work *w)
{
	struct store_call *c = w->arg;

	c->done(c, c->result);
}

void engine_offload(struct spt_host *host, struct store_call *call)
{
	call->work = (struct spt_work){ .work = work, .done = work_done, .arg = call };
	spt_host_offload(host, &call->work);
}

static int threads_open(struct spt_host *host, struct engine **ret)
{
	struct engine *e = malloc(sizeof(*e));

	if (!e)
		return -ENOMEM;
	*e = (struct engine){ .ops = &engine_threads, .host = host };
	*ret = e;
	return 0;
}

static void threads_submit(struct engine *engine, struct store_call *call)
{
	engine_offload(engine->host, call);
}

static void threads_close(struct engine *engine)
{
	free(engine);
}

const struct engine_ops engine_threads = {
	.name = "threads",
	.open = threads_open,
	.submit = threads_submit,
	.close = threads_close,
};
