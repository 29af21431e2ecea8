/* SPDX-License-Identifier: MIT */
/* Commands of our own: see errand.h. */
#include "core/errand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* Unit attentions may be queued: power on, medium, parameters, ... */
#define ATTEMPTS   8u
#define TIMEOUT_MS 30000u
/* A function that waits for it has to be answered within the 30 s that initiators give a reset. */
#define PATIENCE_US 15000000u

static void submit(struct errand *e)
{
	struct spt_task *t = &e->task;

	e->left--;
	t->state = SPT_TASK_DEVICE;
	t->outcome = SPT_COMPLETED;
	t->status = SPT_GOOD;
	t->sense_bytes = 0;
	backend_submit_again(t);
}

static void left(void *arg)
{
	struct errand *e = arg;
	struct spt_context *context = e->session.context;
	void (*done)(void *) = e->done;
	void *done_arg = e->arg;

	spt_host_timer_clear(context->host, &e->timer);
	list_del(&e->link);
	free(e);
	if (done)
		done(done_arg);
	context_release(context);
}

/* Whoever waits has waited enough; the errand itself is over when the device gives it back. */
static void late(struct spt_timer *timer)
{
	struct errand *e = timer->arg;
	void (*done)(void *) = TAKE(e->done);

	spt_device_event(e->itl.device, "a command of our own (%02Xh %02Xh) is not answered",
		e->task.cdb[0], e->task.cdb[4]);
	if (done)
		done(e->arg);
}

static bool met_attention(const struct spt_task *task)
{
	struct spt_sense sense;

	return task->status == SPT_CHECK_CONDITION &&
		!spt_sense_decode(task->sense, task->sense_bytes, &sense) &&
		sense.key == SPT_KEY_UNIT_ATTENTION;
}

/* At the end of the turn: whoever completed the task is out of the way. */
static void over(struct spt_post *post)
{
	struct errand *e = post->arg;
	struct spt_task *t = &e->task;

	task_drop_in(t);
	if (t->outcome == SPT_COMPLETED && e->left && met_attention(t)) {
		submit(e);
		return;
	}
	if (t->outcome != SPT_COMPLETED || t->status != SPT_GOOD)
		spt_device_event(e->itl.device, "a command of our own (%02Xh %02Xh) failed: status %02Xh",
			t->cdb[0], t->cdb[4], t->status);
	channel_put(TAKE(e->itl.channel), left, e);
}

static void task_done(struct spt_task *task)
{
	struct errand *e = container_of(task, struct errand, task);

	spt_host_post(e->session.context->host, &e->post);
}

static const struct spt_task_ops TASK_OPS = { .done = task_done };

static void fill(struct errand *e, struct channel *channel, const uint8_t cdb[6])
{
	e->session = (struct spt_session){
		.context = channel->context,
		.nexus = {
			.initiator_name = "iqn.2026-11.org.sptgt:errand",
			.target_name = "iqn.2026-11.org.sptgt:device",
			.peer_address = "local",
		},
		.stopping = true, /* its end wakes nobody */
		.n_tasks = 1,
	};
	e->itl = (struct spt_itl){ .session = &e->session, .device = channel->device,
		.channel = channel };
	e->post = (struct spt_post){ .fn = over, .arg = e };
	e->timer = (struct spt_timer){ .fn = late, .arg = e };
	e->left = ATTEMPTS;
	e->task.ops = &TASK_OPS;
	e->task.session = &e->session;
	e->task.itl = &e->itl;
	e->task.timeout_ms = TIMEOUT_MS;
	e->task.attribute = SPT_SIMPLE;
	e->task.cdb_bytes = 6;
	memcpy(e->task.cdb, cdb, 6);
	list_init(&e->task.lu_link);
	list_init(&e->task.doomed_link);
	list_init(&e->task.session_link);
	list_init(&e->session.tasks);
	list_init(&e->itl.tasks);
	list_init(&e->itl.device_link);
}

int errand_start(struct channel *channel, const uint8_t cdb[6], void (*done)(void *arg), void *arg)
{
	struct errand *e = calloc(1, sizeof(*e));

	if (!e) {
		spt_device_event(channel->device, "a command of our own (%02Xh) is not sent: out of memory",
			cdb[0]);
		return -ENOMEM;
	}
	fill(e, channel, cdb);
	e->done = done;
	e->arg = arg;
	channel->itls++;
	context_hold(channel->context);
	list_append(&channel->context->errands, &e->link);
	spt_host_timer_set(channel->context->host, &e->timer, PATIENCE_US);
	submit(e);
	return 0;
}
