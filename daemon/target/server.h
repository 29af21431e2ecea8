/* SPDX-License-Identifier: MIT */
/*
 * The daemon's objects and their order: devices, targets, workers, listeners. Made before the loops
 * run, taken apart after they have ended; between, only what is marked changes.
 */
#ifndef TARGET_SERVER_H
#define TARGET_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "session/conn.h"
#include "target/authentication.h"
#include "target/listener.h"
#include "target/registry.h"
#include "target/slowdown.h"

struct worker;
struct target;

struct server {
	const struct config *config;
	struct spt_device **devices; /* parallel to config->devices; NULL: could not be opened */
	struct target *targets;
	size_t n_targets;
	struct worker *workers;
	unsigned n_workers;
	struct listener *listeners;
	size_t n_listeners;
	struct registry registry;
	struct authentication discovery_auth;
	struct slowdown slowdown;
	atomic_uint n_conns, n_logins;
	atomic_uint workers_left; /* while draining */
	bool draining;            /* on the first worker */
	void (*drained)(void *arg); /* on the first worker's loop, when all is over */
	void *drained_arg;
	struct spt_post drained_post;
};

/* A listening socket that was handed to us; @name: its portal's. */
struct server_socket {
	int fd;
	const char *name;
};

/*
 * Opens devices, makes targets, workers and sockets. A device that cannot be opened is logged and its LUNs
 * are left out; a portal that cannot listen is -errno with @error told. @sockets are taken over.
 */
int server_init(struct server *server, const struct config *config,
	const struct server_socket *sockets, size_t n_sockets, struct spt_error *error);
/* Starts accepting, and the workers but the first. */
int server_start(struct server *server);
/* On the first worker's loop: takes no more connections, lets commands finish, ends all sessions. */
void server_drain(struct server *server, uint64_t timeout_us, void (*drained)(void *arg), void *arg);
/* After the first worker's loop has ended. */
void server_deinit(struct server *server);

struct target *server_find_target(struct server *server, const char *name, const char *portal);
/* A connection was accepted, on the first worker's loop. */
void server_accepted(struct server *server, int fd, const struct conn_portal *portal,
	const struct sockaddr *peer);
/* A login is over, well or not. */
void server_login_over(struct server *server);
/* @in_login: it never reached full feature phase. */
void server_conn_gone(struct server *server, struct worker *worker, bool in_login);
void server_worker_drained(struct server *server);

#endif
