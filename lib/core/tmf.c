/* SPDX-License-Identifier: MIT */
/*
 * Task management: a function names a scope of tasks, perhaps on several loops; each loop concerned
 * runs a *part*, which marks the tasks of the scope that it finds, ends them, and is over when none
 * of them can touch its device any more. The function's *run*, on the loop it came from, is over
 * when its parts are; then come its effects on others (unit attentions) and its response.
 *
 * A part that waits too long escalates (struct spt_escalation): device reset, then the device is
 * fenced. Everything but this device goes on meanwhile.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "core/core.h"

/* Which tasks: a member that is NULL does not narrow the scope. */
struct scope {
	const struct spt_session *session;
	const struct spt_device *device;
	const struct spt_lun_map *luns;
	const struct spt_task *task;
};

enum stage { STAGE_WAIT, STAGE_RESET, STAGE_FENCED };

struct tmf_part {
	struct spt_link link; /* in context->tmf_parts */
	struct spt_context *context;
	struct spt_tmf_run *run;
	struct spt_post post;
	struct spt_timer timer;
	uint64_t serial; /* tasks that came later are not concerned */
	enum stage stage;
	bool busy; /* being started or escalated: not to be ended under its own feet */
};

struct spt_tmf_run {
	struct spt_tmf *tmf;
	struct scope scope;
	struct spt_device *device; /* a reference, or NULL */
	struct spt_lun_map *luns;  /* likewise */
	unsigned pending;          /* parts and resets, and one for whoever is adding them */
	size_t n_parts;
	struct tmf_part parts[];
};

/* A reset of a device, which may outlive the part that asked for it. */
struct reset_run {
	struct spt_reset reset;
	struct spt_tmf_run *run; /* NULL: nobody waits */
};

static bool map_has(const struct spt_lun_map *luns, const struct spt_device *device)
{
	for (size_t i = 0; i < spt_lun_map_count(luns); i++) {
		if (spt_lun_map_at(luns, i)->device == device)
			return true;
	}
	return false;
}

