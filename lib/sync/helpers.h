/* SPDX-License-Identifier: MIT */
/*
 * Threads for the calls of one synchronous loop that may block. Made one by one while work waits
 * and none is idle; none at all where nothing ever blocks.
 */
#ifndef SYNC_HELPERS_H
#define SYNC_HELPERS_H

#include <pthread.h>
#include <stdbool.h>

#include <spt/host.h>

#define HELPERS_MAX 4u

struct helpers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct spt_work *waiting, **last_waiting;
	struct spt_work *done, **last_done;
	bool stopping;
	unsigned idle, n;
	pthread_t threads[HELPERS_MAX];
	int wake; /* an eventfd that tells of done work */
};

int helpers_init(struct helpers *helpers, int wake);
/* What has been begun is ended first. */
void helpers_deinit(struct helpers *helpers);
void helpers_add(struct helpers *helpers, struct spt_work *work);
/* On the loop's thread: done() of everything that is. False: nothing was. */
bool helpers_finish(struct helpers *helpers);

#endif
