/* SPDX-License-Identifier: MIT */
/*
 * Workers: one event loop on one thread, with the connections and sessions that live there. The
 * first one runs on the main thread and also has the listening sockets, the signals and the
 * control socket. Between workers go only messages that move ownership.
 */
#ifndef TARGET_WORKER_H
#define TARGET_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "loop/loop.h"
#include "session/conn.h"
#include "session/env.h"
#include "target/balance.h"

struct server;
struct generation;

struct worker {
	struct server *server;
	struct loop *loop;
	struct spt_context *context;
	struct session_env env;
	struct generation *generation; /* a reference; what logins see from now on */
	pthread_t thread; /* the first one's is the main thread */
	atomic_int tid;   /* of the thread, when it runs */
	bool started;
	uint64_t weighed_us; /* migrate.c: when its sessions were */
	atomic_uint n_conns; /* handed to it and not gone: for the choice of a worker */
	/* While draining. */
	struct spt_timer drain_timer;
	uint64_t drain_end_us, drain_asked_us; /* until then idle sessions may log out by themselves */
	uint64_t drain_login_us; /* and until then who is logging in may ask, to be told why not */
	atomic_bool drain_now; /* any thread: its time is up */
	struct spt_post drain_post;
	bool fenced; /* what devices did not give back in time */
	bool drained;
};

/* 0 or -errno. */
int worker_init(struct worker *worker, struct server *server, unsigned number);
/* On its loop, or before it runs: what the generation's configuration says to all of its connections. */
void worker_live_keys(struct worker *worker);
/* Nothing may live there any more. */
void worker_deinit(struct worker *worker);
/* Runs it on a thread of its own. */
int worker_start(struct worker *worker);
/* Any thread: the processor time that it has used, 0 if that is not known. */
uint64_t worker_cpu_us(const struct worker *worker);
/* Any thread: the time for which it has had work and no processor, 0 if that is not known. */
uint64_t worker_ready_us(const struct worker *worker);
/* On the loop that accepts, the first one: the worker takes over the accepted socket @fd. */
void worker_hand_over(struct worker *worker, int fd, const struct conn_portal *portal,
	const struct sockaddr *peer);
/* Any thread: end the session with this number, if it is there. */
void worker_end_session(struct worker *worker, uint64_t id, enum close_reason reason);
/* Any thread: ask it to log out, and end it if it does not. */
void worker_ask_session(struct worker *worker, uint64_t id, enum close_reason reason);
/* On the first worker's loop: the worker goes over to @generation by itself, and releases the migrations that
 * were held for that. */
void worker_switch(struct worker *worker, struct generation *generation);
/* Any thread: lets running commands finish for up to @timeout_us, ends everything, then closes the
 * library's context and reports server_worker_drained(). */
void worker_drain(struct worker *worker, uint64_t timeout_us);

static inline struct worker *worker_of(const struct session_env *env)
{
	return env->arg;
}

#endif
