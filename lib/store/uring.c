/* SPDX-License-Identifier: MIT */
/*
 * The engine on io_uring. Calls made in one turn of the loop are submitted together at its end;
 * completions are announced by an eventfd that the loop watches. When the submission queue is full
 * calls wait in a list of ours, in order. The ring is the channel's; nothing is shared or locked.
 *
 * Large blocks of the loop's pool that come by a second time are registered: otherwise the kernel looks up and pins each page
 * for every direct transfer, which is most of what a large one costs. They must be forgotten before the pool gives
 * them back, for the kernel would go on using the pages that were there.
 */
#include "store/engine.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <spt/buffer.h>

#include "base/list.h"
#include "base/util.h"

#define ENTRIES	 256u
#define RETRY_US 1000u /* the system was out of something */

enum block_state { BLOCK_NEW, BLOCK_SEEN, BLOCK_REGISTERED };

struct uring {
	struct engine base;
	struct io_uring ring;
	struct spt_watch event;
	struct spt_post flush;
	struct spt_timer retry;
	bool reaping, closed;
	struct store_call *waiting, **waiting_end;
	struct spt_pool_user user;
	uint8_t blocks[SPT_POOL_BLOCKS]; /* enum block_state, by the pool's numbers */
	bool no_blocks; /* the kernel has no table for them, or does not let us pin more */
};

static struct uring *uring_of(struct engine *engine)
{
	return container_of(engine, struct uring, base);
}

static int update_block(struct uring *u, unsigned number, void *data, size_t bytes)
{
	struct iovec v = { .iov_base = data, .iov_len = bytes };
	uint64_t tag = 0;

	return io_uring_register_buffers_update_tag(&u->ring, number, &v, (void *)&tag, 1);
}

/* The number under which the kernel knows the call's memory; -1: it does not. */
static int registered(struct uring *u, const struct store_call *c)
{
	if (!c->direct || c->bytes < SPT_POOL_BLOCK_MIN || !u->base.host->pool)
		return -1;
	struct spt_pool *pool = u->base.host->pool;
	int n = spt_pool_block(pool, c->data, c->bytes);
	if (n < 0 || u->blocks[n] == BLOCK_REGISTERED)
		return n;
	if (u->blocks[n] == BLOCK_NEW || u->no_blocks) {
		u->blocks[n] = BLOCK_SEEN;
		return -1;
	}
	if (update_block(u, (unsigned)n, c->data, spt_pool_block_bytes(pool, (unsigned)n)) < 0) {
		u->no_blocks = true;
		return -1;
	}
	u->blocks[n] = BLOCK_REGISTERED;
	return n;
}

/* What the kernel has under a number that is not BLOCK_REGISTERED is never used. */
static void block_gone(struct spt_pool_user *user, unsigned number)
{
	struct uring *u = container_of(user, struct uring, user);

	if (u->blocks[number] == BLOCK_REGISTERED) {
		update_block(u, number, NULL, 0);
		u->no_blocks = false; /* there may be room for another */
	}
	u->blocks[number] = BLOCK_NEW;
}

static void prepare_transfer(struct uring *u, struct io_uring_sqe *sqe, struct store_call *c)
{
	unsigned bytes = (unsigned)c->bytes;
	int n = registered(u, c);

	if (n >= 0 && c->op == CALL_READ)
		io_uring_prep_read_fixed(sqe, c->fd, c->data, bytes, c->offset_bytes, n);
	else if (n >= 0)
		io_uring_prep_write_fixed(sqe, c->fd, c->data, bytes, c->offset_bytes, n);
	else if (c->op == CALL_READ)
		io_uring_prep_read(sqe, c->fd, c->data, bytes, c->offset_bytes);
	else
		io_uring_prep_write(sqe, c->fd, c->data, bytes, c->offset_bytes);
	sqe->rw_flags = c->flags;
}

static void prepare(struct uring *u, struct io_uring_sqe *sqe, struct store_call *c)
{
	switch (c->op) {
	case CALL_READ:
	case CALL_WRITE:
		prepare_transfer(u, sqe, c);
		break;
	case CALL_FALLOCATE:
		io_uring_prep_fallocate(sqe, c->fd, c->flags, (off_t)c->offset_bytes,
			(off_t)c->bytes);
		break;
	default:
		io_uring_prep_fsync(sqe, c->fd, IORING_FSYNC_DATASYNC);
		break;
	}
	io_uring_sqe_set_data(sqe, c);
}

