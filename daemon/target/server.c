/* SPDX-License-Identifier: MIT */
/* The daemon's objects: see server.h. */
#include "target/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spt/buffer.h>

#include "base/list.h"
#include "loop/offload.h"
#include "target/ports.h"
#include "target/target.h"
#include "target/worker.h"

#define OFFLOAD_THREADS 4u
#define WORKERS_MAX     BALANCE_LOOPS
#define RETIRE_TICK_US  500000u
#define MEMORY_MIN_BYTES (128ull << 20) /* a command may have up to half of it */
/* How much returned payload memory a worker keeps for the next command. */
#define POOL_KEEP_BYTES ((size_t)32 << 20)

/* What payload may take of the machine, all workers together. */
static size_t memory_limit(const struct config_daemon *c)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
	uint64_t bytes = c->memory_bytes;

	if (!bytes)
		bytes = MAX((uint64_t)MAX(pages, 1L) * (uint64_t)page_bytes / 4, MEMORY_MIN_BYTES);
	return (size_t)MIN(bytes, (uint64_t)SIZE_MAX);
}

/* Each keeps little beside what all have, lest one has everything that another needs. */
static void share_memory(struct server *s)
{
	size_t keep = MIN(memory_limit(&s->generation->config->daemon) / 4 / s->n_workers,
		POOL_KEEP_BYTES);

	for (unsigned i = 0; i < s->n_workers; i++)
		spt_pool_limit(loop_host(s->workers[i].loop)->pool, s->memory, keep);
}

static int make_workers(struct server *s)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = s->generation->config->daemon.workers;

	if (!n)
		n = (unsigned)MAX(cpus, 1L);
	n = MIN(n, WORKERS_MAX);
	s->workers = calloc(n, sizeof(*s->workers));
	s->memory = spt_memory_new(memory_limit(&s->generation->config->daemon));
	if (!s->workers || !s->memory)
		return -ENOMEM;
	for (; s->n_workers < n; s->n_workers++) {
		int r = worker_init(&s->workers[s->n_workers], s, s->n_workers);
		if (r < 0) {
			worker_deinit(&s->workers[s->n_workers]);
			return r;
		}
	}
	share_memory(s);
	return 0;
}

/* A connection may outlive the configuration that its portal comes from. */
static const char *keep_name(struct server *s, const char *name)
{
	for (size_t i = 0; i < s->n_names; i++) {
		if (!strcmp(s->names[i], name))
			return s->names[i];
	}
	char **names = reallocarray(s->names, s->n_names + 1, sizeof(*names));
	if (!names)
		return NULL;
	s->names = names;
	names[s->n_names] = strdup(name);
	return names[s->n_names] ? names[s->n_names++] : NULL;
}

/* The settings of the portals go to their sockets. False: out of memory. */
static bool set_portals(struct server *s, const struct listening *listening, const struct config *config)
{
	for (size_t i = 0; i < listening->n; i++) {
		const struct listening_slot *slot = &listening->slots[i];
		const struct config_portal *p = &config->portals[slot->portal_index];
		const char *name = keep_name(s, p->name);
		if (!name)
			return false;
		slot->listener->portal = (struct conn_portal){
			.name = name,
			.tag = p->tag,
			.nop_interval_us = p->nop_interval_us,
			.nop_timeout_us = p->nop_timeout_us,
		};
	}
	return true;
}

static void add_generation(struct server *s, struct generation *g)
{
	list_append(&s->generations, &g->link);
	s->generation = g;
	ports_tell(g);
}

