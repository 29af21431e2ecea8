/* SPDX-License-Identifier: MIT */
/*
 * The host loop of a synchronous call: it is turned by the thread that waits for the call, by
 * poll(), and stands still between calls. Calls that may block run on threads that are made when the
 * first of them comes.
 */
#ifndef SYNC_LOOP_H
#define SYNC_LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/host.h>

#include "sync/helpers.h"

struct pollfd;
struct sync_watch;
struct sync_timer;

struct sync_loop {
	struct spt_host host; /* first */
	uint64_t now_us;
	struct sync_watch *watches; /* an array; entries without a watch are free */
	size_t n_watches;
	struct pollfd *fds; /* the wake-up first, then room for every watch */
	struct sync_timer *timers; /* likewise */
	size_t n_timers;
	uint32_t turn;
	struct spt_post *defers, **last_defer;
	pthread_mutex_t lock; /* posts */
	struct spt_post *posts, **last_post;
	int wake; /* an eventfd */
	struct helpers helpers;
};

/* 0 or -errno, with nothing left behind. */
int sync_loop_init(struct sync_loop *loop);
/* Nothing may be watched or set; joins the helpers. */
void sync_loop_deinit(struct sync_loop *loop);
/* Waits for something to happen, at most until @deadline_us (UINT64_MAX: for ever), and does it. */
void sync_loop_turn(struct sync_loop *loop, uint64_t deadline_us);
/* The monotonic clock, now. */
uint64_t sync_clock_us(void);

#endif