/* Fills the submission queue with what waits; false: calls are left over. */
static bool fill(struct uring *u)
{
	while (u->waiting) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
		if (!sqe)
			return false;
		struct store_call *c = u->waiting;
		u->waiting = c->next;
		prepare(u, sqe, c);
	}
	u->waiting_end = &u->waiting;
	return true;
}

static void uring_free(struct uring *u)
{
	io_uring_queue_exit(&u->ring);
	free(u);
}

/* The last completion may close the engine from inside. */
static void reap(struct uring *u)
{
	struct io_uring_cqe *cqe;

	u->reaping = true;
	while (!u->closed && !io_uring_peek_cqe(&u->ring, &cqe)) {
		struct store_call *c = io_uring_cqe_get_data(cqe);
		int result = cqe->res;
		io_uring_cqe_seen(&u->ring, cqe);
		c->done(c, result);
	}
	u->reaping = false;
	if (u->closed)
		uring_free(u);
}

/*
 * -EBUSY, -EAGAIN, or fewer than were there (the system stops at one that it cannot begin): what was prepared stays
 * queued, and nobody but us submits it.
 */
static void submit_all(struct uring *u)
{
	bool all;
	int taken;

	do {
		all = fill(u);
		taken = io_uring_submit(&u->ring);
	} while (taken > 0 && (!all || io_uring_sq_ready(&u->ring)));
	if (!all || io_uring_sq_ready(&u->ring))
		spt_host_timer_set(u->base.host, &u->retry, RETRY_US);
	reap(u);
}

static void flush_fn(struct spt_post *post)
{
	submit_all(post->arg);
}

static void retry_fn(struct spt_timer *timer)
{
	submit_all(timer->arg);
}

static void event_fn(struct spt_watch *watch, unsigned ready)
{
	uint64_t count;
	ssize_t n = read(watch->fd, &count, sizeof(count));

	(void)n;
	reap(watch->arg);
}

static void uring_submit(struct engine *engine, struct store_call *call)
{
	struct uring *u = uring_of(engine);

	if (call->op == CALL_EXTENT) {
		engine_offload(engine->host, call);
		return;
	}
	call->next = NULL;
	*u->waiting_end = call;
	u->waiting_end = &call->next;
	spt_host_defer(engine->host, &u->flush);
}

static void uring_close(struct engine *engine)
{
	struct uring *u = uring_of(engine);

	spt_host_undefer(engine->host, &u->flush);
	spt_host_timer_clear(engine->host, &u->retry);
	if (u->event.fd >= 0) {
		spt_host_unwatch(engine->host, &u->event);
		close(u->event.fd);
	}
	if (u->user.gone)
		spt_pool_leave(u->base.host->pool, &u->user);
	u->closed = true;
	if (!u->reaping)
		uring_free(u);
}

static int announce(struct uring *u)
{
	u->event = (struct spt_watch){
		.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .fn = event_fn, .arg = u
	};
	if (u->event.fd < 0)
		return -errno;
	int r = io_uring_register_eventfd(&u->ring, u->event.fd);
	if (r < 0)
		return r;
	return spt_host_watch(u->base.host, &u->event, SPT_READABLE);
}

static void know_blocks(struct uring *u)
{
	if (!u->base.host->pool || io_uring_register_buffers_sparse(&u->ring, SPT_POOL_BLOCKS) < 0) {
		u->no_blocks = true;
		return;
	}
	u->user.gone = block_gone;
	spt_pool_join(u->base.host->pool, &u->user);
}

static int uring_open(struct spt_host *host, struct engine **ret)
{
	struct uring *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	u->base = (struct engine){ .ops = &engine_uring, .host = host };
	u->flush = (struct spt_post){ .fn = flush_fn, .arg = u };
	u->retry = (struct spt_timer){ .fn = retry_fn, .arg = u };
	u->event.fd = -1;
	u->waiting_end = &u->waiting;
	r = io_uring_queue_init(ENTRIES, &u->ring, IORING_SETUP_CLAMP);
	if (r < 0) {
		free(u);
		return r;
	}
	r = announce(u);
	if (r < 0) {
		uring_close(&u->base);
		return r;
	}
	know_blocks(u);
	*ret = &u->base;
	return 0;
}

const struct engine_ops engine_uring = {
	.name = "uring",
	.open = uring_open,
	.submit = uring_submit,
	.close = uring_close,
};
