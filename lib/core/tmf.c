/* SPDX-License-Identifier: MIT */
/*
 * Task management: a function names a scope of tasks, perhaps on several loops; each loop concerned
 * runs a *part*, which ends them. The function's *run*, on the loop it came from, is over when its
 * parts are; then come its effects on others (unit attentions) and its response.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core/removal.h"
#include "core/tmf.h"

static void unlocked(void *arg)
{
	run_release(arg);
}

static void nexus_loss(struct spt_tmf_run *run, struct spt_session *session)
{
	for (size_t i = 0; session && i < session->n_itls; i++) {
		struct spt_itl *itl = session->itls[i];
		if (removal_nexus_loss(itl, unlocked, run))
			run->pending++;
		reservation_nexus_loss(itl);
		itl_attention(itl, 0x2907); /* I_T NEXUS LOSS OCCURRED */
	}
}

/* SAM-5 6.3.3. */
static void was_reset(struct spt_tmf_run *run, struct spt_device *device)
{
	if (removal_reset(device, run->context, unlocked, run))
		run->pending++;
	reset_condition(device);
}

/* The effects on other nexuses (SAM-5 7), before the response goes out. */
static void apply_effects(struct spt_tmf_run *run)
{
	switch (run->tmf->function) {
	case SPT_TMF_LOGICAL_UNIT_RESET:
		was_reset(run, run->device);
		break;
	case SPT_TMF_I_T_NEXUS_RESET:
		nexus_loss(run, session_find(run->tmf->context, run->tmf->session));
		break;
	case SPT_TMF_TARGET_WARM_RESET:
	case SPT_TMF_TARGET_COLD_RESET:
		for (size_t i = 0; i < spt_lun_map_count(run->luns); i++)
			was_reset(run, spt_lun_map_at(run->luns, i)->device);
		break;
	}
}

void run_release(struct spt_tmf_run *run)
{
	if (--run->pending > 0)
		return;
	if (!run->effects) {
		run->effects = true;
		run->pending = 1;
		apply_effects(run);
		run_release(run);
		return;
	}
	struct spt_tmf *tmf = run->tmf;
	struct spt_context *context = run->context;
	struct spt_session *sender = session_find(context, (spt_session_cookie){ run->sender });
	if (sender)
		sender->functions--;
	tmf->response = run->late ? SPT_TMF_REJECTED :
		run->refusal	  ? run->refusal :
				    SPT_TMF_COMPLETE;
	spt_device_let_go(context, run->device);
	lun_map_let_go(context, run->luns);
	free(run);
	tmf->run = NULL;
	tmf->done(tmf);
	context_release(context);
}

static void loops_add(struct loops *loops, struct spt_context *context)
{
	size_t i = 0;

	while (i < loops->n && loops->contexts[i] != context)
		i++;
	if (i < loops->n || i == LOOPS_MAX)
		return;
	context_hold(context);
	loops->contexts[loops->n++] = context;
}

/* A nexus in the device's list keeps its context. */
void loops_add_device(struct loops *loops, struct spt_device *device)
{
	struct spt_itl *itl;

	pthread_mutex_lock(&device->lock);
	list_foreach (itl, &device->itls, device_link)
		loops_add(loops, itl->place.context);
	pthread_mutex_unlock(&device->lock);
}

static void respond(struct spt_tmf *tmf, uint8_t response)
{
	tmf->response = response;
	tmf->done(tmf);
}

/* NULL: out of memory, and answered. The loops are the run's, or given back. */
static struct spt_tmf_run *run_new(struct spt_tmf *tmf, struct spt_session *sender,
	const struct scope *scope, const struct loops *loops)
{
	struct spt_tmf_run *run = calloc(1, sizeof(*run) + loops->n * sizeof(run->parts[0]));

	if (!run) {
		for (size_t i = 0; i < loops->n; i++)
			context_release_elsewhere(loops->contexts[i]);
		respond(tmf, SPT_TMF_REJECTED);
		return NULL;
	}
	run->tmf = tmf;
	run->context = tmf->context;
	context_hold(run->context);
	if (sender) {
		run->sender = sender->cookie.v;
		sender->functions++;
	}
	run->scope = *scope;
	if (scope->device)
		run->device = spt_device_ref((struct spt_device *)(uintptr_t)scope->device);
	if (scope->luns)
		run->luns = spt_lun_map_ref((struct spt_lun_map *)(uintptr_t)scope->luns);
	run->pending = 1; /* run_started()'s */
	run->n_parts = loops->n;
	for (size_t i = 0; i < loops->n; i++)
		part_init(&run->parts[i], run, loops->contexts[i]);
	tmf->run = run;
	return run;
}

/* The tasks first: what a reset ends owes no response. Then whoever started it lets it go. */
static void run_parts(struct spt_tmf_run *run)
{
	run->pending += run->n_parts;
	for (size_t i = 0; i < run->n_parts; i++)
		part_begin(&run->parts[i]);
}

