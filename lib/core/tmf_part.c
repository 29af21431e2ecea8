/* SPDX-License-Identifier: MIT */
/*
 * A part of a task management function: marks the tasks of the scope that it finds on its loop, ends
 * them, and is over when none of them can touch its device any more.
 *
 * A part that waits too long escalates (struct spt_escalation): device reset, then the device is
 * fenced. Everything but this device goes on meanwhile.
 */
#include <assert.h>

#include "base/util.h"
#include "core/tmf.h"

static bool map_has(const struct spt_lun_map *luns, const struct spt_device *device)
{
	for (size_t i = 0; i < spt_lun_map_count(luns); i++) {
		if (spt_lun_map_at(luns, i)->device == device)
			return true;
	}
	return false;
}

/*
 * A reservation command that waits for what follows it has done its work and is nowhere near the
 * device: two that preempt each other must not wait for one another.
 */
static bool preempted(const struct scope *s, const struct spt_task *task)
{
	return s->cookie == task->aux.session.v &&
		!(task->above && task->state == SPT_TASK_DEVICE);
}

/* By its cookie: a session that has ended since may have left its place in memory to another. */
static bool is_senders(const struct spt_tmf_run *run, const struct spt_task *task)
{
	return task->session->context == run->context && task->session->cookie.v == run->sender;
}

static bool spared(const struct spt_tmf_run *run, const struct spt_task *task)
{
	return run->tmf->spares && is_senders(run, task) && run->tmf->spares(run->tmf, task);
}

static bool in_scope(const struct tmf_part *part, const struct spt_task *task)
{
	const struct scope *s = &part->run->scope;
	const struct spt_device *device = task->itl ? task->itl->device : NULL;

	return task->serial < part->serial && !spared(part->run, task) && (!s->session || s->session == task->session) &&
		(!s->task || s->task == task) && (!s->cookie || preempted(s, task)) &&
		(!s->device || s->device == device) &&
		(!s->luns || (device && map_has(s->luns, device)));
}

static struct spt_task *remaining(const struct tmf_part *part)
{
	struct spt_task *t;

	list_foreach (t, &part->context->doomed, doomed_link) {
		if (in_scope(part, t))
			return t;
	}
	return NULL;
}

static void part_back(struct spt_post *post)
{
	struct tmf_part *part = post->arg;
	run_release(part->run);
}

/* On the part's own loop: nothing of its scope is left here. The part may be gone on return. */
static void part_over(struct tmf_part *part)
{
	struct spt_context *context = part->context, *origin = part->run->context;

	list_del(&part->link);
	spt_host_timer_clear(context->host, &part->timer);
	if (origin == context) {
		run_release(part->run);
	} else {
		part->post.fn = part_back;
		spt_host_post(origin->host, &part->post);
	}
	context_release(context);
}

static bool part_check(struct tmf_part *part)
{
	if (part->busy || remaining(part))
		return false;
	part_over(part);
	return true;
}

void tmf_reevaluate(struct spt_context *context)
{
	struct tmf_part *part;

	context_hold(context); /* the last part may be what it was kept for */
again:
	list_foreach (part, &context->tmf_parts, link) {
		if (part_check(part))
			goto again;
	}
	context_release(context);
}

static void part_arm(struct tmf_part *part, uint64_t delay_us)
{
	spt_host_timer_set(part->context->host, &part->timer, delay_us);
}

static void unmark_channels(struct spt_context *context)
{
	struct channel *c;

	list_foreach (c, &context->channels, link)
		c->marked = false;
}

/*
 * The next channel that still holds a task of the scope, each once. What is done to it may end any
 * number of tasks, and with them channels: look afresh each time.
 */
static struct channel *next_channel(const struct tmf_part *part)
{
	struct spt_task *t;

	list_foreach (t, &part->context->doomed, doomed_link) {
		struct channel *c = t->itl->channel;
		if (t->above || c->marked || !in_scope(part, t))
			continue;
		c->marked = true;
		return c;
	}
	return NULL;
}

static void reset_remaining(struct tmf_part *part)
{
	struct channel *c;

	unmark_channels(part->context);
	while ((c = next_channel(part))) {
		if (c->device->escalation.reset)
			reset_channel(c, NULL);
	}
}

