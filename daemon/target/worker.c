/* SPDX-License-Identifier: MIT */
/* Workers: see worker.h. */
#include "target/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "fullfeature/farewell.h"
#include "fullfeature/fullfeature.h"
#include "session/session.h"
#include "target/generation.h"
#include "target/join.h"
#include "target/server.h"

#define DRAIN_TICK_US 20000u
/* How long a login that is under way may take to ask on. */
#define DRAIN_LOGIN_US 1000000u
/* How long after the end of the draining a device may keep the tasks of sessions that are gone. */
#define DRAIN_GRACE_US 3000000u

void worker_live_keys(struct worker *w)
{
	const struct config_daemon *d = &w->generation->config->daemon;

	w->env.login_timeout_us = d->login_timeout_us;
	w->env.logout_wait_us = d->logout_wait_us;
}

int worker_init(struct worker *w, struct server *server, unsigned number)
{
	memset(w, 0, sizeof(*w));
	w->server = server;
	int r = loop_new(number, &w->loop);
	if (r < 0)
		return r;
	const struct config_daemon *d = &server->generation->config->daemon;
	loop_learn(w->loop, d->poll_us, d->gather_us, &w->env.counters.commands);
	r = spt_context_new(loop_host(w->loop), &w->context);
	if (r < 0)
		return r;
	r = session_env_init(&w->env, loop_host(w->loop));
	if (r < 0)
		return r;
	w->env.ops = &JOIN_OPS;
	w->env.phase = &FULLFEATURE;
	w->env.arg = w;
	w->generation = generation_ref(server->generation);
	worker_live_keys(w);
	return 0;
}

static void nothing(void *arg)
{
	(void)arg;
}

void worker_deinit(struct worker *w)
{
	if (!w->loop)
		return;
	if (w->context && !w->drained)
		spt_context_free(w->context, nothing, NULL);
	if (w->env.host) {
		fullfeature_deinit(&w->env);
		session_env_deinit(&w->env);
	}
	generation_unref(TAKE(w->generation));
	loop_free(TAKE(w->loop));
}

static void *run(void *arg)
{
	struct worker *w = arg;

	w->tid = gettid();
	loop_run(w->loop);
	return NULL;
}

int worker_start(struct worker *w)
{
	int r = pthread_create(&w->thread, NULL, run, w);

	w->started = r == 0;
	return -r;
}

