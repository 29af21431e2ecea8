/* SPDX-License-Identifier: MIT */
/* Jobs and the threads that do them: between bsg_pool.c and bsg_job.c. */
#ifndef PASSTHROUGH_BSG_POOL_H
#define PASSTHROUGH_BSG_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/bsg.h>

#include <spt/link.h>
#include <spt/sense.h>

#include "passthrough/bsg_job.h"

#define BSG_CDB_MAX 32u

struct bsg_job {
	struct spt_link link; /* in its pool: free, or to do */
	struct bsg_pool *pool;
	/* Between the thread and the loop: who looks at the task has the lock. */
	pthread_mutex_t lock;
	struct sg_channel *channel; /* NULL: given up */
	struct spt_task *task;      /* NULL: given up */
	bool posted;                /* @post is on its way */
	struct spt_post post;
	/* The thread's, from being taken up to being posted. */
	struct sg_io_v4 io;
	int result;                 /* of the ioctl: 0 or -errno */
	uint8_t cdb[BSG_CDB_MAX];
	uint8_t sense[SPT_SENSE_MAX];
	uint8_t *memory;            /* data-out, then data-in */
	size_t room;
};

struct bsg_pool {
	struct sg_attachment *attachment; /* whose pool this is; a reference for each thread */
	bsg_io_fn *io;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct spt_link free, to_do;
	unsigned threads, idle;
	bool closing;
	unsigned n_jobs;
	struct bsg_job jobs[];
};

/* A job that is free, or NULL: those that were given up still have theirs. */
struct bsg_job *bsg_pool_take(struct bsg_pool *pool);
bool bsg_pool_has(struct bsg_pool *pool);
/* Done with. Any thread. */
void bsg_pool_put(struct bsg_job *job);
/* To a thread. 0, or -errno: none could be started. */
int bsg_pool_start(struct bsg_job *job);
/* True: no thread had taken @job up, and none will. */
bool bsg_pool_recall(struct bsg_job *job);

/* bsg_job.c, on a thread: prepares, and tells of the end. */
bool bsg_job_prepare(struct bsg_job *job);
void bsg_job_finish(struct bsg_job *job);

#endif