/* Where there is no fence the tasks end by themselves in bounded time. */
static void fence_remaining(struct tmf_part *part)
{
	struct channel *c;

	unmark_channels(part->context);
	while ((c = next_channel(part)))
		backend_fence(c);
}

/* How long the reset has, zero where there is none. */
static uint64_t reset_wait_us(const struct tmf_part *part)
{
	uint64_t wait_us = 0;
	struct spt_task *t;

	list_foreach (t, &part->context->doomed, doomed_link) {
		const struct spt_escalation *e = &t->itl->device->escalation;
		if (in_scope(part, t) && e->reset)
			wait_us = MAX(wait_us, e->reset_wait_us);
	}
	return wait_us;
}

static void part_escalate(struct spt_timer *timer)
{
	struct tmf_part *part = timer->arg;

	part->busy = true;
	switch (part->stage) {
	case STAGE_WAIT:
		part->stage = STAGE_RESET;
		part_arm(part, reset_wait_us(part));
		reset_remaining(part);
		break;
	case STAGE_RESET:
		part->stage = STAGE_FENCED;
		fence_remaining(part);
		break;
	case STAGE_FENCED:
		break;
	}
	part->busy = false;
	part_check(part);
}

/*
 * SAM-5 5.6: who loses a task to another nexus is told: with TAS one by the status of the task, else, where
 * the function does not establish a condition of its own, by a unit attention.
 */
static void tell_of_loss(const struct tmf_part *part, struct spt_task *task)
{
	const spt_asc_t cleared = 0x2f00; /* COMMANDS CLEARED BY ANOTHER INITIATOR */

	if (!task->itl)
		return;
	task->itl->losing = !part->run->scope.task; /* who aborts one task of his own knows */
	if (is_senders(part->run, task))
		return;
	task->tas = atomic_load_explicit(&task->itl->device->tas, memory_order_relaxed);
	if (part->run->tmf->function == SPT_TMF_CLEAR_TASK_SET && !task->tas)
		itl_attention(task->itl, cleared);
}

/* Once for each logical unit, before the tasks end. */
static void tell_session(struct spt_session *session)
{
	for (size_t i = 0; i < session->n_itls; i++) {
		struct spt_itl *itl = session->itls[i];
		bool losing = itl->losing;
		itl->losing = false;
		if (losing && session->terminating && !session->stopping)
			session->terminating(session->arg, itl);
	}
}

static void doom_scope(struct tmf_part *part, struct spt_link *doomed)
{
	const struct scope *s = &part->run->scope;
	struct spt_context *context = part->context;
	struct spt_task *t;

	for (uint32_t i = 0; i < context->n_slots; i++) {
		struct spt_session *session = context->slots[i].session;
		if (!session || (s->session && s->session != session))
			continue;
		list_foreach (t, &session->tasks, session_link) {
			if (in_scope(part, t) && task_doom(t, doomed))
				tell_of_loss(part, t);
		}
		tell_session(session);
	}
}

static void part_start(struct tmf_part *part)
{
	struct spt_link doomed;

	list_init(&doomed);
	part->serial = part->context->serial;
	part->busy = true;
	list_append(&part->context->tmf_parts, &part->link);
	doom_scope(part, &doomed);
	tasks_kill(part->context, &doomed);
	const struct spt_task *t = remaining(part);
	if (t)
		part_arm(part, t->itl->device->escalation.wait_us);
	part->busy = false;
	part_check(part);
}

static void part_arrives(struct spt_post *post)
{
	part_start(post->arg);
}

void part_init(struct tmf_part *part, struct spt_tmf_run *run, struct spt_context *context)
{
	part->context = context;
	part->run = run;
	part->post = (struct spt_post){ .fn = part_arrives, .arg = part };
	part->timer = (struct spt_timer){ .fn = part_escalate, .arg = part };
	list_init(&part->link);
}

void part_begin(struct tmf_part *part)
{
	if (part->context == part->run->context)
		part_start(part);
	else
		spt_host_post(part->context->host, &part->post);
}
