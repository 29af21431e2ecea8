/* SPDX-License-Identifier: MIT */
/*
 * Tasks and their table. A task is in the table, found by (session cookie, tag), from
 * spt_task_enter() to spt_task_end(); whatever state it is in, task_kill() can end it:
 *
 *   state     who holds it           how it is ended
 *   ENTERED   its caller             at once
 *   COLLECT   its caller, for data   at once
 *   BLOCKED   its task set           at once
 *   DEVICE    a backend              when the backend completes it; cancel() asks for that
 *   HELD      its caller             at once: it has its result, which nobody has been told of
 *   DONE      its caller             it has its result: too late
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "core/core.h"
#include "core/removal.h"
#include "scsi/cdb.h"

static struct spt_task **bucket(struct spt_context *context, spt_session_cookie session,
	uint32_t tag)
{
	uint32_t h = (tag + (uint32_t)session.v * 0x9e3779b1u) * 0x85ebca6bu;
	return &context->hash[(h >> 16) % CORE_HASH_SIZE];
}

struct spt_task *spt_task_find(struct spt_context *context, spt_session_cookie session,
	uint32_t tag)
{
	for (struct spt_task *t = *bucket(context, session, tag); t; t = t->hash_next) {
		if (t->aux.task.tag == tag && t->aux.session.v == session.v)
			return t;
	}
	return NULL;
}

static void table_remove(struct spt_context *context, struct spt_task *task)
{
	struct spt_task **p = bucket(context, task->aux.session, task->aux.task.tag);

	while (*p != task)
		p = &(*p)->hash_next;
	*p = task->hash_next;
}

/* What came with the command is charged from here on; without room the task ends when its turn comes. */
static void charge_offered(struct spt_task *task)
{
	struct spt_session *s = task->session;

	task->starved = task->no_room ||
		(task->offered.data && !session_charge(s, task->offered.bytes));
	if (task->starved)
		spt_pool_put(s->context->host->pool, TAKE(task->offered.data), task->offered.bytes);
}

int spt_task_enter(struct spt_context *context, struct spt_task *task)
{
	const struct spt_auxiliary *aux = &task->aux;

	if (aux->size != sizeof(*aux) ||
		memcmp(aux->signature, SPT_AUXILIARY_SIGNATURE, sizeof(aux->signature)) ||
		task->cdb_bytes < 6 || task->cdb_bytes > SPT_CDB_MAX)
		return -EINVAL;
	struct spt_session *session = session_find(context, aux->session);
	if (!session)
		return -ENOENT;
	if (session->stopping)
		return -ESHUTDOWN;
	if (spt_task_find(context, aux->session, aux->task.tag))
		return -EEXIST;

	task->state = SPT_TASK_ENTERED;
	task->outcome = SPT_COMPLETED;
	task->status = SPT_GOOD;
	task->sense_bytes = 0;
	task->aborting = task->tas = task->above = false;
	task->in_pooled = task->out_pooled = task->in_lent = false;
	task->completions = 0;
	task->out_wanted_bytes = task->out_received_bytes = 0;
	task->in = task->out = (struct spt_data){ 0 };
	task->in_would_bytes = task->out_would_bytes = 0;
	task->lent_release = NULL;
	task->layer = NULL;
	task->itl = lun_find(session, aux->lun);
	task->session = session;
	task->too_large = false;
	charge_offered(task);
	task->serial = context->serial++;
	list_init(&task->lu_link);
	list_init(&task->doomed_link);
	list_append(&session->tasks, &task->session_link);
	session->n_tasks++;
	struct spt_task **head = bucket(context, aux->session, aux->task.tag);
	task->hash_next = *head;
	*head = task;
	return 0;
}

bool session_charge(struct spt_session *session, size_t bytes)
{
	if (bytes > session->budget_bytes - session->used_bytes)
		return false;
	session->used_bytes += bytes;
	return true;
}

void session_uncharge(struct spt_session *session, size_t bytes)
{
	assert(session->used_bytes >= bytes);
	session->used_bytes -= bytes;
}

/* The buffer that came with the command, if it is large enough. */
static bool adopt_offered(struct spt_task *task)
{
	if (!task->offered.data || task->offered.bytes < task->out_wanted_bytes)
		return false;
	task->out = (struct spt_data){ TAKE(task->offered.data), task->out_wanted_bytes };
	task->out_pool_bytes = task->offered.bytes;
	task->out_pooled = true;
	return true;
}

