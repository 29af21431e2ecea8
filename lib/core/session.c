/* SPDX-License-Identifier: MIT */
/*
 * Sessions: one I_T nexus from start to stop. A cookie is a slot of the context's table and the
 * slot's generation, so that one that has outlived its session finds nothing.
 *
 * Stopping goes through three steps, each waiting for the one before: the tasks end, the channels
 * are left, the memory goes and the caller hears of it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core/core.h"
#include "core/removal.h"

static spt_session_cookie cookie_of(uint32_t slot, uint32_t generation)
{
	return (spt_session_cookie){ (uint64_t)generation << 32 | (slot + 1) };
}

struct spt_session *session_find(const struct spt_context *context, spt_session_cookie cookie)
{
	uint32_t slot = (uint32_t)cookie.v - 1;

	if (slot >= context->n_slots || context->slots[slot].generation != cookie.v >> 32)
		return NULL;
	return context->slots[slot].session;
}

static void give_slot(struct spt_context *context, uint32_t slot)
{
	context->slots[slot].session = NULL;
	context->slots[slot].next_free = context->free_slot;
	context->free_slot = slot + 1;
}

static int more_slots(struct spt_context *context)
{
	uint32_t n = context->n_slots, more = n ? 2 * n : 16;
	struct session_slot *slots = realloc(context->slots, more * sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	memset(slots + n, 0, (more - n) * sizeof(*slots));
	context->slots = slots;
	context->n_slots = more;
	for (uint32_t i = more; i > n; i--)
		give_slot(context, i - 1);
	return 0;
}

static int take_slot(struct spt_context *context, uint32_t *ret)
{
	int r = context->free_slot ? 0 : more_slots(context);

	if (r < 0)
		return r;
	*ret = context->free_slot - 1;
	context->free_slot = context->slots[*ret].next_free;
	return 0;
}

static uint32_t slot_of(spt_session_cookie cookie)
{
	return (uint32_t)cookie.v - 1;
}

int session_reserve(struct spt_context *context, spt_session_cookie *ret)
{
	uint32_t slot;
	int r = take_slot(context, &slot);

	if (r < 0)
		return r;
	*ret = cookie_of(slot, ++context->slots[slot].generation);
	return 0;
}

void session_unreserve(struct spt_context *context, spt_session_cookie cookie)
{
	give_slot(context, slot_of(cookie));
}

void session_enter_table(struct spt_context *context, spt_session_cookie cookie, struct spt_session *s)
{
	assert(!context->slots[slot_of(cookie)].session);
	context->slots[slot_of(cookie)].session = s;
}

void session_leave_table(struct spt_session *s)
{
	give_slot(s->context, slot_of(s->cookie));
}

static bool name_ok(const char *name)
{
	return name && name[0] && strlen(name) <= SPT_NAME_MAX;
}

/* The strings of @from, in one block of memory that the session owns. */
static int copy_nexus(struct spt_session *s, const struct spt_nexus *from)
{
	const char *const in[] = { from->initiator_name, from->target_name, from->peer_address,
		from->chap_user };
	const char **const out[] = { &s->nexus.initiator_name, &s->nexus.target_name,
		&s->nexus.peer_address, &s->nexus.chap_user };
	size_t bytes = 0;

	for (size_t i = 0; i < ARRAY_SIZE(in); i++)
		bytes += in[i] ? strlen(in[i]) + 1 : 0;
	s->names = malloc(bytes);
	if (!s->names)
		return -ENOMEM;
	s->nexus = *from;
	char *p = s->names;
	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		if (!in[i])
			continue;
		*out[i] = p;
		p = stpcpy(p, in[i]) + 1;
	}
	return 0;
}

static struct spt_session *session_alloc(const struct spt_session_params *params)
{
	struct spt_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	list_init(&s->tasks);
	list_init(&s->leaving);
	s->luns = spt_lun_map_ref(params->luns);
	if (session_first_itls(s) < 0 || copy_nexus(s, &params->nexus) < 0) {
		for (size_t i = 0; i < s->n_itls; i++)
			free(s->itls[i]);
		spt_lun_map_unref(s->luns);
		free(s->itls);
		free(s);
		return NULL;
	}
	s->budget_bytes = params->budget_bytes;
	s->terminating = params->terminating;
	s->attention = params->attention;
	announce_init(s);
	s->arg = params->arg;
	return s;
}

