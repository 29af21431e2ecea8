/* SPDX-License-Identifier: MIT */
/*
 * Which loop a new connection goes to: the one that is least busy by the processor time that its thread has used of late,
 * and of those that are alike the one with the fewest connections. And which session is to leave a loop that has more to
 * do than it can (target/migrate.h).
 *
 * Pure arithmetic.
 */
#ifndef TARGET_BALANCE_H
#define TARGET_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#define BALANCE_LOOPS 64u

/* What is known of a loop at the moment. */
struct balance_loop {
	uint64_t cpu_us;  /* its thread's, since it began; looked at when a sample is due */
	unsigned n_conns;
	uint64_t ready_us; /* that the thread has waited for a processor; balance_uneven() only */
};

struct balance {
	uint64_t sampled_us; /* when the shares were measured; 0: never */
	struct {
		uint64_t cpu_us;
		unsigned busy;   /* eighths of a processor, since the sample before */
		unsigned handed; /* connections that it was given since */
	} loops[BALANCE_LOOPS];
};

/* The shares are measured next time: cpu_us will be looked at. */
bool balance_due(const struct balance *balance, uint64_t now_us);
#define BALANCE_ANY BALANCE_LOOPS

/* The number of the loop, of @n, and not @except (or BALANCE_ANY); it counts as given to it. All zero at first. */
unsigned balance_choose(struct balance *balance, uint64_t now_us, const struct balance_loop *loops,
	unsigned n, unsigned except);

/* What loops had used when they were last looked at. */
struct balance_watch {
	uint64_t sampled_us; /* 0: never */
	uint64_t wanted_us[BALANCE_LOOPS];
};

/* Two loops, and for how much of the time since each has had work, in thousandths. */
struct balance_pair {
	unsigned from, to;
	unsigned from_share, to_share;
};

/* Has one of @n loops had work nearly all the time since the last call, and another for less than half of that? */
bool balance_uneven(struct balance_watch *watch, uint64_t now_us, const struct balance_loop *loops, unsigned n,
	struct balance_pair *ret);
/*
 * By how many thousandths of the time the busier of both would have less to do if a session with @weight of the @total
 * on pair->from went. 0: it is not worth the while; a session that alone makes the loop busy would only make the
 * other one so.
 */
unsigned balance_relief(const struct balance_pair *pair, uint64_t weight, uint64_t total);

#endif