/* A buffer for the data-out that the logical unit asked for. False: the task was completed. */
static bool take_out(struct spt_task *task)
{
	uint32_t bytes = task->out_wanted_bytes;
	struct spt_session *s = task->session;

	assert(bytes <= task->expected_out_bytes);
	if (adopt_offered(task))
		return true;
	if (task->direct_out.data && bytes <= task->direct_out.bytes) {
		task->out = (struct spt_data){ .data = task->direct_out.data, .bytes = bytes };
		return true;
	}
	if (bytes > SPT_BUFFER_MAX || bytes > s->budget_bytes) {
		task->out_wanted_bytes = 0;
		task->too_large = true;
		spt_task_full(task);
		return false;
	}
	if (session_charge(s, bytes)) {
		task->out.data = spt_pool_get(s->context->host->pool, bytes);
		if (task->out.data) {
			task->out.bytes = bytes;
			task->out_pool_bytes = bytes;
			task->out_pooled = true;
			return true;
		}
		session_uncharge(s, bytes);
	}
	task->out_wanted_bytes = 0;
	spt_task_full(task);
	return false;
}

/* All that the task needs is here: to the device when its task set lets it. */
static void task_ready(struct spt_task *task)
{
	if (taskset_enabled(task)) {
		task_execute(task);
		return;
	}
	task->state = SPT_TASK_BLOCKED;
	task->itl->blocked++;
}

void task_execute(struct spt_task *task)
{
	if (task->above)
		reservation_submit(task);
	else
		backend_submit(task);
}

/*
 * SAM-5 5.2, RFC 7143 4.2.2.3.4: NACA in the CONTROL byte is for logical units with ACA, which we do not have: whatever
 * the device says of itself, its other nexuses would not hear of it, and nobody could clear it.
 */
static bool refuse_naca(struct spt_task *task)
{
	const uint8_t naca = 0x04, variable_length = 0x7f;
	unsigned bytes = cdb_length(task->cdb[0]);
	unsigned at = task->cdb[0] == variable_length ? 1 : bytes - 1;

	if ((!bytes && at != 1) || at >= task->cdb_bytes || !(task->cdb[at] & naca))
		return false;
	spt_task_check_cdb_field(task, at, 2);
	return true;
}

/* What keeps a logical unit that is there from taking the command. True: answered. */
static bool refuse(struct spt_task *task)
{
	struct spt_itl *itl = task->itl;

	if (!itl->channel || itl->channel->fenced || spt_device_fenced(itl->device)) {
		/* LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED */
		spt_task_check(task, SPT_KEY_NOT_READY, 0x0403);
		return true;
	}
	if (task->starved) {
		spt_task_full(task);
		return true;
	}
	if (task->attribute == SPT_ACA) {
		/* SAM-5 8.6.5: there is no ACA condition, NACA being refused. INVALID MESSAGE ERROR */
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, 0x4900);
		return true;
	}
	return refuse_naca(task) || (itl->read_only && read_only_refuses(task)) ||
		reservation_refuses(task) || removal_refuses(task) || identity_refuses(task);
}

/* Has the backend judge the task. False: it refused, and the task's memory may be gone. */
static bool judged(struct spt_task *task)
{
	struct spt_context *context = task->session->context;
	const struct spt_task *outer = context->judging;

	context->judging = task;
	task->above = reservation_claims(task);
	if (task->above)
		reservation_judge(task);
	else
		backend_judge(task);
	bool finished = context->judging != task;
	context->judging = finished && outer == task ? NULL : outer;
	return !finished;
}

void spt_task_start(struct spt_task *task)
{
	assert(task->state == SPT_TASK_ENTERED);
	if (lun_answer(task) || refuse(task))
		return;
	taskset_add(task);
	if (!judged(task))
		return;
	if (task->out_wanted_bytes == 0)
		task_ready(task);
	else if (take_out(task))
		task->state = SPT_TASK_COLLECT;
}

int spt_task_data(struct spt_task *task, uint32_t bytes)
{
	const struct spt_auxiliary *aux = &task->aux;

	/* SEEDS: offsets contiguous, exactly one final sequence, nothing after it. */
	if (task->state != SPT_TASK_COLLECT ||
		aux->sequence_offset_bytes != task->out_received_bytes ||
		bytes > task->out_wanted_bytes - task->out_received_bytes)
		return -EINVAL;
	if (aux->is_final != (task->out_received_bytes + bytes == task->out_wanted_bytes))
		return -EINVAL;
	task->out_received_bytes += bytes;
	if (aux->is_final)
		task_ready(task);
	return 0;
}