static void start_on(struct spt_tmf *tmf, struct spt_session *sender,
	const struct scope *scope, const struct loops *loops)
{
	struct spt_tmf_run *run = run_new(tmf, sender, scope, loops);

	if (!run)
		return;
	run_parts(run);
	run_release(run);
}

void tmf_preempt(struct spt_tmf *tmf, struct spt_session *by, struct spt_device *device,
	struct spt_context *where, spt_session_cookie cookie)
{
	const struct scope scope = { .device = device, .cookie = cookie.v };
	struct loops loops = { .n = 0 };

	tmf->function = SPT_TMF_ABORT_TASK_SET;
	loops_add(&loops, where);
	start_on(tmf, by, &scope, &loops);
}

/* RFC 7143 11.5.3: the LUN has to be the task's, in whatever format. */
static bool is_reference(const struct spt_tmf *tmf, struct spt_session *session,
	const struct spt_task *task)
{
	return task->aux.task.tag == tmf->reference.tag &&
		task->aux.task.generation == tmf->reference.generation &&
		(task->aux.lun == tmf->lun || (task->itl && task->itl == lun_find(session, tmf->lun)));
}

static void abort_task(struct spt_tmf *tmf, struct spt_session *session)
{
	const struct spt_task *t = spt_task_find(tmf->context, tmf->session, tmf->reference.tag);
	struct loops loops = { .n = 0 };

	/* One that is done has its response already. */
	if (!t || t->state == SPT_TASK_DONE || !is_reference(tmf, session, t)) {
		respond(tmf, SPT_TMF_NO_TASK);
		return;
	}
	loops_add(&loops, tmf->context);
	start_on(tmf, session, &(struct scope){ .session = session, .task = t }, &loops);
}

/*
 * The far side of a mirrored nexus has the task set, and knows whom a function concerns: what it does to
 * tasks of other nexuses, it tells them itself.
 */
static void mirror(struct spt_tmf_run *run, const struct spt_itl *itl)
{
	if (itl->channel && (itl->device->flags & SPT_BACKEND_PER_NEXUS))
		function_channel(itl->channel, run, run->tmf->function);
}

static void task_set(struct spt_tmf *tmf, struct spt_session *session)
{
	const struct spt_itl *itl = lun_find(session, tmf->lun);
	struct scope scope = { .session = session, .device = itl->device };
	struct loops loops = { .n = 0 };

	loops_add(&loops, tmf->context);
	if (tmf->function == SPT_TMF_CLEAR_TASK_SET &&
		!(itl->device->flags & (SPT_BACKEND_TASK_SET_PER_NEXUS | SPT_BACKEND_PER_NEXUS))) {
		scope.session = NULL;
		loops_add_device(&loops, itl->device);
	}
	struct spt_tmf_run *run = run_new(tmf, session, &scope, &loops);
	if (!run)
		return;
	run_parts(run);
	mirror(run, itl);
	run_release(run);
}

/* SAM-5 7.4. There is no ACA condition but one that the far side of a mirrored nexus has. */
static void clear_aca(struct spt_tmf *tmf, struct spt_session *session)
{
	const struct spt_itl *itl = lun_find(session, tmf->lun);
	struct loops loops = { .n = 0 };

	if (!(itl->device->flags & SPT_BACKEND_PER_NEXUS)) {
		respond(tmf, SPT_TMF_NOT_SUPPORTED);
		return;
	}
	struct spt_tmf_run *run = run_new(tmf, session, &(struct scope){ .device = itl->device }, &loops);
	if (!run)
		return;
	mirror(run, itl);
	run_release(run);
}

static void logical_unit_reset(struct spt_tmf *tmf, struct spt_session *session)
{
	const struct spt_itl *itl = lun_find(session, tmf->lun);
	struct loops loops = { .n = 0 };

	loops_add(&loops, tmf->context);
	loops_add_device(&loops, itl->device);
	struct spt_tmf_run *run =
		run_new(tmf, session, &(struct scope){ .device = itl->device }, &loops);
	if (!run)
		return;
	run_parts(run);
	if (itl->channel)
		reset_channel(itl->channel, run);
	run_release(run);
}

void tmf_reset_device(struct spt_tmf *tmf, struct spt_context *context, struct spt_device *device)
{
	struct loops loops = { .n = 0 };

	tmf->context = context;
	tmf->function = SPT_TMF_LOGICAL_UNIT_RESET;
	loops_add_device(&loops, device);
	struct spt_tmf_run *run = run_new(tmf, NULL, &(struct scope){ .device = device }, &loops);
	if (!run)
		return;
	run_parts(run);
	/* The end of a task may have been the end of its session, and of its channel. */
	struct channel *channel = channel_find(context, device);
	if (channel)
		reset_channel(channel, run);
	run_release(run);
}

