/* SPDX-License-Identifier: MIT */
/*
 * A worker: one thread that keeps every slot of its sessions busy. It makes up to three passes:
 * fill (write every unit once), the timed pass, and with --verify a sweep that reads back every
 * unit that this run has written. Between fill and the timed pass all workers and the main thread
 * meet.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <stdint.h>

#include "histogram.h"
#include "run.h"
#include "session.h"

struct worker;

/* @sessions' @first and every @step-th after it are this worker's to use, not to free. */
int worker_new(struct run *run, struct session **sessions, unsigned first, unsigned step,
	struct worker **ret);
void worker_free(struct worker *w);

int worker_start(struct worker *w);
void worker_join(struct worker *w);

/* After worker_join(). */
const struct histogram *worker_reads(const struct worker *w);
const struct histogram *worker_writes(const struct worker *w);
uint64_t worker_verified(const struct worker *w);

#endif
