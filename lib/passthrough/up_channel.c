/* SPDX-License-Identifier: MIT */
/* A downstream nexus's way to an upstream logical unit: see up_device.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <spt/tmf.h>

#include "base/list.h"
#include "base/util.h"
#include "passthrough/clamp.h"
#include "passthrough/opcode_list.h"
#include "passthrough/up_device.h"

#define LOGOUT_US UINT64_C(1000000)
#define TYPE_SEQUENTIAL 0x01 /* SPC-5 PERIPHERAL DEVICE TYPE */

/* While a task waits here: until when. */
static uint64_t *deadline_of(struct spt_task *task)
{
	return &task->scratch[0];
}

/* Several shared sessions under one initiator name: each has a number of its own. */
static int take_slot(struct up_channel *c)
{
	struct up_device *d = c->device;

	pthread_mutex_lock(&d->lock);
	while (c->slot < UP_SHARED_MAX && d->slots[c->slot])
		c->slot++;
	if (c->slot < UP_SHARED_MAX)
		d->slots[c->slot] = true;
	pthread_mutex_unlock(&d->lock);
	return c->slot < UP_SHARED_MAX ? 0 : -EMFILE;
}

static void give_slot(const struct up_channel *c)
{
	struct up_device *d = c->device;

	if (!d->shared)
		return;
	pthread_mutex_lock(&d->lock);
	d->slots[c->slot] = false;
	pthread_mutex_unlock(&d->lock);
}

void up_channel_enter(struct up_channel *c)
{
	c->busy++;
}

void up_channel_leave(struct up_channel *c)
{
	if (--c->busy > 0 || !c->closing || c->engine || c->lookup_waits || c->reset_posted)
		return;
	void (*closed)(void *) = c->closed;
	void *arg = c->closed_arg;
	give_slot(c);
	up_report_closed(c->device);
	spt_host_timer_clear(c->host, &c->timer);
	spt_host_undefer(c->host, &c->flush);
	free(c);
	closed(arg);
}

static void refuse_fenced(struct spt_task *task)
{
	spt_task_check(task, SPT_KEY_NOT_READY, 0x0400); /* CAUSE NOT REPORTABLE */
}

/* Since when commands that wait for a session do so in vain. */
static uint64_t fail_at_us(const struct up_channel *c)
{
	return c->device->fail_us ? c->lost_us + c->device->fail_us : UINT64_MAX;
}

/* It was never sent. LOGICAL UNIT COMMUNICATION FAILURE */
static void refuse_lost(struct spt_task *task)
{
	task->in.bytes = 0;
	spt_task_check(task, SPT_KEY_NOT_READY, 0x0800);
}

static void busy(struct spt_task *task)
{
	task->in.bytes = 0;
	task->status = SPT_BUSY;
	spt_task_complete(task);
}

void up_channel_expire(struct up_channel *c)
{
	uint64_t now = spt_host_now_us(c->host);

	if (c->state == UP_STATE_UP)
		return;
	while (c->waiting.first &&
		(c->state == UP_STATE_FENCED || *deadline_of(c->waiting.first) <= now)) {
		struct spt_task *task = fifo_take(&c->waiting);
		if (c->state == UP_STATE_FENCED)
			refuse_fenced(task);
		else if (fail_at_us(c) <= now)
			refuse_lost(task);
		else
			busy(task); /* it was never sent */
	}
}

/* How long a command that comes now waits for a session. */
static uint64_t hold_until(const struct up_channel *c)
{
	return MIN(spt_host_now_us(c->host) + c->device->hold_us, fail_at_us(c));
}

void up_channel_hold(struct up_channel *c)
{
	uint64_t until = hold_until(c);

	for (struct spt_task *t = c->waiting.first; t; t = fifo_next(t)) {
		if (!*deadline_of(t))
			*deadline_of(t) = until;
	}
}

uint64_t up_channel_next_us(const struct up_channel *c)
{
	return c->waiting.first ? *deadline_of(c->waiting.first) : UINT64_MAX;
}

static void start(struct up_channel *c, struct spt_task *task, struct up_command *cmd)
{
	if (task->expected_in_bytes) {
		uint32_t list = opcode_list_room(&c->device->limits, task->cdb);
		if (!spt_task_take_in(task, MAX(list, task->expected_in_bytes))) {
			spt_task_full(task);
			return;
		}
		up_prepare_in(&task->in, c->device->canary);
	}
	task->backend = cmd;
	cmd->task = task;
	cmd->limits = &c->device->limits;
	cmd->direction = pass_direction(task,
		(uint8_t)atomic_load_explicit(&c->device->learned.device_type,
			memory_order_relaxed));
	if (up_engine_send(c->engine, cmd) < 0) {
		busy(task);
		return;
	}
	spt_host_defer(c->host, &c->flush);
}