int spt_session_start(struct spt_context *context, const struct spt_session_params *params,
	spt_session_cookie *ret)
{
	uint32_t slot;

	if (!name_ok(params->nexus.initiator_name) || !name_ok(params->nexus.target_name))
		return -EINVAL;
	int r = take_slot(context, &slot);
	if (r < 0)
		return r;
	struct spt_session *s = session_alloc(params);
	if (!s) {
		give_slot(context, slot);
		return -ENOMEM;
	}
	s->context = context;
	s->cookie = cookie_of(slot, ++context->slots[slot].generation);
	context->slots[slot].session = s;
	for (size_t i = 0; i < s->n_itls; i++)
		itl_begin(s->itls[i], params->reinstated, params->known);
	*ret = s->cookie;
	return 0;
}

unsigned spt_session_tasks(struct spt_context *context, spt_session_cookie cookie)
{
	const struct spt_session *s = session_find(context, cookie);
	return s ? s->n_tasks : 0;
}

void spt_session_each_task(struct spt_context *context, spt_session_cookie cookie,
	void (*fn)(struct spt_task *task, void *arg), void *arg)
{
	const struct spt_session *s = session_find(context, cookie);
	struct spt_task *t;

	if (!s)
		return;
	list_foreach (t, &s->tasks, session_link)
		fn(t, arg);
}

static void session_free(struct spt_session *s)
{
	void (*stopped)(void *) = s->stopped;
	void *arg = s->stopped_arg;

	session_leave_table(s);
	lun_map_let_go(s->context, s->luns);
	free(s->itls);
	free(s->names);
	free(s);
	stopped(arg);
}

void session_itl_gone(struct spt_session *s)
{
	if (--s->closing == 0 && s->leaves && !atomic_load(&s->announcing))
		session_free(s);
}

static void leave_devices(struct spt_session *s)
{
	size_t n = s->n_itls;

	assert(list_empty(&s->leaving));
	s->leaves = true;
	s->n_itls = 0; /* some go away long before the session does */
	s->closing++;  /* held by this function */
	for (size_t i = 0; i < n; i++)
		itl_end(s->itls[i]);
	session_itl_gone(s);
}

void session_task_gone(struct spt_session *s)
{
	if (!list_empty(&s->leaving))
		session_reap_itls(s);
	if (s->stopping && s->n_tasks == 0 && !s->busy)
		leave_devices(s);
}

void spt_session_abort(struct spt_context *context, spt_session_cookie cookie,
	bool (*which)(struct spt_task *task, void *arg), void *arg)
{
	struct spt_session *s = session_find(context, cookie);
	struct spt_link doomed;
	struct spt_task *t;

	if (!s)
		return;
	list_init(&doomed);
	list_foreach (t, &s->tasks, session_link) {
		if (!which(t, arg))
			continue;
		bool waits = t->state == SPT_TASK_ENTERED; /* SCSI has not seen it */
		if (task_doom(t, &doomed) && !waits && t->itl)
			itl_attention(t->itl, 0x477f); /* SOME COMMANDS CLEARED BY ISCSI PROTOCOL EVENT */
	}
	tasks_kill(context, &doomed);
}

int spt_session_stop(struct spt_context *context, spt_session_cookie cookie,
	void (*stopped)(void *arg), void *arg)
{
	struct spt_session *s = session_find(context, cookie);

	if (!s || s->stopping)
		return -ENOENT;
	struct spt_link doomed;
	struct spt_task *t;

	s->stopped = stopped;
	s->stopped_arg = arg;
	s->stopping = true;
	list_init(&doomed);
	list_foreach (t, &s->tasks, session_link)
		task_doom(t, &doomed);
	s->busy = true; /* the last of them must not end the session under our feet */
	tasks_kill(context, &doomed);
	s->busy = false;
	session_task_gone(s);
	return 0;
}