static bool in_scope(const struct tmf_part *part, const struct spt_task *task)
{
	const struct scope *s = &part->run->scope;
	const struct spt_device *device = task->itl ? task->itl->device : NULL;

	return task->serial < part->serial && (!s->session || s->session == task->session) &&
		(!s->task || s->task == task) && (!s->device || s->device == device) &&
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

/* The effects on other nexuses (SAM-5 7), before the response goes out. */
static void apply_effects(const struct spt_tmf_run *run)
{
	const spt_asc_t reset = 0x2903;   /* BUS DEVICE RESET FUNCTION OCCURRED */
	const spt_asc_t cleared = 0x2f00; /* COMMANDS CLEARED BY ANOTHER INITIATOR */

	switch (run->tmf->function) {
	case SPT_TMF_CLEAR_TASK_SET:
		if (!run->scope.session)
			device_attention(run->device,
				session_find(run->tmf->context, run->tmf->session), cleared);
		break;
	case SPT_TMF_LOGICAL_UNIT_RESET:
		device_attention(run->device, NULL, reset);
		break;
	case SPT_TMF_TARGET_WARM_RESET:
	case SPT_TMF_TARGET_COLD_RESET:
		for (size_t i = 0; i < spt_lun_map_count(run->luns); i++)
			device_attention(spt_lun_map_at(run->luns, i)->device, NULL, reset);
		break;
	}
}

static void run_release(struct spt_tmf_run *run)
{
	if (--run->pending > 0)
		return;
	struct spt_tmf *tmf = run->tmf;
	apply_effects(run);
	spt_device_unref(run->device);
	spt_lun_map_unref(run->luns);
	free(run);
	tmf->run = NULL;
	tmf->done(tmf);
}

static void part_back(struct spt_post *post)
{
	struct tmf_part *part = post->arg;
	run_release(part->run);
}

/* On the part's own loop: nothing of its scope is left here. */
static void part_over(struct tmf_part *part)
{
	struct spt_context *origin = part->run->tmf->context;

	list_del(&part->link);
	spt_host_timer_clear(part->context->host, &part->timer);
	if (origin == part->context) {
		run_release(part->run);
		return;
	}
	part->post.fn = part_back;
	spt_host_post(origin->host, &part->post);
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

again:
	list_foreach (part, &context->tmf_parts, link) {
		if (part_check(part))
			goto again;
	}
}

static void reset_done(struct spt_reset *reset, int result)
{
	struct reset_run *r = container_of(reset, struct reset_run, reset);

	(void)result; /* what counts is whether the tasks have ended */
	if (r->run)
		run_release(r->run);
	free(r);
}

/* @run: waits for the reset; NULL: a step of an escalation, whose own deadline counts. */
static void reset_channel(struct channel *channel, struct spt_tmf_run *run)
{
	struct reset_run *r = calloc(1, sizeof(*r));

	if (!r)
		return;
	r->run = run;
	r->reset.done = reset_done;
	if (run)
		run->pending++;
	if (backend_reset(channel, &r->reset) < 0)
		reset_done(&r->reset, -EOPNOTSUPP);
}

static void part_arm(struct tmf_part *part, uint64_t delay_us)
{
	spt_host_timer_set(part->context->host, &part->timer, delay_us);
}

/* Every channel once that still holds a task of the scope. */
static void reset_remaining(struct tmf_part *part)
{
	const struct channel *last = NULL;
	struct spt_task *t, *next;

	list_foreach_safe (t, next, &part->context->doomed, doomed_link) {
		if (!in_scope(part, t) || t->itl->channel == last)
			continue;
		last = t->itl->channel;
		if (t->itl->device->escalation.reset)
			reset_channel(t->itl->channel, NULL);
	}
}

static void fence_remaining(struct tmf_part *part)
{
	struct spt_task *t;

	while ((t = remaining(part))) {
		if (!backend_fence(t->itl->channel))
			return; /* its tasks end by themselves in bounded time */
	}
}

static void part_escalate(struct spt_timer *timer)
{
	struct tmf_part *part = timer->arg;
	const struct spt_task *t = remaining(part);

	part->busy = true;
	switch (part->stage) {
	case STAGE_WAIT:
		part->stage = STAGE_RESET;
		part_arm(part, t ? t->itl->device->escalation.reset_wait_us : 0);
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
			if (in_scope(part, t))
				task_doom(t, doomed);
		}
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

/* The loops on which the devices of @luns (or @device) have nexuses, each once. */
static size_t collect_contexts(struct spt_device *device, struct spt_context **contexts, size_t n,
	size_t max)
{
	struct spt_itl *itl;

	pthread_mutex_lock(&device->lock);
	list_foreach (itl, &device->itls, device_link) {
		struct spt_context *c = itl->session->context;
		size_t i = 0;
		while (i < n && contexts[i] != c)
			i++;
		if (i == n && n < max)
			contexts[n++] = c;
	}
	pthread_mutex_unlock(&device->lock);
	return n;
}

#define LOOPS_MAX 256u

static struct spt_tmf_run *run_new(struct spt_tmf *tmf, struct spt_context **contexts, size_t n)
{
	struct spt_tmf_run *run = calloc(1, sizeof(*run) + n * sizeof(run->parts[0]));

	if (!run)
		return NULL;
	run->tmf = tmf;
	run->pending = 1;
	run->n_parts = n;
	for (size_t i = 0; i < n; i++) {
		struct tmf_part *part = &run->parts[i];
		part->context = contexts[i];
		part->run = run;
		part->post = (struct spt_post){ .fn = part_arrives, .arg = part };
		part->timer = (struct spt_timer){ .fn = part_escalate, .arg = part };
		list_init(&part->link);
	}
	tmf->run = run;
	return run;
}

static void run_start(struct spt_tmf_run *run)
{
	struct spt_context *origin = run->tmf->context;

	run->pending += run->n_parts;
	for (size_t i = 0; i < run->n_parts; i++) {
		struct tmf_part *part = &run->parts[i];
		if (part->context == origin)
			part_start(part);
		else
			spt_host_post(part->context->host, &part->post);
	}
	run_release(run);
}

static void respond(struct spt_tmf *tmf, uint8_t response)
{
	tmf->response = response;
	tmf->done(tmf);
}

static void start_on(struct spt_tmf *tmf, const struct scope *scope, struct spt_context **contexts,
	size_t n)
{
	struct spt_tmf_run *run = run_new(tmf, contexts, n);

	if (!run) {
		respond(tmf, SPT_TMF_REJECTED);
		return;
	}
	run->scope = *scope;
	if (scope->device)
		run->device = spt_device_ref((struct spt_device *)(uintptr_t)scope->device);
	if (scope->luns)
		run->luns = spt_lun_map_ref((struct spt_lun_map *)(uintptr_t)scope->luns);
	run_start(run);
}

static void abort_task(struct spt_tmf *tmf, struct spt_session *session)
{
	const struct spt_task *t = spt_task_find(tmf->context, tmf->session, tmf->reference.tag);

	/* RFC 7143 11.5.1: the LUN has to be the task's. One that is done has its response already. */
	if (!t || t->state == SPT_TASK_DONE || t->aux.task.generation != tmf->reference.generation ||
		t->aux.lun != tmf->lun) {
		respond(tmf, SPT_TMF_NO_TASK);
		return;
	}
	struct scope scope = { .session = session, .task = t };
	start_on(tmf, &scope, &tmf->context, 1);
}

static void task_set(struct spt_tmf *tmf, struct spt_session *session)
{
	const struct spt_itl *itl = lun_find(session, tmf->lun);
	struct scope scope = { .session = session, .device = itl->device };
	struct spt_context *contexts[LOOPS_MAX] = { tmf->context };
	size_t n = 1;

	if (tmf->function == SPT_TMF_CLEAR_TASK_SET &&
		!(itl->device->ops->flags & SPT_BACKEND_TASK_SET_PER_NEXUS)) {
		scope.session = NULL;
		n = collect_contexts(itl->device, contexts, n, LOOPS_MAX);
	}
	start_on(tmf, &scope, contexts, n);
}

static void logical_unit_reset(struct spt_tmf *tmf, struct spt_session *session)
{
	const struct spt_itl *itl = lun_find(session, tmf->lun);
	struct scope scope = { .device = itl->device };
	struct spt_context *contexts[LOOPS_MAX] = { tmf->context };
	size_t n = collect_contexts(itl->device, contexts, 1, LOOPS_MAX);
	struct spt_tmf_run *run = run_new(tmf, contexts, n);

	if (!run) {
		respond(tmf, SPT_TMF_REJECTED);
		return;
	}
	run->scope = scope;
	run->device = spt_device_ref(itl->device);
	if (itl->channel)
		reset_channel(itl->channel, run);
	run_start(run);
}

static void target_reset(struct spt_tmf *tmf, struct spt_session *session)
{
	struct scope scope = { .luns = session->luns };
	struct spt_context *contexts[LOOPS_MAX] = { tmf->context };
	size_t n = 1;

	for (size_t i = 0; i < session->n_itls; i++)
		n = collect_contexts(session->itls[i].device, contexts, n, LOOPS_MAX);
	struct spt_tmf_run *run = run_new(tmf, contexts, n);
	if (!run) {
		respond(tmf, SPT_TMF_REJECTED);
		return;
	}
	run->scope = scope;
	run->luns = spt_lun_map_ref(session->luns);
	for (size_t i = 0; i < session->n_itls; i++) {
		if (session->itls[i].channel)
			reset_channel(session->itls[i].channel, run);
	}
	run_start(run);
}

static const struct {
	void (*run)(struct spt_tmf *tmf, struct spt_session *session);
	bool needs_lun;
} FUNCTIONS[] = {
	[SPT_TMF_ABORT_TASK] = { abort_task, false },
	[SPT_TMF_ABORT_TASK_SET] = { task_set, true },
	[SPT_TMF_CLEAR_TASK_SET] = { task_set, true },
	[SPT_TMF_LOGICAL_UNIT_RESET] = { logical_unit_reset, true },
	[SPT_TMF_TARGET_WARM_RESET] = { target_reset, false },
	[SPT_TMF_TARGET_COLD_RESET] = { target_reset, false },
};

int spt_tmf(struct spt_context *context, struct spt_tmf *tmf)
{
	struct spt_session *session = session_find(context, tmf->session);

	if (!session)
		return -ENOENT;
	tmf->context = context;
	tmf->run = NULL;
	tmf->response = SPT_TMF_COMPLETE;
	if (tmf->function >= ARRAY_SIZE(FUNCTIONS) || !FUNCTIONS[tmf->function].run)
		respond(tmf, SPT_TMF_NOT_SUPPORTED); /* CLEAR ACA among them: NACA is refused */
	else if (FUNCTIONS[tmf->function].needs_lun && !lun_find(session, tmf->lun))
		respond(tmf, SPT_TMF_NO_LUN);
	else
		FUNCTIONS[tmf->function].run(tmf, session);
	return 0;
}
