/* SPDX-License-Identifier: MIT */
/*
 * The daemon's objects and their order: what is exported, workers, listening sockets. Made before the loops run,
 * taken apart after they have ended; between, a new generation may take the place of what is exported.
 */
#ifndef TARGET_SERVER_H
#define TARGET_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "log/limit.h"
#include "session/conn.h"
#include "target/admission.h"
#include "target/balance.h"
#include "target/generation.h"
#include "target/listening.h"
#include "target/migrate.h"
#include "target/registry.h"
#include "target/slowdown.h"

struct worker;
struct target;

struct server {
	struct generation *generation; /* the newest one; on the first worker */
	struct spt_link generations;   /* those that are still there, the newest one last */
	struct spt_timer retire;       /* while there are older ones */
	struct spt_link retiring;      /* being freed, where that may block */
	struct spt_work retire_work;
	struct worker *workers;
	unsigned n_workers;
	struct balance balance;
	struct migrations migrations;
	char *state_dir; /* of the start: it stays */
	struct listening listening;
	char **names; /* of portals: connections keep them */
	size_t n_names;
	struct spt_memory *memory; /* that the workers' pools share */
	struct registry registry;
	struct slowdown slowdown;
	struct admission admission;
	atomic_uint workers_left; /* while draining */
	bool draining;            /* on the first worker */
	void (*drained)(void *arg); /* on the first worker's loop, when all is over */
	void *drained_arg;
	struct spt_post drained_post;
};

/*
 * Opens devices, makes targets, workers and sockets. A device that cannot be opened is logged and its LUNs
 * are left out; a portal that cannot listen is -errno with @error told. @config and @sockets are taken over.
 */
int server_init(struct server *server, struct config *config,
	const struct server_socket *sockets, size_t n_sockets, struct spt_error *error);
/* Starts accepting, and the workers but the first. */
int server_start(struct server *server);
/* On the first worker's loop: takes no more connections, lets commands finish, ends all sessions. */
void server_drain(struct server *server, uint64_t timeout_us, void (*drained)(void *arg), void *arg);
/* After the first worker's loop has ended. */
void server_deinit(struct server *server);

/*
 * On the first worker's loop: what is exported from now on. @generation and @listening are taken over. Workers follow, and
 * end or change the sessions that it concerns.
 */
void server_switch(struct server *server, struct generation *generation, struct listening *listening);
/* On the first worker's loop: is something there still of a generation before the one in use? */
bool server_retiring(const struct server *server);
/* A connection was accepted, on the first worker's loop. */
void server_accepted(struct server *server, int fd, const struct conn_portal *portal,
	const struct sockaddr *peer);
/* On the first worker's loop: the one that is least busy, and not @except (or NULL). */
struct worker *server_least_loaded(struct server *server, const struct worker *except);
/* @in_login: it never reached full feature phase. */
void server_conn_gone(struct server *server, struct worker *worker, bool in_login);
void server_worker_drained(struct server *server);

#endif