/* What the initiator gets of a task that was ended from outside (SAM-5 5.6). */
static void set_aborted(struct spt_task *task)
{
	task->outcome = task->tas ? SPT_COMPLETED : SPT_ABORTED;
	task->status = SPT_TASK_ABORTED;
	task->sense_bytes = 0;
	task->in.bytes = 0;
}

/* A unit attention condition that it would have told of is told to another command. */
static void keep_attention(struct spt_task *task)
{
	struct spt_sense sense;

	if (task->itl && !task->session->stopping && task->status == SPT_CHECK_CONDITION &&
		spt_sense_decode(task->sense, task->sense_bytes, &sense) == 0 &&
		sense.key == SPT_KEY_UNIT_ATTENTION && !sense.deferred)
		itl_attention(task->itl, sense.asc);
}

static void drop_out(struct spt_task *task)
{
	struct spt_session *session = task->session;
	struct spt_pool *pool = session->context->host->pool;

	if (task->out_pooled) {
		spt_pool_put(pool, task->out.data, task->out_pool_bytes);
		session_uncharge(session, task->out_pool_bytes);
		task->out = (struct spt_data){ 0 };
		task->out_pooled = false;
	}
	if (task->offered.data) {
		spt_pool_put(pool, TAKE(task->offered.data), task->offered.bytes);
		session_uncharge(session, task->offered.bytes);
	}
}

void spt_task_hold(struct spt_task *task, bool receiving)
{
	assert(task->state == SPT_TASK_DONE);
	if (!receiving)
		drop_out(task);
	task->state = SPT_TASK_HELD;
	/* What ended it has been told; what ends it now is another. */
	task->aborting = task->tas = false;
}

void spt_task_let_go(struct spt_task *task)
{
	assert(task->state == SPT_TASK_HELD);
	task->state = SPT_TASK_DONE;
	task->ops->done(task);
}

void task_finish(struct spt_task *task)
{
	struct spt_context *context = task->session->context;
	struct spt_itl *itl = task->session->stopping ? NULL : task->itl;

	if (context->judging == task)
		context->judging = NULL;
	if (task->aborting && task->state == SPT_TASK_HELD)
		keep_attention(task);
	if (task->aborting)
		set_aborted(task);
	else if (itl && itl->read_only)
		read_only_mark(task);
	list_del(&task->doomed_link);
	taskset_remove(task);
	task->state = SPT_TASK_DONE;
	/* Those that it held back keep their I_T_L nexus; without them done() may be the end of that. */
	bool held_back = itl && itl->blocked;
	task->ops->done(task);
	/* Only now: their results come after its own. */
	if (held_back)
		taskset_wake(itl);
	if (!list_empty(&context->tmf_parts))
		tmf_reevaluate(context);
}

bool task_doom(struct spt_task *task, struct spt_link *list)
{
	if (task->aborting || task->state == SPT_TASK_DONE)
		return false;
	task->aborting = true;
	list_append(list, &task->doomed_link);
	return true;
}

void tasks_kill(struct spt_context *context, struct spt_link *list)
{
	struct spt_task *t;

	while ((t = list_first(list, struct spt_task, doomed_link))) {
		list_del(&t->doomed_link);
		if (t->state != SPT_TASK_DEVICE) {
			task_finish(t);
			continue;
		}
		list_append(&context->doomed, &t->doomed_link);
		if (!t->above)
			backend_cancel(t);
	}
}

void spt_task_abort(struct spt_task *task)
{
	struct spt_link list;

	list_init(&list);
	task_doom(task, &list);
	tasks_kill(task->session->context, &list);
}

void spt_task_refuse(struct spt_task *task, uint8_t key, spt_asc_t asc)
{
	assert(task->state == SPT_TASK_ENTERED || task->state == SPT_TASK_COLLECT);
	spt_task_check(task, key, asc);
}

void task_drop_in(struct spt_task *task)
{
	if (task->in_pooled) {
		spt_pool_put(task->session->context->host->pool, task->in.data, task->in_pool_bytes);
		session_uncharge(task->session, task->in_pool_bytes);
	} else if (task->lent_release) {
		task->lent_release(task);
	}
	task->in = (struct spt_data){ 0 };
	task->in_pooled = task->in_lent = false;
	task->lent_release = NULL;
}

void spt_task_end(struct spt_task *task)
{
	struct spt_session *session = task->session;

	assert(task->state == SPT_TASK_DONE);
	task_drop_in(task);
	drop_out(task);
	table_remove(session->context, task);
	list_del(&task->session_link);
	task->state = SPT_TASK_IDLE;
	task->session = NULL;
	session->n_tasks--;
	session_task_gone(session);
}
