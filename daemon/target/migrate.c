/* SPDX-License-Identifier: MIT */
/* Sessions on their way between loops: see migrate.h. Each step is a post to the loop that it is done on. */
#include "target/migrate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spt/session.h>

#include "base/list.h"
#include "session/session.h"
#include "session/transfer.h"
#include "target/generation.h"
#include "target/server.h"
#include "target/worker.h"

/* So long a session may take to come to rest; and is then left alone for so long. */
#define REST_US	 200000u
#define LEAVE_US 30000000u
#define TICK_US	 500u
/* What a command costs beside its data, in bytes. */
#define COMMAND_BYTES 32768u

struct migration {
	struct spt_post post;
	struct spt_timer timer;
	struct server *server;
	struct worker *from, *to;
	uint64_t id; /* 0: to be chosen */
	struct balance_pair pair; /* then */
	uint64_t interval_us;     /* likewise */
	struct spt_move *move;
	struct session *session; /* while it is on neither loop */
	uint64_t end_us;
	int result;
	void (*done)(void *arg, int result);
	void *arg;
};

void migrations_init(struct migrations *m)
{
	memset(m, 0, sizeof(*m));
	pthread_mutex_init(&m->lock, NULL);
}

void migrations_deinit(struct migrations *m)
{
	pthread_mutex_destroy(&m->lock);
}

void migrations_hold(struct server *server)
{
	pthread_mutex_lock(&server->migrations.lock);
	server->migrations.holds++;
	pthread_mutex_unlock(&server->migrations.lock);
}

void migrations_release(struct server *server)
{
	pthread_mutex_lock(&server->migrations.lock);
	server->migrations.holds--;
	pthread_mutex_unlock(&server->migrations.lock);
}

static void hand(struct migration *m, struct worker *to, void (*fn)(struct spt_post *post))
{
	m->post = (struct spt_post){ .fn = fn, .arg = m };
	spt_host_post(loop_host(to->loop), &m->post);
}

static void finished(struct spt_post *post)
{
	struct migration *m = post->arg;

	m->server->migrations.under_way = false;
	if (m->done)
		m->done(m->arg, m->result);
	free(m);
}

/* It is the first worker's again, and free soon. */
static void finish(struct migration *m, int result)
{
	m->result = result;
	hand(m, &m->server->workers[0], finished);
}

static void cancelled(struct spt_post *post)
{
	struct migration *m = post->arg;
	struct spt_move *move = TAKE(m->move);

	/* The end of the move may be what a loop that is drained has waited for: so the other end goes first. */
	finish(m, m->result);
	spt_move_cancel(move);
}

static void cancel(struct migration *m, int result)
{
	m->result = result;
	spt_host_timer_clear(loop_host(m->from->loop), &m->timer);
	hand(m, m->to, cancelled);
}

static void arrive(struct spt_post *post)
{
	struct migration *m = post->arg;
	struct session_env *env = &m->to->env;
	struct session *s = m->session;

	transfer_settle(s, env, spt_move_arrive(m->move));
	env->counters.sessions_moved++;
	log_info("session %llu of %s goes on on loop %u instead of loop %u", (unsigned long long)s->id,
		s->params.initiator_name, loop_number(m->to->loop), loop_number(m->from->loop));
	finish(m, 0);
}

/* Off this loop; where it is found, and who is in its way, belong together. */
static void leave(struct migration *m, struct session *s)
{
	spt_host_timer_clear(loop_host(m->from->loop), &m->timer);
	transfer_leave(s);
	m->session = s;
	m->from->n_conns -= s->n_conns;
	m->to->n_conns += s->n_conns;
	m->post = (struct spt_post){ .fn = arrive, .arg = m };
	registry_move(&m->server->registry, s->target, m->to, loop_host(m->to->loop), &m->post);
}

/* 0; -EBUSY: later; or another -errno: not any more. */
static int try_to_leave(struct migration *m, struct session *s)
{
	struct migrations *all = &m->server->migrations;
	int r = -EBUSY;

	if (!transfer_ready(s))
		return r;
	pthread_mutex_lock(&all->lock);
	if (!all->holds)
		r = spt_move_leave(m->move);
	if (r == 0)
		leave(m, s);
	pthread_mutex_unlock(&all->lock);
	return r;
}

static void tick(struct spt_timer *timer)
{
	struct migration *m = timer->arg;
	struct session *s = session_by_id(&m->from->env, m->id);
	uint64_t now_us = spt_host_now_us(loop_host(m->from->loop));

	if (!s || !transfer_possible(s) || m->from->env.draining) {
		if (s)
			transfer_give_up(s);
		cancel(m, -ENOENT);
		return;
	}
	int r = try_to_leave(m, s);
	if (r == -EBUSY && now_us < m->end_us) {
		spt_host_timer_set(loop_host(m->from->loop), timer, TICK_US);
	} else if (r < 0) {
		transfer_give_up(s);
		s->stays_until_us = now_us + LEAVE_US;
		m->from->env.counters.moves_given_up++;
		cancel(m, r);
	}
}

static void prepared(struct spt_post *post)
{
	struct migration *m = post->arg;
	struct session *s = session_by_id(&m->from->env, m->id);
	struct spt_host *host = loop_host(m->from->loop);

	if (m->result < 0) {
		struct spt_move *move = TAKE(m->move);
		if (s)
			s->stays_until_us = spt_host_now_us(host) + LEAVE_US;
		finish(m, m->result);
		spt_move_cancel(move);
		return;
	}
	if (s)
		transfer_begin(s);
	m->timer = (struct spt_timer){ .fn = tick, .arg = m };
	m->end_us = spt_host_now_us(host) + REST_US;
	tick(&m->timer);
}

