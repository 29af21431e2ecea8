/* SPDX-License-Identifier: MIT */
/* Commands as jobs: see bsg_job.h. On the loop unless it says otherwise. */
#include "passthrough/bsg_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "passthrough/bsg_pool.h"
#include "passthrough/opcode_list.h"
#include "passthrough/sg_channel.h"

#define Q_AT_TAIL 0x10 /* BSG_FLAG_Q_AT_TAIL: without it commands overtake each other */

static struct bsg_pool *pool_of(const struct sg_channel *c)
{
	return c->attachment->pool;
}

static bool has_memory(struct bsg_job *j, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (j->room >= bytes)
		return true;
	free(TAKE(j->memory));
	j->room = 0;
	/* Whole pages are mapped as they are; the kernel would copy what is not aligned. */
	j->memory = aligned_alloc(page, ROUND_UP(bytes, page));
	if (j->memory)
		j->room = ROUND_UP(bytes, page);
	return j->memory != NULL;
}

static void fill(struct bsg_job *j, const struct spt_task *task, uint32_t timeout_ms)
{
	j->io = (struct sg_io_v4){
		.guard = 'Q',
		.protocol = BSG_PROTOCOL_SCSI,
		.subprotocol = BSG_SUB_PROTOCOL_SCSI_CMD,
		.request_len = pass_cdb_length(task),
		.request = (uintptr_t)j->cdb,
		.max_response_len = sizeof(j->sense),
		.response = (uintptr_t)j->sense,
		.dout_xfer_len = task->out.bytes,
		.dout_xferp = task->out.bytes ? (uintptr_t)j->memory : 0,
		.din_xfer_len = task->in.bytes,
		.din_xferp = task->in.bytes ? (uintptr_t)(j->memory + task->out.bytes) : 0,
		.timeout = timeout_ms,
		.flags = Q_AT_TAIL,
	};
	memcpy(j->cdb, task->cdb, MIN((size_t)j->io.request_len, sizeof(j->cdb)));
	opcode_list_widen(&j->pool->attachment->limits, j->cdb, task->in.bytes);
}

/* On a thread. False: there is nothing to be done any more, or no memory. */
bool bsg_job_prepare(struct bsg_job *j)
{
	const struct sg_attachment *a = j->pool->attachment;
	bool ready = false;

	pthread_mutex_lock(&j->lock);
	const struct spt_task *t = j->task;
	if (t) {
		uint32_t ms = t->timeout_ms ? t->timeout_ms : a->timeout_ms[t->cdb[0]];
		ready = has_memory(j, (size_t)t->out.bytes + t->in.bytes);
		j->result = -ENOMEM;
		if (ready) {
			fill(j, t, ms);
			if (t->out.bytes)
				memcpy(j->memory, t->out.data, t->out.bytes);
			/* What an earlier command left there is not this one's, should it move
			 * nothing and its adapter tell no residual. */
			memset(j->memory + t->out.bytes, 0, t->in.bytes);
		}
	}
	pthread_mutex_unlock(&j->lock);
	return ready;
}

static void recycle(struct bsg_job *j)
{
	struct sg_gate *gate = j->pool->attachment->gate;

	bsg_pool_put(j);
	sg_gate_leave(gate);
}

/* On a thread. */
void bsg_job_finish(struct bsg_job *j)
{
	pthread_mutex_lock(&j->lock);
	struct sg_channel *c = j->channel;
	struct spt_task *t = j->task;
	if (t && !j->result && t->in.bytes)
		memcpy(t->in.data, j->memory + t->out.bytes, t->in.bytes);
	if (t && !j->result)
		memcpy(t->sense, j->sense, MIN((size_t)j->io.response_len, sizeof(t->sense)));
	j->posted = c != NULL;
	if (c)
		spt_host_post(c->host, &j->post);
	pthread_mutex_unlock(&j->lock);
	if (!c)
		recycle(j);
}

/* The task, whose job ends here as far as the channel is concerned. */
static struct spt_task *leave_job(struct bsg_job *j)
{
	struct sg_channel *c = j->channel;

	pthread_mutex_lock(&j->lock);
	struct spt_task *task = TAKE(j->task);
	j->channel = NULL;
	j->posted = false;
	pthread_mutex_unlock(&j->lock);
	c->in_flight--;
	return task;
}

