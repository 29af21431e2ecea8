/* SPDX-License-Identifier: MIT */
/*
 * A host loop for tests: real file descriptors by poll(), a virtual clock that jumps to the next
 * timer when nothing else is left to do, offloaded work run in place at the next turn.
 */
#ifndef TESTS_FAKE_HOST_H
#define TESTS_FAKE_HOST_H

#include <pthread.h>
#include <stdbool.h>

#include <spt/host.h>

#define FAKE_HOST_SLOTS 64

struct fake_host {
	struct spt_host host; /* first */
	uint64_t now_us;
	/* When set, the clock is the system's: for tests that wait for a real device. */
	bool real_time;
	struct spt_watch *watches[FAKE_HOST_SLOTS];
	struct {
		struct spt_timer *timer;
		uint64_t due_us;
	} timers[FAKE_HOST_SLOTS];
	struct spt_post *defers, *running; /* running: deferred ones whose turn is now */
	struct spt_work *works;
	pthread_mutex_t lock; /* posts only */
	struct spt_post *posts;
	int wake[2];
};

void fake_host_init(struct fake_host *fake);
void fake_host_deinit(struct fake_host *fake);
/* One turn: deferred and posted calls, work, ready descriptors, due timers. False: nothing happened. */
bool fake_host_turn(struct fake_host *fake);
/*
 * Turns until *@flag is not zero. The virtual clock jumps when only timers are left. False after
 * @limit_us of the host's clock, or when nothing is left that could ever happen.
 */
bool fake_host_until(struct fake_host *fake, const int *flag, uint64_t limit_us);
/* Turns until nothing is left to do now, without moving the clock. */
void fake_host_settle(struct fake_host *fake);

#endif