void up_channel_pump(struct up_channel *c)
{
	struct up_command *cmd;

	while (c->state == UP_STATE_UP && c->waiting.first && (cmd = up_engine_place(c->engine)))
		start(c, fifo_take(&c->waiting), cmd);
}

void up_channel_judge(void *channel, struct spt_task *task)
{
	const struct up_channel *c = channel;

	if (c->state == UP_STATE_FENCED) {
		refuse_fenced(task);
		return;
	}
	if (pass_judge(&c->device->limits, task))
		task->out_wanted_bytes = task->expected_out_bytes;
}

void up_channel_submit(void *channel, struct spt_task *task)
{
	struct up_channel *c = channel;
	struct up_command *cmd = NULL;

	up_channel_enter(c);
	if (c->state == UP_STATE_UP && !c->waiting.first)
		cmd = up_engine_place(c->engine);
	if (cmd) {
		start(c, task, cmd);
	} else if (c->state == UP_STATE_FENCED) {
		refuse_fenced(task);
	} else if (c->state != UP_STATE_UP && fail_at_us(c) <= spt_host_now_us(c->host)) {
		refuse_lost(task);
	} else if (c->waiting.count >= c->device->queue_limit) {
		spt_task_full(task);
	} else {
		*deadline_of(task) = c->state == UP_STATE_UP ? 0 : hold_until(c);
		fifo_append(&c->waiting, task);
		up_session_arm(c);
	}
	up_channel_leave(c);
}

void up_channel_cancel(void *channel, struct spt_task *task)
{
	struct up_channel *c = channel;

	if (fifo_remove(&c->waiting, task)) {
		task->outcome = SPT_ABORTED;
		spt_task_complete(task);
		return;
	}
	if (!c->engine)
		return; /* it is being completed: its session has just ended */
	up_places_abort(up_engine_places(c->engine), task->backend, spt_host_now_us(c->host));
	spt_host_defer(c->host, &c->flush);
}

/* The format of sense that the device speaks is the one we use ourselves. */
static void note_sense(const struct up_channel *c, const struct spt_task *task)
{
	struct spt_sense sense;

	if (task->status != SPT_CHECK_CONDITION || !task->sense_bytes)
		return;
	spt_device_set_descriptor_sense(c->device->handle, (task->sense[0] & 0x7f) >= 0x72);
	/* It was for the one nexus that upstream knows: those who share it are told, too. */
	if (c->device->shared && spt_sense_decode(task->sense, task->sense_bytes, &sense) == 0 &&
		sense.key == SPT_KEY_UNIT_ATTENTION)
		spt_device_attention_at(c->device->handle, c->host, task, sense.asc);
}

/* What @task's data tells of the device, and where its limits are wider than ours. */
static void read_reply(struct up_device *d, struct spt_task *task)
{
	if (task->status != SPT_GOOD || !task->in.bytes)
		return;
	learn(&d->learned, task->cdb, task->in.data, task->in.bytes);
	clamp_reply(task->cdb, task->in.data, task->in.bytes, d->limits.max_transfer_bytes,
		atomic_load_explicit(&d->learned.block_bytes, memory_order_relaxed));
}

void up_channel_finish(struct up_channel *c, struct up_engine *engine, struct up_command *cmd)
{
	struct spt_task *task = cmd->task;

	unsigned type =
		atomic_load_explicit(&c->device->learned.device_type, memory_order_relaxed);

	up_apply_reply(task, &cmd->reply, c->device->canary, type == TYPE_SEQUENTIAL);
	if (task == &c->probe.task) {
		up_engine_release(engine, cmd);
		up_login_answered(c);
		return;
	}
	if (cmd->reply.fate == UP_ANSWERED) {
		note_sense(c, task);
		opcode_list_hide(&c->device->limits, task, task->status == SPT_GOOD);
		read_reply(c->device, task);
	}
	up_engine_release(engine, cmd);
	spt_task_complete(task);
}

/* A reset that was asked for, on its way upstream. */
struct reset_run {
	struct up_reset up;
	struct spt_reset *reset;
};

/*
 * SAM-5 6.3.3: a reset of the logical unit has ended the commands of every nexus, and without TAS nobody says so to the others of
 * ours. What they still wait for is asked about one by one: what is gone is answered, and nothing new is touched.
 */
