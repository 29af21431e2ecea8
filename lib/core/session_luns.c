/* SPDX-License-Identifier: MIT */
/*
 * The logical units of a session: its I_T_L nexuses come with the session or with a new LUN map, and leave with
 * either. One that leaves is out of reach of new commands at once; it goes away when the last task that it had
 * has ended and its channel is left.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core/core.h"
#include "core/removal.h"

#define ASC_REPORTED_LUNS_CHANGED 0x3f0e

/* Without a channel the logical unit is there and says NOT READY; why, the log says. */
static void open_channel(struct spt_itl *itl, bool reinstated)
{
	struct spt_session *s = itl->session;
	int r = channel_get(s->context, itl, reinstated, &itl->channel);

	if (r < 0) {
		itl->channel = NULL;
		spt_device_event(itl->device, "not ready for %s: %s", s->nexus.initiator_name,
			strerror(-r));
		return;
	}
	backend_nexus_start(itl, reinstated);
}

void itl_begin(struct spt_itl *itl, bool reinstated, bool known)
{
	open_channel(itl, reinstated);
	itl_join(itl, known);
}

static void itl_left(void *arg)
{
	struct spt_itl *itl = arg;
	struct spt_session *s = itl->session;

	free(itl);
	session_itl_gone(s);
}

static void unlocked(void *arg)
{
	session_itl_gone(arg);
}

void itl_end(struct spt_itl *itl)
{
	struct spt_session *s = itl->session;

	if (removal_nexus_loss(itl, unlocked, s))
		s->closing++;
	itl_leave(itl);
	s->closing++;
	if (!itl->channel) {
		itl_left(itl);
		return;
	}
	backend_nexus_stop(itl);
	channel_put(TAKE(itl->channel), itl_left, itl);
}

static bool has_task(const struct spt_session *s, const struct spt_itl *itl)
{
	const struct spt_task *t;

	list_foreach (t, &s->tasks, session_link) {
		if (t->itl == itl)
			return true;
	}
	return false;
}

void session_reap_itls(struct spt_session *s)
{
	struct spt_itl *itl, *next;

	list_foreach_safe (itl, next, &s->leaving, leaving_link) {
		if (has_task(s, itl))
			continue;
		list_del(&itl->leaving_link);
		itl_end(itl);
	}
}

/* The one of @s that @entry may keep, or NULL. */
static struct spt_itl *find_kept(const struct spt_session *s, const struct spt_lun_entry *entry)
{
	for (size_t i = 0; i < s->n_itls; i++) {
		if (s->itls[i]->lun == entry->lun && s->itls[i]->device == entry->device)
			return s->itls[i];
	}
	return NULL;
}

static struct spt_itl *find_in(struct spt_itl *const *itls, size_t n, const struct spt_itl *itl)
{
	for (size_t i = 0; i < n; i++) {
		if (itls[i] == itl)
			return itls[i];
	}
	return NULL;
}

/* One for each entry of @map: those that @s has where it may keep them, new ones in other places. */
static struct spt_itl **gather(struct spt_session *s, const struct spt_lun_map *map)
{
	size_t n = spt_lun_map_count(map);
	struct spt_itl **itls = calloc(n + 1, sizeof(*itls));

	for (size_t i = 0; itls && i < n; i++) {
		const struct spt_lun_entry *entry = spt_lun_map_at(map, i);
		itls[i] = find_kept(s, entry);
		if (itls[i])
			continue;
		itls[i] = calloc(1, sizeof(*itls[i]));
		if (itls[i]) {
			itl_init(itls[i], s, entry);
			continue;
		}
		while (i-- > 0) {
			if (!find_in(s->itls, s->n_itls, itls[i]))
				free(itls[i]);
		}
		free(TAKE(itls));
	}
	return itls;
}

int session_first_itls(struct spt_session *s)
{
	s->itls = gather(s, s->luns);
	if (!s->itls)
		return -ENOMEM;
	s->n_itls = spt_lun_map_count(s->luns);
	return 0;
}

/* What nobody can answer any more is told by status: the initiator may try again, and finds out. */
static void end_tasks_of(struct spt_session *s, const struct spt_itl *itl, struct spt_link *doomed)
{
	struct spt_task *t;

	list_foreach (t, &s->tasks, session_link) {
		if (t->itl == itl && task_doom(t, doomed))
			t->tas = true;
	}
}

static void swap_itls(struct spt_session *s, struct spt_itl **itls, struct spt_lun_map *map,
	struct spt_link *doomed)
{
	struct spt_itl **old = s->itls;
	size_t n_old = s->n_itls;

	s->itls = itls;
	s->n_itls = spt_lun_map_count(map);
	for (size_t i = 0; i < n_old; i++) {
		if (find_in(itls, s->n_itls, old[i]))
			continue;
		list_append(&s->leaving, &old[i]->leaving_link);
		end_tasks_of(s, old[i], doomed);
	}
	for (size_t i = 0; i < s->n_itls; i++) {
		itls[i]->read_only = spt_lun_map_at(map, i)->read_only;
		if (find_in(old, n_old, itls[i]))
			itl_set_identity(itls[i], spt_lun_map_at(map, i));
		else
			itl_begin(itls[i], false, false);
	}
	free(old);
	lun_map_let_go(s->context, s->luns);
	s->luns = spt_lun_map_ref(map);
}

/* SPC-5 6.33, SAM-5 5.14: also where the far side of a mirrored nexus keeps the other conditions. */
static void tell_of_change(struct spt_session *s)
{
	for (size_t i = 0; i < s->n_itls; i++) {
		struct spt_device *device = s->itls[i]->device;
		pthread_mutex_lock(&device->lock);
		itl_attention_locked(s->itls[i], ASC_REPORTED_LUNS_CHANGED);
		pthread_mutex_unlock(&device->lock);
	}
}

void session_luns_reported(struct spt_session *s)
{
	for (size_t i = 0; i < s->n_itls; i++)
		itl_drop_attention(s->itls[i], ASC_REPORTED_LUNS_CHANGED);
}

int spt_session_set_luns(struct spt_context *context, spt_session_cookie cookie,
	struct spt_lun_map *map)
{
	struct spt_session *s = session_find(context, cookie);
	struct spt_link doomed;

	if (!s || s->stopping)
		return -ENOENT;
	struct spt_itl **itls = gather(s, map);
	if (!itls)
		return -ENOMEM;
	list_init(&doomed);
	swap_itls(s, itls, map, &doomed);
	tell_of_change(s);
	tasks_kill(context, &doomed);
	session_reap_itls(s);
	return 0;
}