static void come_home(struct spt_post *post)
{
	struct bsg_job *j = post->arg;
	struct sg_channel *c = j->channel;
	const struct sg_io_v4 *io = &j->io;
	int result = j->result;
	const struct sg_result r = {
		.status = io->device_status,
		.host_status = io->transport_status,
		.driver_status = io->driver_status,
		.sense_bytes = MIN(io->response_len, (uint32_t)SPT_SENSE_MAX),
		.in_left = io->din_resid,
		.out_left = io->dout_resid,
	};

	sg_channel_enter(c);
	struct spt_task *task = leave_job(j);
	recycle(j);
	if (task && result < 0)
		sg_result_refused(c->device, c->attachment, task, -result);
	else if (task)
		sg_result(c->device, c->attachment, task, &r);
	if (c->open)
		sg_channel_pump(c, false);
	sg_channel_leave(c);
}

static bool has_room(struct sg_channel *c)
{
	return bsg_pool_has(pool_of(c));
}

static void send(struct sg_channel *c, struct spt_task *task)
{
	struct bsg_job *j = bsg_pool_take(pool_of(c));

	int r = j ? 0 : -EAGAIN; /* another loop was faster */
	if (j) {
		j->channel = c;
		j->task = task;
		j->posted = false;
		j->post = (struct spt_post){ .fn = come_home, .arg = j };
		task->backend = j;
		c->in_flight++;
		r = bsg_pool_start(j);
	}
	if (!r)
		return;
	if (j) {
		leave_job(j);
		bsg_pool_put(j);
	}
	sg_gate_leave(c->attachment->gate);
	sg_result_refused(c->device, c->attachment, task, -r);
}

static bool recall(struct sg_channel *c, struct spt_task *task)
{
	struct bsg_job *j = task->backend;

	if (!j || !bsg_pool_recall(j))
		return false;
	leave_job(j);
	recycle(j);
	return true;
}

/*
 * The threads stay where they are; what they bring back later is of interest to nobody. A job whose
 * post is on its way still comes home, without its task.
 */
static void give_up_job(struct sg_channel *c, struct bsg_job *j)
{
	bool recalled = bsg_pool_recall(j);

	pthread_mutex_lock(&j->lock);
	struct spt_task *task = TAKE(j->task);
	bool comes = j->posted;
	if (!comes)
		j->channel = NULL;
	pthread_mutex_unlock(&j->lock);
	if (!comes)
		c->in_flight--;
	if (recalled)
		recycle(j);
	if (task)
		sg_result_lost(task);
}

static bool is_of(struct bsg_job *j, const struct sg_channel *c)
{
	pthread_mutex_lock(&j->lock);
	bool is = j->channel == c;
	pthread_mutex_unlock(&j->lock);
	return is;
}

static void close_watch(struct sg_channel *c)
{
	struct bsg_watch *w = &c->bsg;

	if (!c->open)
		return;
	spt_host_unwatch(c->host, &w->watch);
	close(w->watch.fd);
	w->watch.fd = -1;
	c->open--;
}

static void give_up(struct sg_channel *c)
{
	struct bsg_pool *p = c->attachment ? pool_of(c) : NULL;

	close_watch(c);
	for (unsigned i = 0; p && i < p->n_jobs; i++) {
		if (is_of(&p->jobs[i], c))
			give_up_job(c, &p->jobs[i]);
	}
}

/* Nothing is ever read here: it can only be the end. */
static void watch_ready(struct spt_watch *watch, unsigned ready)
{
	struct sg_channel *c = watch->arg;

	(void)ready;
	if (!sg_hung_up(watch->fd))
		return;
	sg_channel_enter(c);
	close_watch(c);
	sg_channel_lost(c);
	sg_channel_leave(c);
}

static int open_watch(struct sg_channel *c, const struct sg_attachment *a)
{
	c->bsg.new_fd = sg_node_open(a, NULL);
	return c->bsg.new_fd < 0 ? c->bsg.new_fd : 0;
}

static void drop(struct sg_channel *c)
{
	close(c->bsg.new_fd);
}

static void use(struct sg_channel *c)
{
	struct bsg_watch *w = &c->bsg;

	w->watch = (struct spt_watch){ .fd = w->new_fd, .fn = watch_ready, .arg = c };
	if (spt_host_watch(c->host, &w->watch, SPT_READABLE) < 0)
		close(w->watch.fd);
	else
		c->open++;
}

const struct sg_way BSG_WAY = {
	.open = open_watch,
	.use = use,
	.drop = drop,
	.has_room = has_room,
	.send = send,
	.recall = recall,
	.give_up = give_up,
};
