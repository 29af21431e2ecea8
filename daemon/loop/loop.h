/* SPDX-License-Identifier: MIT */
/*
 * Event loops: one libevent base a thread, and the library's host operations on it. A turn of the
 * loop handles what is ready and then runs what was deferred (flushing sockets, submitting to
 * io_uring), so that all the work of one turn leaves in few system calls.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <spt/host.h>

struct loop;
struct event_base;

/* -ENOMEM or -errno. @number is for people: which worker this is. */
int loop_new(unsigned number, struct loop **ret);
/*
 * How long it may stay awake without work (loop/spin.h) and let commands gather (loop/gather.h); 0: never. @commands counts
 * those that have come to this loop. Before loop_run().
 */
void loop_learn(struct loop *loop, uint64_t poll_us, uint64_t gather_us, const uint64_t *commands);
/* Nothing may be watched or armed on it. NULL is allowed. */
void loop_free(struct loop *loop);
/* Runs on the calling thread until loop_stop(). */
void loop_run(struct loop *loop);
/* Any thread; takes effect at the end of the turn. */
void loop_stop(struct loop *loop);

/* Its pool keeps nothing, until it is told to (spt_pool_limit()). */
struct spt_host *loop_host(struct loop *loop);
unsigned loop_number(const struct loop *loop);
/* For code that hands libevent objects of its own to the loop (the control server). */
struct event_base *loop_event_base(struct loop *loop);
/* A finished piece of offloaded work comes home; any thread. */
void loop_work_done(struct spt_host *host, struct spt_work *work);

#endif
