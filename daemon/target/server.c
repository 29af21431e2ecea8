/* SPDX-License-Identifier: MIT */
/* The daemon's objects: see server.h. */
#include "target/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spt/layer.h>

#include "loop/offload.h"
#include "target/identity.h"
#include "target/target.h"
#include "target/worker.h"

#define OFFLOAD_THREADS 4u
#define WORKERS_MAX     64u

static void device_event(void *arg, const char *device, const char *text)
{
	log_warning("device %s: %s", device, text);
}

static void open_devices(struct server *s)
{
	const struct config *config = s->config;
	uint64_t identity = identity_get(config->daemon.state_dir);

	for (size_t i = 0; i < config->n_devices; i++) {
		const struct config_device *d = &config->devices[i];
		struct spt_device_params params = {
			.name = d->name,
			.identity = identity,
			.backend = d->backend,
			.values = d->values,
			.layers = spt_layers(),
			.layer_values = d->layer_values,
			.escalation = d->escalation,
			.raw_reservations = d->reservations == CONFIG_RESERVATIONS_RAW,
			.exclusive = d->exclusive,
			.state_dir = config->daemon.state_dir,
			.event = device_event,
		};
		struct spt_error error;
		int r = spt_device_open(&params, &error, &s->devices[i]);
		if (r < 0)
			log_error("device %s: %s; its logical units are not exported", d->name, error.text);
	}
}

