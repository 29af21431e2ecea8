/* SPDX-License-Identifier: MIT */
/*
 * The watchdog's other half: a message goes round all workers, and only when it has come back from
 * every one of them is the service manager told that we live.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/host.h>

struct server;

struct watch {
	struct server *server;
	struct spt_timer timer;
	struct spt_post post;
	uint64_t interval_us;
	unsigned at; /* the worker that the message is with */
	bool under_way;
	bool stopped;
};

/* On the first worker's loop. Does nothing when nobody watches. */
void watch_start(struct watch *watch, struct server *server);
void watch_stop(struct watch *watch);

#endif