static void prepare(struct spt_post *post)
{
	struct migration *m = post->arg;

	m->result = m->to->env.draining ? -ESHUTDOWN : spt_move_prepare(m->move, m->to->context);
	hand(m, m->from, prepared);
}

static uint64_t take_weight(struct session *s)
{
	uint64_t all = s->commands + (s->bytes_in + s->bytes_out) / COMMAND_BYTES, before = s->weighed;

	s->weighed = all;
	return all - before;
}

/*
 * The one that would help most, by what they have done since the loop was asked before, as long as that was an interval
 * ago: one that is overloaded for two of them loses a session. NULL: none.
 */
static struct session *choose(struct migration *m)
{
	struct worker *w = m->from;
	uint64_t now_us = spt_host_now_us(loop_host(w->loop)), total = 0;
	bool fresh = w->weighed_us && now_us - w->weighed_us < 5 * m->interval_us / 2;
	struct session *s, *best = NULL;
	unsigned best_relief = 0;

	w->weighed_us = now_us;
	list_foreach (s, &w->env.sessions, link) {
		s->weight = take_weight(s);
		total += s->weight;
	}
	list_foreach (s, &w->env.sessions, link) {
		unsigned relief = balance_relief(&m->pair, s->weight, total);
		if (relief <= best_relief || now_us < s->stays_until_us || !transfer_possible(s))
			continue;
		best = s;
		best_relief = relief;
	}
	return fresh ? best : NULL;
}

static void begin(struct spt_post *post)
{
	struct migration *m = post->arg;
	struct worker *w = m->from;
	struct session *s = m->id ? session_by_id(&w->env, m->id) : w->env.draining ? NULL : choose(m);

	if (!s || w->env.draining) {
		finish(m, -ENOENT);
		return;
	}
	m->id = s->id;
	int r = transfer_possible(s) ? spt_move_begin(w->context, s->cookie, &m->move) : -EOPNOTSUPP;
	if (r < 0) {
		s->stays_until_us = spt_host_now_us(loop_host(w->loop)) + LEAVE_US;
		finish(m, r);
		return;
	}
	hand(m, m->to, prepare);
}

static struct migration *migration_new(struct server *server)
{
	struct migration *m = calloc(1, sizeof(*m));

	if (m) {
		m->server = server;
		server->migrations.under_way = true;
	}
	return m;
}

void migrate_session(struct server *server, uint64_t id, void (*done)(void *arg, int result), void *arg)
{
	struct worker *from = registry_find(&server->registry, id);

	if (!from || server->n_workers == 1 || server->draining || server->migrations.under_way) {
		done(arg, !from ? -ENOENT : server->n_workers == 1 ? -EDOM : -EAGAIN);
		return;
	}
	struct migration *m = migration_new(server);
	if (!m) {
		done(arg, -ENOMEM);
		return;
	}
	m->id = id;
	m->from = from;
	m->to = server_least_loaded(server, from);
	m->done = done;
	m->arg = arg;
	hand(m, from, begin);
}

const char *migration_error(int result)
{
	switch (result) {
	case -ENOENT:
		return "there is no such session, or it is about to end";
	case -EDOM:
		return "there is one event loop only";
	case -EAGAIN:
		return "another session is being moved: try again";
	case -EBUSY:
		return "its commands have not ended in 200 ms: it stays where it is";
	case -EOPNOTSUPP:
		return "it cannot be moved: a discovery session, one with ErrorRecoveryLevel above 0, or a device that "
			"is fenced or keeps something for it";
	case -ESTALE:
		return "it has got other logical units meanwhile: try again";
	default:
		return strerror(-result);
	}
}

static uint64_t interval_us(const struct server *server)
{
	return server->n_workers > 1 ? server->generation->config->daemon.balance_interval_us : 0;
}

static void look(struct spt_timer *timer)
{
	struct server *server = timer->arg;
	struct migrations *all = &server->migrations;
	uint64_t now_us = spt_host_now_us(loop_host(server->workers[0].loop));
	struct balance_loop loops[BALANCE_LOOPS];
	struct balance_pair pair;

	spt_host_timer_set(loop_host(server->workers[0].loop), timer, interval_us(server));
	for (unsigned i = 0; i < server->n_workers; i++) {
		const struct worker *w = &server->workers[i];
		loops[i] = (struct balance_loop){ worker_cpu_us(w), w->n_conns, worker_ready_us(w) };
	}
	if (!balance_uneven(&all->watch, now_us, loops, server->n_workers, &pair) || all->under_way)
		return;
	struct migration *m = migration_new(server);
	if (!m)
		return;
	m->from = &server->workers[pair.from];
	m->to = &server->workers[pair.to];
	m->pair = pair;
	m->interval_us = interval_us(server);
	hand(m, m->from, begin);
}

void migrations_watch(struct server *server)
{
	struct migrations *all = &server->migrations;
	struct spt_host *host = loop_host(server->workers[0].loop);

	all->timer = (struct spt_timer){ .fn = look, .arg = server, .impl = all->timer.impl };
	if (interval_us(server) && !server->draining)
		spt_host_timer_set(host, &all->timer, interval_us(server));
	else
		spt_host_timer_clear(host, &all->timer);
}

void migrations_end(struct server *server)
{
	spt_host_timer_clear(loop_host(server->workers[0].loop), &server->migrations.timer);
	migrations_hold(server);
}
