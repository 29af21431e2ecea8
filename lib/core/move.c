/* SPDX-License-Identifier: MIT */
/*
 * A session on its way from one context to another. It goes in a moment when it has no task, so all that a function, a
 * preemption or a reset under way elsewhere names has ended, and what comes later is none of theirs: a message that
 * finds it gone has nothing to do. What other loops read of it (where it is) is in its I_T_L nexuses under the devices'
 * locks; unit attentions go on being established meanwhile, and are announced when it is there.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "core/core.h"

struct spt_move {
	struct spt_context *from, *to; /* held; to NULL: not prepared */
	spt_session_cookie old, new;
	struct spt_lun_map *luns;    /* a reference */
	struct spt_session *session; /* while it is on neither */
	size_t n_channels;
	struct channel *channels[]; /* of to, parallel to luns */
};

static bool has_way(const struct spt_itl *itl)
{
	return itl->channel && !itl->channel->fenced && !spt_device_fenced(itl->device);
}

static bool may_go(const struct spt_session *s)
{
	for (size_t i = 0; i < s->n_itls; i++) {
		if (s->itls[i]->device->flags & (SPT_BACKEND_PER_NEXUS | SPT_BACKEND_STAYS) ||
			!has_way(s->itls[i]))
			return false;
	}
	return true;
}

int spt_move_begin(struct spt_context *from, spt_session_cookie cookie, struct spt_move **ret)
{
	struct spt_session *s = session_find(from, cookie);

	if (!s || s->stopping)
		return -ENOENT;
	if (!may_go(s))
		return -EOPNOTSUPP;
	struct spt_move *m = calloc(1, sizeof(*m) + s->n_itls * sizeof(m->channels[0]));
	if (!m)
		return -ENOMEM;
	m->from = from;
	context_hold(from);
	m->old = cookie;
	m->luns = spt_lun_map_ref(s->luns);
	*ret = m;
	return 0;
}

static void left(void *context)
{
	context_release(context);
}

/* Closing may take time. */
static void put(struct channel *channel)
{
	struct spt_context *context = channel->context;

	context_hold(context);
	channel_put(channel, left, context);
}

static void close_channels(struct spt_move *m)
{
	while (m->n_channels > 0)
		put(m->channels[--m->n_channels]);
}

static int open_channels(struct spt_move *m, struct spt_context *to)
{
	for (size_t i = 0; i < spt_lun_map_count(m->luns); i++) {
		int r = channel_share(to, spt_lun_map_at(m->luns, i)->device, false, &m->channels[i]);
		if (r < 0)
			return r;
		m->n_channels++;
		if (m->channels[i]->fenced)
			return -EIO;
	}
	return 0;
}

int spt_move_prepare(struct spt_move *m, struct spt_context *to)
{
	int r = open_channels(m, to);

	if (!r)
		r = session_reserve(to, &m->new);
	if (r < 0) {
		close_channels(m);
		return r;
	}
	m->to = to;
	context_hold(to);
	return 0;
}

/* From here on whoever comes from another loop goes to the new one. */
static void change_ways(const struct spt_move *m, struct spt_session *s)
{
	for (size_t i = 0; i < s->n_itls; i++) {
		struct spt_itl *itl = s->itls[i];
		backend_nexus_stop(itl);
		put(TAKE(itl->channel));
		itl->channel = m->channels[i];
		pthread_mutex_lock(&itl->device->lock);
		itl->place = (struct session_place){ m->to, m->new };
		pthread_mutex_unlock(&itl->device->lock);
	}
}

int spt_move_leave(struct spt_move *m)
{
	struct spt_session *s = session_find(m->from, m->old);

	if (!s || s->stopping || s->luns != m->luns || !may_go(s))
		return -ESTALE;
	/* What is leaving or closing holds the session, and its memory, by callbacks on this loop; functions know it by its cookie. */
	if (s->n_tasks || s->functions || s->busy || s->closing || !list_empty(&s->leaving) || !announcing_stop(s))
		return -EBUSY;
	assert(m->to && s->used_bytes == 0 && s->n_itls == m->n_channels);
	change_ways(m, s);
	session_leave_table(s);
	s->context = m->to;
	s->cookie = m->new;
	m->session = s;
	return 0;
}

/* On the loop of @here, one of the two. */
static void move_free(struct spt_move *m, struct spt_context *here)
{
	struct spt_context *from = m->from, *to = m->to;

	lun_map_let_go(here, m->luns);
	free(m);
	if (to) {
		context_release(to);
		context_release_elsewhere(from);
	} else {
		context_release(from);
	}
}

spt_session_cookie spt_move_arrive(struct spt_move *m)
{
	struct spt_session *s = TAKE(m->session);

	session_enter_table(m->to, m->new, s);
	for (size_t i = 0; i < s->n_itls; i++)
		backend_nexus_start(s->itls[i], false);
	announcing_go_on(s);
	spt_session_cookie cookie = s->cookie;
	move_free(m, m->to);
	return cookie;
}

void spt_move_cancel(struct spt_move *m)
{
	assert(!m->session);
	if (m->to) {
		session_unreserve(m->to, m->new);
		close_channels(m);
	}
	move_free(m, m->to ? m->to : m->from);
}
