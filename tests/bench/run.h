/* SPDX-License-Identifier: MIT */
/*
 * What all workers of one run share. The main thread owns it and moves the phase; workers read the
 * phase for every command and set failed. A unit's generation is touched only by the one slot that
 * has that unit in its stripe.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "options.h"

enum phase {
	PHASE_WARMUP,
	PHASE_MEASURE,
	PHASE_STOP,
};

struct run {
	const struct options *opt;
	uint64_t units; /* of opt->block_bytes each */
	uint64_t slots; /* commands under way in all sessions together */
	uint32_t blocks_per_unit;
	uint32_t *generation; /* a number for each unit, 0 = not ours; only with --verify */
	atomic_int phase;
	atomic_bool failed;
	pthread_barrier_t filled; /* all workers and the main thread */
};

#endif