static void target_reset(struct spt_tmf *tmf, struct spt_session *session)
{
	struct loops loops = { .n = 0 };

	loops_add(&loops, tmf->context);
	for (size_t i = 0; i < session->n_itls; i++)
		loops_add_device(&loops, session->itls[i]->device);
	struct spt_tmf_run *run =
		run_new(tmf, session, &(struct scope){ .luns = session->luns }, &loops);
	if (!run)
		return;
	run_parts(run);
	for (size_t i = 0; i < session->n_itls; i++) {
		if (session->itls[i]->channel)
			reset_channel(session->itls[i]->channel, run);
	}
	run_release(run);
}

/* SAM-5 7.6, RFC 7144 6.3: this nexus loses its tasks at every logical unit, and is told. */
static void i_t_nexus_reset(struct spt_tmf *tmf, struct spt_session *session)
{
	struct loops loops = { .n = 0 };

	for (size_t i = 0; i < session->n_itls; i++) {
		/* The far side of a mirrored nexus would have to lose it, too. */
		if (session->itls[i]->device->flags & SPT_BACKEND_PER_NEXUS) {
			respond(tmf, SPT_TMF_NOT_SUPPORTED);
			return;
		}
	}
	loops_add(&loops, tmf->context);
	start_on(tmf, session, &(struct scope){ .session = session }, &loops);
}

/* Either runs and responds in its own time, or gives the response at once. */
static const struct {
	void (*run)(struct spt_tmf *tmf, struct spt_session *session);
	bool needs_lun;
	bool level_2; /* of RFC 7144 6.3 */
	uint8_t (*ask)(struct spt_tmf *tmf, struct spt_session *session);
} FUNCTIONS[] = {
	[SPT_TMF_ABORT_TASK] = { .run = abort_task },
	[SPT_TMF_ABORT_TASK_SET] = { .run = task_set, .needs_lun = true },
	[SPT_TMF_CLEAR_ACA] = { .run = clear_aca, .needs_lun = true },
	[SPT_TMF_CLEAR_TASK_SET] = { .run = task_set, .needs_lun = true },
	[SPT_TMF_LOGICAL_UNIT_RESET] = { .run = logical_unit_reset, .needs_lun = true },
	[SPT_TMF_TARGET_WARM_RESET] = { .run = target_reset },
	[SPT_TMF_TARGET_COLD_RESET] = { .run = target_reset },
	[SPT_TMF_QUERY_TASK] = {
		.ask = tmf_query_task, .needs_lun = true, .level_2 = true },
	[SPT_TMF_QUERY_TASK_SET] = {
		.ask = tmf_query_task_set, .needs_lun = true, .level_2 = true },
	[SPT_TMF_I_T_NEXUS_RESET] = { .run = i_t_nexus_reset, .level_2 = true },
	[SPT_TMF_QUERY_ASYNCHRONOUS_EVENT] = {
		.ask = tmf_query_asynchronous_event, .needs_lun = true, .level_2 = true },
};

/* Why @function cannot be done at all; COMPLETE: it can. */
static uint8_t refusal(const struct spt_tmf *tmf, struct spt_session *session)
{
	uint8_t f = tmf->function;

	if (f == SPT_TMF_TASK_REASSIGN)
		return SPT_TMF_NO_REASSIGN; /* connections are not ours */
	if (f >= ARRAY_SIZE(FUNCTIONS) || (!FUNCTIONS[f].run && !FUNCTIONS[f].ask) ||
		(FUNCTIONS[f].level_2 && !tmf->protocol_level_2))
		return SPT_TMF_NOT_SUPPORTED;
	if (FUNCTIONS[f].needs_lun && !lun_find(session, tmf->lun))
		return SPT_TMF_NO_LUN;
	return SPT_TMF_COMPLETE;
}

bool spt_tmf_concerns(struct spt_context *context, const struct spt_tmf *tmf,
	const struct spt_task *task)
{
	struct spt_session *session = session_find(context, tmf->session);

	if (!session || task->session != session || refusal(tmf, session) != SPT_TMF_COMPLETE ||
		FUNCTIONS[tmf->function].ask)
		return false;
	if (tmf->function == SPT_TMF_ABORT_TASK)
		return is_reference(tmf, session, task);
	return !FUNCTIONS[tmf->function].needs_lun || task->itl == lun_find(session, tmf->lun);
}

int spt_tmf(struct spt_context *context, struct spt_tmf *tmf)
{
	struct spt_session *session = session_find(context, tmf->session);

	if (!session)
		return -ENOENT;
	tmf->context = context;
	tmf->run = NULL;
	tmf->response = refusal(tmf, session);
	memset(tmf->additional, 0, sizeof(tmf->additional));
	if (tmf->response != SPT_TMF_COMPLETE)
		tmf->done(tmf);
	else if (FUNCTIONS[tmf->function].ask)
		respond(tmf, FUNCTIONS[tmf->function].ask(tmf, session));
	else
		FUNCTIONS[tmf->function].run(tmf, session);
	return 0;
}
