/* SPDX-License-Identifier: MIT */
/*
 * Sessions that go from one loop to another while they run: because the loop has more to do than it can and another has
 * time, or because the operator wants it. One at a time, and only when it comes to rest by itself within a moment
 * (session/transfer.h); a command that takes long keeps its session where it is.
 *
 * The way: the loop that it leaves chooses the session, the other one opens ways to its devices (spt_move_prepare()), then
 * the session is brought to rest, leaves and arrives. Where others find it (the registry) changes in the same moment
 * in which its arrival is put into the other loop's queue, so what is sent to it then comes after it; what
 * was sent before is sent on.
 *
 * Whoever goes over all loops, to list sessions or to change what is exported, holds migrations meanwhile: then one that
 * has left has arrived before he comes, and none leaves.
 */
#ifndef TARGET_MIGRATE_H
#define TARGET_MIGRATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <spt/host.h>

#include "target/balance.h"

struct server;

struct migrations {
	pthread_mutex_t lock;
	unsigned holds; /* under the lock */
	/* On the first worker. */
	struct balance_watch watch;
	struct spt_timer timer;
	bool under_way;
};

void migrations_init(struct migrations *migrations);
void migrations_deinit(struct migrations *migrations);
/* On the first worker's loop: looks at the loops every balance-interval from now on. */
void migrations_watch(struct server *server);
/* On the first worker's loop: for good. One that is under way arrives first, or does not leave. */
void migrations_end(struct server *server);
/* On the first worker's loop, before it posts to all loops; and released on any, for each time. */
void migrations_hold(struct server *server);
void migrations_release(struct server *server);

/*
 * On the first worker's loop: session @id goes to the loop that is least busy of the others. @done there, perhaps from
 * inside: 0 or -errno.
 */
void migrate_session(struct server *server, uint64_t id, void (*done)(void *arg, int result), void *arg);
/* What -errno of it means. */
const char *migration_error(int result);

#endif
