/* SPDX-License-Identifier: MIT */
/*
 * A worker goes over to a new generation: logins that begin from now on see it, and each session of its own is held
 * against it. One whose target is gone, or is not for its initiator any more, is asked to log out; one whose LUNs have
 * changed gets the new ones and stays, and so does one that is asked to negotiate.
 */
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "fullfeature/async.h"
#include "fullfeature/farewell.h"
#include "session/conn.h"
#include "session/session.h"
#include "target/generation.h"
#include "target/server.h"
#include "target/target.h"
#include "target/worker.h"

struct switch_over {
	struct spt_post post;
	struct worker *worker;
	struct generation *to; /* a reference, the worker's from then on */
};

static bool identities_equal(const struct spt_identity *a, const struct spt_identity *b)
{
	return a == b || (a && b && !memcmp(a, b, sizeof(*a)));
}

static bool luns_equal(const struct spt_lun_map *a, const struct spt_lun_map *b)
{
	size_t n = spt_lun_map_count(a);

	if (n != spt_lun_map_count(b))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct spt_lun_entry *x = spt_lun_map_at(a, i), *y = spt_lun_map_at(b, i);
		if (x->lun != y->lun || x->device != y->device || x->read_only != y->read_only ||
			!identities_equal(x->identity, y->identity))
			return false;
	}
	return true;
}

/* Every connection of a session is from where the target may be used. */
static bool still_allowed(const struct session *s, const struct target *target)
{
	const struct conn *c;

	if (target_denies(target, (struct visitor){ s->params.initiator_name, &s->remote.any }))
		return false;
	list_foreach (c, &s->conns, session_link) {
		if (target_denies(target, (struct visitor){ s->params.initiator_name, &c->remote.any }))
			return false;
	}
	return true;
}

static void follow(struct session *s, const struct generation *from, const struct generation *to)
{
	const struct login_params *p = &s->params;
	const struct target *new = generation_find(to, p->target_name, s->portal);
	const struct target *old = generation_find(from, p->target_name, s->portal);

	if (!new || !generation_has_portal(to, s->portal, p->portal_group_tag)) {
		farewell_begin(s, CLOSE_TARGET_GONE, s->env->logout_wait_us);
		return;
	}
	if (!still_allowed(s, new)) {
		farewell_begin(s, CLOSE_NOT_ALLOWED, s->env->logout_wait_us);
		return;
	}
	async_recv_limit(s, new->limits.max_recv_data_segment_bytes, s->env->logout_wait_us);
	const struct visitor visitor = { p->initiator_name, &s->remote.any };
	struct spt_lun_map *luns = target_luns_of(new, visitor);
	struct spt_lun_map *had = old ? target_luns_of(old, visitor) : NULL;
	bool same = luns && had && luns_equal(had, luns);
	if (!same && (!luns || spt_session_set_luns(s->env->host->context, s->cookie, luns) < 0))
		log_error("out of memory: session %llu keeps its LUNs", (unsigned long long)s->id);
	spt_lun_map_unref(luns);
	spt_lun_map_unref(had);
}

static void switch_over(struct spt_post *post)
{
	struct switch_over *o = post->arg;
	struct worker *w = o->worker;
	struct generation *from = w->generation;
	struct session *s, *next;

	w->generation = o->to;
	worker_live_keys(w);
	/* One without a connection may end at once. */
	list_foreach_safe (s, next, &w->env.sessions, link) {
		if (s->has_nexus && !s->ending)
			follow(s, from, o->to);
	}
	generation_unref(from);
	free(o);
	migrations_release(w->server);
}

void worker_switch(struct worker *w, struct generation *to)
{
	struct switch_over *o = calloc(1, sizeof(*o));

	if (!o) {
		log_error("out of memory: a worker keeps the configuration that it has");
		migrations_release(w->server);
		return;
	}
	o->worker = w;
	o->to = generation_ref(to);
	o->post = (struct spt_post){ .fn = switch_over, .arg = o };
	spt_host_post(loop_host(w->loop), &o->post);
}