int server_init(struct server *s, struct config *config, const struct server_socket *sockets,
	size_t n_sockets, struct spt_error *error)
{
	struct generation *g = NULL;

	memset(s, 0, sizeof(*s));
	list_init(&s->generations);
	list_init(&s->retiring);
	registry_init(&s->registry);
	migrations_init(&s->migrations);
	slowdown_init(&s->slowdown);
	admission_init(s);
	s->state_dir = strdup(config->daemon.state_dir);
	if (!s->state_dir) {
		config_free(config);
		return spt_error_set(error, -ENOMEM, "out of memory");
	}
	/* First what may be refused to us, then what takes time. */
	int r = listening_make(config, NULL, sockets, n_sockets, error, &s->listening);
	if (!r)
		r = generation_new(config, NULL, s->state_dir, error, &g);
	if (r < 0) {
		config_free(config);
		return r;
	}
	add_generation(s, g);
	r = listening_tell(&s->listening, g);
	if (!r && !set_portals(s, &s->listening, config))
		r = -ENOMEM;
	if (!r)
		r = make_workers(s);
	if (!r)
		r = offload_start(OFFLOAD_THREADS);
	if (r < 0)
		spt_error_set(error, r, "cannot start: %s", strerror(-r));
	return r;
}

int server_start(struct server *s)
{
	s->workers[0].thread = pthread_self();
	s->workers[0].tid = gettid();
	for (unsigned i = 1; i < s->n_workers; i++) {
		int r = worker_start(&s->workers[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < s->listening.n; i++) {
		int r = listener_start(s->listening.slots[i].listener, s);
		if (r < 0)
			return r;
	}
	migrations_watch(s);
	return 0;
}

void server_drain(struct server *s, uint64_t timeout_us, void (*drained)(void *arg), void *arg)
{
	s->draining = true;
	s->drained = drained;
	s->drained_arg = arg;
	listening_close(&s->listening);
	spt_host_timer_clear(loop_host(s->workers[0].loop), &s->retire);
	migrations_end(s);
	atomic_store(&s->workers_left, s->n_workers);
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_drain(&s->workers[i], timeout_us);
}

static void all_drained(struct spt_post *post)
{
	struct server *s = post->arg;

	s->drained(s->drained_arg);
}

void server_worker_drained(struct server *s)
{
	if (atomic_fetch_sub(&s->workers_left, 1) != 1)
		return;
	s->drained_post = (struct spt_post){ .fn = all_drained, .arg = s };
	spt_host_post(loop_host(s->workers[0].loop), &s->drained_post);
}

void server_deinit(struct server *s)
{
	listening_close(&s->listening);
	for (unsigned i = 1; i < s->n_workers; i++) {
		if (!s->workers[i].started)
			continue;
		loop_stop(s->workers[i].loop);
		pthread_join(s->workers[i].thread, NULL);
	}
	offload_stop();
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_deinit(&s->workers[i]);
	struct generation *g;
	while ((g = list_first(&s->generations, struct generation, link))) {
		list_del(&g->link);
		generation_free(g);
	}
	for (size_t i = 0; i < s->n_names; i++)
		free(s->names[i]);
	free(s->names);
	free(s->state_dir);
	free(s->workers);
	spt_memory_free(s->memory);
	slowdown_deinit(&s->slowdown);
	migrations_deinit(&s->migrations);
	registry_deinit(&s->registry);
}

/* Older generations go when nothing of them has been in use for a while: closing devices may take time. */
static void retire_work(struct spt_work *work)
{
	struct server *s = work->arg;
	struct generation *g;

	while ((g = list_first(&s->retiring, struct generation, link))) {
		list_del(&g->link);
		generation_free(g);
	}
}

static void retire_done(struct spt_work *work)
{
	struct server *s = work->arg;

	s->retire_work.arg = NULL;
}

/* Those in front that are idle, and were so when last looked at; a device may be of several of them. */
static void retire_idle(struct server *s)
{
	struct generation *g, *next;
	bool in_front = !s->retire_work.arg;

	list_foreach_safe (g, next, &s->generations, link) {
		if (g == s->generation)
			break;
		bool was_idle = g->idle;
		g->idle = !generation_in_use(g, s->generation);
		in_front = in_front && was_idle && g->idle;
		if (!in_front)
			continue;
		list_del(&g->link);
		list_append(&s->retiring, &g->link);
	}
	if (s->retire_work.arg || list_empty(&s->retiring))
		return;
	s->retire_work = (struct spt_work){ .work = retire_work, .done = retire_done, .arg = s };
	spt_host_offload(loop_host(s->workers[0].loop), &s->retire_work);
}

static void retire_tick(struct spt_timer *timer)
{
	struct server *s = timer->arg;

	if (s->draining)
		return;
	retire_idle(s);
	if (list_first(&s->generations, struct generation, link) != s->generation)
		spt_host_timer_set(loop_host(s->workers[0].loop), timer, RETIRE_TICK_US);
}

bool server_retiring(const struct server *s)
{
	return s->retire_work.arg || list_first(&s->generations, struct generation, link) != s->generation;
}

/* Those that stay take the new settings, the fresh ones begin, the others are closed. */
static void switch_listening(struct server *s, struct listening *next)
{
	struct listening old = s->listening;

	for (size_t i = 0; i < old.n; i++) {
		bool stays = false;
		for (size_t k = 0; k < next->n; k++)
			stays |= next->slots[k].listener == old.slots[i].listener;
		if (stays)
			continue;
		log_notice("portal %s: not listening on %s any more", old.slots[i].listener->portal.name,
			old.slots[i].listener->text);
		listener_close(old.slots[i].listener);
		free(old.slots[i].listener);
	}
	free(old.slots);
	s->listening = *next;
	*next = (struct listening){ 0 };
	for (size_t i = 0; i < s->listening.n; i++) {
		struct listening_slot *slot = &s->listening.slots[i];
		if (slot->fresh && listener_start(slot->listener, s) < 0)
			log_error("portal %s: cannot watch %s", slot->listener->portal.name,
				slot->listener->text);
		slot->fresh = false;
	}
}

void server_switch(struct server *s, struct generation *g, struct listening *listening)
{
	if (!set_portals(s, listening, g->config))
		log_error("out of memory: portals keep what they had");
	add_generation(s, g);
	spt_memory_set_limit(s->memory, memory_limit(&g->config->daemon));
	switch_listening(s, listening);
	admission_changed(s);
	for (unsigned i = 0; i < s->n_workers; i++) {
		migrations_hold(s); /* no session passes the change by */
		worker_switch(&s->workers[i], g);
	}
	migrations_watch(s);
	s->retire = (struct spt_timer){ .fn = retire_tick, .arg = s, .impl = s->retire.impl };
	spt_host_timer_set(loop_host(s->workers[0].loop), &s->retire, RETIRE_TICK_US);
}

struct worker *server_least_loaded(struct server *s, const struct worker *except)
{
	struct balance_loop loops[BALANCE_LOOPS];

	if (s->n_workers == 1)
		return s->workers;
	uint64_t now_us = spt_host_now_us(loop_host(s->workers[0].loop));
	bool due = balance_due(&s->balance, now_us); /* a thread's time is a system call each */
	for (unsigned i = 0; i < s->n_workers; i++)
		loops[i] = (struct balance_loop){ due ? worker_cpu_us(&s->workers[i]) : 0, s->workers[i].n_conns, 0 };
	return &s->workers[balance_choose(&s->balance, now_us, loops, s->n_workers,
		except ? (unsigned)(except - s->workers) : BALANCE_ANY)];
}

void server_accepted(struct server *s, int fd, const struct conn_portal *portal,
	const struct sockaddr *peer)
{
	if (!admission_take(s, portal, peer)) {
		close(fd);
		return;
	}
	struct worker *w = server_least_loaded(s, NULL);
	w->n_conns++;
	worker_hand_over(w, fd, portal, peer);
}

void server_conn_gone(struct server *s, struct worker *w, bool in_login)
{
	w->n_conns--;
	admission_gone(s, in_login);
}
