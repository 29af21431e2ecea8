/* SPDX-License-Identifier: MIT */
/*
 * Which loop a new connection goes to: the one that is least busy by the processor time that its thread has used of late,
 * and of those that are alike the one with the fewest connections. A session stays where it began; see
 * docs/design/decisions.md.
 *
 * Pure arithmetic. On the first worker's loop.
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
/* The number of the loop, of @n; it counts as given to it. All zero at first. */
unsigned balance_choose(struct balance *balance, uint64_t now_us, const struct balance_loop *loops,
	unsigned n);

#endif
