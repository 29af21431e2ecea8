/* SPDX-License-Identifier: MIT */
/*
 * How many commands may be at a device at once, over all loops. More than this is not only of no
 * use: the kernel's write() to an sg node sleeps when its host adapter is out of command slots, and
 * a loop must not. What does not get through the gate waits above it, where it can still be
 * aborted.
 *
 * A gate belongs to a device; devices of a host adapter that has fewer slots than logical units
 * share one. Taking and putting are atomic operations; the lock is for those who wait.
 */
#ifndef PASSTHROUGH_SG_GATE_H
#define PASSTHROUGH_SG_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <spt/host.h>
#include <spt/link.h>

struct sg_gate {
	atomic_int free;
	atomic_uint waiting;
	unsigned limit;
	int host; /* shared by the devices of this host adapter, or -1 */
	unsigned refs;
	struct spt_link link; /* among the shared ones */
	pthread_mutex_t lock;
	struct spt_link waiters;
	int woken;	      /* who are on their way */
	struct spt_link left; /* descriptors with commands that were given up; see sg_left.h */
	atomic_uint n_left;   /* such commands that the kernel still has */
};

/* One of those who wait: a channel. @wake runs on its loop when it may try again. */
struct sg_waiter {
	struct spt_link link;
	struct spt_host *host;
	struct spt_post post;
	atomic_bool posted; /* @post is on its way: the waiter has to stay */
};

/* @host: -1, or the number of the host adapter whose devices share the gate. NULL: out of
 * memory. */
struct sg_gate *sg_gate_get(int host, unsigned limit);
void sg_gate_put(struct sg_gate *gate);

void sg_waiter_init(struct sg_waiter *waiter, struct spt_host *host,
	void (*wake)(struct spt_post *post), void *arg);

/* May one more command of a channel that has @held at the device go? Those who wait have a
 * share. */
bool sg_gate_enter(struct sg_gate *gate, unsigned held, bool woken);
void sg_gate_leave(struct sg_gate *gate);
/* Be woken when there is room. True: there is already; the waiter is not queued. */
bool sg_gate_wait(struct sg_gate *gate, struct sg_waiter *waiter);
/* To be called by @wake, first thing. */
void sg_gate_woken(struct sg_gate *gate, struct sg_waiter *waiter);
void sg_gate_forget(struct sg_gate *gate, struct sg_waiter *waiter);
/* If there is room and somebody waits, wake him. */
void sg_gate_kick(struct sg_gate *gate);

#endif