static void reset_passed(struct spt_post *post)
{
	struct up_channel *c = post->arg;

	up_channel_enter(c);
	pthread_mutex_lock(&c->device->lock);
	c->reset_posted = false;
	pthread_mutex_unlock(&c->device->lock);
	if (c->state == UP_STATE_UP) {
		up_places_abort_all(up_engine_places(c->engine), spt_host_now_us(c->host));
		spt_host_defer(c->host, &c->flush);
	}
	up_channel_leave(c);
}

static void pass_reset_on(const struct up_channel *from)
{
	struct up_device *d = from->device;
	struct up_channel *c;

	pthread_mutex_lock(&d->lock);
	list_foreach (c, &d->channels, device_link) {
		if (c == from || c->reset_posted)
			continue;
		c->reset_posted = true;
		spt_host_post(c->host, &c->reset_passed);
	}
	pthread_mutex_unlock(&d->lock);
}

void up_channel_reset_done(struct up_channel *c, struct up_reset *up)
{
	struct reset_run *run = container_of(up, struct reset_run, up);
	struct spt_reset *reset = run->reset;
	int result = up->result;

	free(run);
	if (result == 0 && reset->function == SPT_TMF_LOGICAL_UNIT_RESET)
		pass_reset_on(c);
	reset->done(reset, result);
}

void up_channel_reset(void *channel, struct spt_reset *reset)
{
	struct up_channel *c = channel;
	struct reset_run *run = c->state == UP_STATE_UP ? calloc(1, sizeof(*run)) : NULL;

	if (!run) {
		/* Without a session none of our tasks is there. */
		reset->done(reset, c->state == UP_STATE_UP ? -ENOMEM : -ENOTCONN);
		return;
	}
	run->reset = reset;
	run->up.function = reset->function;
	run->up.ends = reset->function != SPT_TMF_CLEAR_ACA;
	up_places_reset(up_engine_places(c->engine), &run->up);
	spt_host_defer(c->host, &c->flush);
}

void up_channel_fence(void *channel)
{
	struct up_channel *c = channel;

	up_channel_enter(c);
	up_session_end(c, UP_STATE_FENCED, NULL);
	up_channel_expire(c);
	up_channel_leave(c);
}

int up_channel_open(void *device, const struct spt_channel_params *params, void **ret_channel)
{
	struct up_device *d = device;
	struct up_channel *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->device = d;
	c->host = params->host;
	c->initiator_name =
		d->initiator_name[0] ? d->initiator_name : params->nexus->initiator_name;
	if (d->shared && take_slot(c) < 0) {
		free(c);
		return -EMFILE;
	}
	c->isid = d->shared ? up_isid_shared(d->name, (uint16_t)c->slot) :
			      up_isid_of(d->name, params->nexus);
	c->lost_us = spt_host_now_us(c->host);
	c->lost_portal = UP_PORTALS;
	up_report_opened(d);
	c->watch = (struct spt_watch){ .fd = -1, .fn = up_session_ready, .arg = c };
	c->flush = (struct spt_post){ .fn = up_session_flush, .arg = c };
	c->looked = (struct spt_post){ .fn = up_session_looked, .arg = c };
	c->reset_passed = (struct spt_post){ .fn = reset_passed, .arg = c };
	c->timer = (struct spt_timer){ .fn = up_session_tick, .arg = c };
	pthread_mutex_lock(&d->lock);
	list_append(&d->channels, &c->device_link);
	pthread_mutex_unlock(&d->lock);
	up_session_connect(c);
	up_session_arm(c);
	*ret_channel = c;
	return 0;
}

void up_channel_close(void *channel, void (*closed)(void *arg), void *arg)
{
	struct up_channel *c = channel;

	assert(!c->waiting.count);
	up_channel_enter(c);
	c->closing = true;
	c->closed = closed;
	c->closed_arg = arg;
	up_lookup_forget(c);
	pthread_mutex_lock(&c->device->lock);
	list_del(&c->device_link);
	pthread_mutex_unlock(&c->device->lock);
	if ((c->state == UP_STATE_UP || c->state == UP_STATE_PROBE) && up_engine_logout(c->engine)) {
		up_report_down(c->device, c->state == UP_STATE_UP, NULL);
		c->state = UP_STATE_LOGOUT;
		c->deadline_us = spt_host_now_us(c->host) + LOGOUT_US;
		spt_host_defer(c->host, &c->flush);
		up_session_arm(c);
	} else {
		up_session_end(c, UP_STATE_FENCED, NULL);
	}
	up_channel_leave(c);
}