static int make_targets(struct server *s)
{
	for (; s->n_targets < s->config->n_targets; s->n_targets++) {
		int r = target_init(&s->targets[s->n_targets], s->config, s->n_targets, s->devices);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_workers(struct server *s)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = s->config->daemon.workers ? s->config->daemon.workers
					       : (unsigned)MAX(cpus, 1L);

	n = MIN(n, WORKERS_MAX);
	s->workers = calloc(n, sizeof(*s->workers));
	if (!s->workers)
		return -ENOMEM;
	for (; s->n_workers < n; s->n_workers++) {
		int r = worker_init(&s->workers[s->n_workers], s, s->n_workers);
		if (r < 0) {
			worker_deinit(&s->workers[s->n_workers]);
			return r;
		}
	}
	return 0;
}

static struct listener *add_listener(struct server *s, size_t portal)
{
	const struct config_portal *p = &s->config->portals[portal];
	struct listener *l = &s->listeners[s->n_listeners];

	*l = (struct listener){
		.portal_index = portal,
		.watch.fd = -1,
		.portal = {
			.name = p->name,
			.tag = p->tag,
			.nop_interval_us = p->nop_interval_us,
			.nop_timeout_us = p->nop_timeout_us,
		},
	};
	s->n_listeners++;
	return l;
}

/* A portal's own addresses, unless the service manager has opened its sockets for us. */
static int make_portal(struct server *s, size_t portal, const struct server_socket *sockets,
	size_t n_sockets, struct spt_error *error)
{
	const struct config_portal *p = &s->config->portals[portal];
	bool handed = false;

	for (size_t i = 0; i < n_sockets; i++) {
		/* With one portal there is no question whose they are. */
		if (s->config->n_portals > 1 && strcmp(sockets[i].name, p->name))
			continue;
		int r = listener_adopt(add_listener(s, portal), sockets[i].fd);
		if (r < 0)
			return spt_error_set(error, r, "portal %s: the socket handed over is no TCP socket",
				p->name);
		handed = true;
	}
	for (size_t i = 0; !handed && i < p->listen.n; i++) {
		int r = listener_open(add_listener(s, portal), &p->listen.list[i], error);
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_listeners(struct server *s, const struct server_socket *sockets, size_t n_sockets,
	struct spt_error *error)
{
	size_t n = n_sockets;

	for (size_t i = 0; i < s->config->n_portals; i++)
		n += s->config->portals[i].listen.n;
	s->listeners = calloc(n, sizeof(*s->listeners));
	if (!s->listeners)
		return spt_error_set(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < s->config->n_portals; i++) {
		int r = make_portal(s, i, sockets, n_sockets, error);
		if (r < 0)
			return r;
	}
	return 0;
}

int server_init(struct server *s, const struct config *config,
	const struct server_socket *sockets, size_t n_sockets, struct spt_error *error)
{
	memset(s, 0, sizeof(*s));
	s->config = config;
	registry_init(&s->registry);
	slowdown_init(&s->slowdown);
	s->devices = calloc(config->n_devices + 1, sizeof(*s->devices));
	s->targets = calloc(config->n_targets + 1, sizeof(*s->targets));
	if (!s->devices || !s->targets)
		return spt_error_set(error, -ENOMEM, "out of memory");
	/* First what may be refused to us, then what takes time. */
	int r = make_listeners(s, sockets, n_sockets, error);
	if (r < 0)
		return r;
	open_devices(s);
	r = make_targets(s);
	if (!r)
		r = authentication_init(&s->discovery_auth, &config->daemon.discovery_auth);
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
	for (unsigned i = 1; i < s->n_workers; i++) {
		int r = worker_start(&s->workers[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < s->n_listeners; i++) {
		int r = listener_start(&s->listeners[i], s);
		if (r < 0)
			return r;
	}
	return 0;
}

static void close_listeners(struct server *s)
{
	for (size_t i = 0; i < s->n_listeners; i++)
		listener_close(&s->listeners[i]);
}

void server_drain(struct server *s, uint64_t timeout_us, void (*drained)(void *arg), void *arg)
{
	s->draining = true;
	s->drained = drained;
	s->drained_arg = arg;
	close_listeners(s);
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
	close_listeners(s);
	for (unsigned i = 1; i < s->n_workers; i++) {
		if (!s->workers[i].started)
			continue;
		loop_stop(s->workers[i].loop);
		pthread_join(s->workers[i].thread, NULL);
	}
	offload_stop();
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_deinit(&s->workers[i]);
	for (size_t i = 0; i < s->n_targets; i++)
		target_deinit(&s->targets[i]);
	for (size_t i = 0; s->devices && i < s->config->n_devices; i++)
		spt_device_unref(s->devices[i]);
	free(s->workers);
	free(s->listeners);
	free(s->targets);
	free(s->devices);
	authentication_deinit(&s->discovery_auth);
	slowdown_deinit(&s->slowdown);
	registry_deinit(&s->registry);
}

struct target *server_find_target(struct server *s, const char *name, const char *portal)
{
	for (size_t i = 0; i < s->n_targets; i++) {
		struct target *t = &s->targets[i];
		if (strcmp(t->config->name, name))
			continue;
		for (size_t p = 0; p < t->config->n_portals; p++) {
			if (!strcmp(s->config->portals[t->config->portals[p]].name, portal))
				return t;
		}
	}
	return NULL;
}

static struct worker *least_loaded(struct server *s)
{
	struct worker *best = &s->workers[0];

	for (unsigned i = 1; i < s->n_workers; i++) {
		if (s->workers[i].n_conns < best->n_conns)
			best = &s->workers[i];
	}
	return best;
}

void server_accepted(struct server *s, int fd, const struct conn_portal *portal,
	const struct sockaddr *peer)
{
	const struct config_daemon *limits = &s->config->daemon;

	if (s->n_conns >= limits->max_connections || s->n_logins >= limits->max_logins) {
		log_warning("portal %s: connection refused: %s", portal->name,
			s->n_conns >= limits->max_connections ? "max-connections are open"
							      : "max-logins are under way");
		close(fd);
		return;
	}
	if (!slowdown_allows(&s->slowdown, peer)) {
		log_warning("portal %s: connection refused: too many failed authentications of its "
			"address wait to be answered", portal->name);
		close(fd);
		return;
	}
	struct worker *w = least_loaded(s);
	s->n_conns++;
	s->n_logins++;
	w->n_conns++;
	worker_hand_over(w, fd, portal, peer);
}

void server_login_over(struct server *s)
{
	s->n_logins--;
}

void server_conn_gone(struct server *s, struct worker *w, bool in_login)
{
	s->n_conns--;
	w->n_conns--;
	if (in_login)
		s->n_logins--;
}