uint64_t worker_cpu_us(const struct worker *w)
{
	struct timespec t;
	clockid_t clock;

	if (pthread_getcpuclockid(w->thread, &clock) || clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* proc(5): time on a processor and time on a run queue, in ns. */
uint64_t worker_ready_us(const struct worker *w)
{
	char path[64], text[80] = "";
	unsigned long long on_cpu, ready;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", w->tid);
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%llu %llu", &on_cpu, &ready) != 2)
		return 0;
	return ready / 1000;
}

struct hand_over {
	struct spt_post post;
	struct worker *worker;
	int fd;
	struct conn_portal portal;
	struct sockaddr_storage peer;
};

/* On the loop of @w. */
static void take_over(struct worker *w, int fd, const struct conn_portal *portal, const struct sockaddr *peer)
{
	if (w->env.draining) {
		close(fd);
		server_conn_gone(w->server, w, true);
	} else if (!conn_new(&w->env, fd, portal, peer)) {
		log_error("connection refused: out of memory");
		server_conn_gone(w->server, w, true);
	}
}

static void handed_over(struct spt_post *post)
{
	struct hand_over *h = post->arg;

	take_over(h->worker, h->fd, &h->portal, (struct sockaddr *)&h->peer);
	free(h);
}

void worker_hand_over(struct worker *w, int fd, const struct conn_portal *portal,
	const struct sockaddr *peer)
{
	if (w == w->server->workers) { /* the loop that accepts */
		take_over(w, fd, portal, peer);
		return;
	}
	struct hand_over *h = calloc(1, sizeof(*h));

	if (!h) {
		close(fd);
		server_conn_gone(w->server, w, true);
		return;
	}
	h->worker = w;
	h->fd = fd;
	h->portal = *portal;
	memcpy(&h->peer, peer, peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
							   : sizeof(struct sockaddr_in));
	h->post = (struct spt_post){ .fn = handed_over, .arg = h };
	spt_host_post(loop_host(w->loop), &h->post);
}

struct end_session {
	struct spt_post post;
	struct worker *worker;
	uint64_t id;
	enum close_reason reason;
	bool ask; /* to log out */
};

static void end_session(struct spt_post *post)
{
	struct end_session *e = post->arg;
	struct session *s = session_by_id(&e->worker->env, e->id);
	struct worker *now = s ? NULL : registry_find(&e->worker->server->registry, e->id);

	/* It has gone to another loop, or is about to arrive here. */
	if (now) {
		e->worker = now;
		spt_host_post(loop_host(now->loop), &e->post);
		return;
	}
	if (s && e->ask)
		farewell_begin(s, e->reason, s->env->logout_wait_us);
	else if (s && e->reason == CLOSE_ENDED_BY_CONTROL)
		farewell_drop(s, e->reason);
	else if (s)
		session_end(s, e->reason);
	free(e);
}

static void post_end(struct worker *w, uint64_t id, enum close_reason reason, bool ask)
{
	struct end_session *e = calloc(1, sizeof(*e));

	if (!e) {
		log_error("out of memory: session %llu is not ended", (unsigned long long)id);
		return;
	}
	*e = (struct end_session){
		.post = { .fn = end_session, .arg = e },
		.worker = w,
		.id = id,
		.reason = reason,
		.ask = ask,
	};
	spt_host_post(loop_host(w->loop), &e->post);
}

void worker_end_session(struct worker *w, uint64_t id, enum close_reason reason)
{
	post_end(w, id, reason, false);
}

void worker_ask_session(struct worker *w, uint64_t id, enum close_reason reason)
{
	post_end(w, id, reason, true);
}

static void context_freed(void *arg)
{
	struct worker *w = arg;

	w->drained = true;
	spt_host_timer_clear(loop_host(w->loop), &w->drain_timer);
	server_worker_drained(w->server);
}

/* A connection whose time is up; a session that has nothing under way, and had the time to log out. */
static void drain_conn(const struct worker *w, struct conn *conn, uint64_t now)
{
	struct session *s = conn->session;

	if (!s && !conn->joining && now < MIN(w->drain_login_us, w->drain_end_us) && !w->drain_now)
		return;
	if (now >= w->drain_end_us || w->drain_now || !s ||
		s->params.session_type == SESSION_DISCOVERY)
		conn_close(conn, CLOSE_DRAINED, NULL);
	else if (now >= w->drain_asked_us && s->active == 0 && s->immediate == 0 &&
		conn->tx.n_items == 0)
		farewell_drop(s, CLOSE_DRAINED);
}

/* Nobody waits without end, for a device neither: what it does not give back is taken away from it. */
static void fence_late(struct worker *w, uint64_t now)
{
	if (w->drain_now)
		w->drain_end_us = MIN(w->drain_end_us, now);
	if (w->fenced || now < w->drain_end_us + DRAIN_GRACE_US || !w->env.n_sessions)
		return;
	w->fenced = true;
	log_warning("%u sessions have tasks that their devices do not give back: these are fenced",
		w->env.n_sessions);
	spt_context_fence(w->context);
}

/* Sessions that wait for their initiator to come back: there is nobody to come back to. */
static void end_waiting(struct worker *w)
{
	struct session *s, *next;

	list_foreach_safe (s, next, &w->env.sessions, link) {
		if (!s->n_conns && !s->ending)
			session_end(s, CLOSE_DRAINED);
	}
}

static void drain_tick(struct spt_timer *timer)
{
	struct worker *w = timer->arg;
	uint64_t now = spt_host_now_us(loop_host(w->loop));
	struct conn *conn;

	fence_late(w, now);
	list_foreach (conn, &w->env.conns, link)
		drain_conn(w, conn, now);
	end_waiting(w);
	if (w->env.n_conns || w->env.n_sessions)
		spt_host_timer_set(loop_host(w->loop), timer, DRAIN_TICK_US);
	else
		spt_context_free(w->context, context_freed, w);
}

static void drain_begin(struct spt_post *post)
{
	struct worker *w = post->arg;
	struct session *session;

	w->env.draining = true;
	/* Commands that were let into the window are served; it does not move any more. */
	list_foreach (session, &w->env.sessions, link) {
		session->window = 0;
		if (w->env.logout_wait_us)
			farewell_request(session, w->env.logout_wait_us);
	}
	w->drain_login_us = spt_host_now_us(loop_host(w->loop)) + DRAIN_LOGIN_US;
	w->drain_asked_us = spt_host_now_us(loop_host(w->loop)) + w->env.logout_wait_us;
	drain_tick(&w->drain_timer);
}

void worker_drain(struct worker *w, uint64_t timeout_us)
{
	w->drain_end_us = spt_host_now_us(loop_host(w->server->workers[0].loop)) + timeout_us;
	w->drain_timer = (struct spt_timer){ .fn = drain_tick, .arg = w };
	w->drain_post = (struct spt_post){ .fn = drain_begin, .arg = w };
	spt_host_post(loop_host(w->loop), &w->drain_post);
}
