/* SPDX-License-Identifier: MIT */
/* Threads that wait for a device: see bsg_job.h. */
#include "passthrough/bsg_pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#include <scsi/sg.h>

#include "base/list.h"
#include "base/util.h"
#include "passthrough/sg_device.h"

#define IDLE_SECONDS 30
#define KEEP_BYTES   (1u << 20) /* of a job's memory, while it is free */

int bsg_io(int fd, struct sg_io_v4 *io)
{
	return ioctl(fd, SG_IO, io) < 0 ? -errno : 0;
}

struct bsg_pool *bsg_pool_new(struct sg_attachment *attachment, unsigned depth, bsg_io_fn *io)
{
	struct bsg_pool *p = calloc(1, sizeof(*p) + depth * sizeof(p->jobs[0]));
	pthread_condattr_t monotonic;

	if (!p)
		return NULL;
	p->attachment = attachment;
	p->io = io;
	p->n_jobs = depth;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&p->more, &monotonic);
	pthread_condattr_destroy(&monotonic);
	list_init(&p->free);
	list_init(&p->to_do);
	for (unsigned i = 0; i < depth; i++) {
		struct bsg_job *j = &p->jobs[i];
		j->pool = p;
		pthread_mutex_init(&j->lock, NULL);
		list_init(&j->link);
		list_append(&p->free, &j->link);
	}
	return p;
}

void bsg_pool_close(struct bsg_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
}

void bsg_pool_free(struct bsg_pool *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->n_jobs; i++) {
		free(p->jobs[i].memory);
		pthread_mutex_destroy(&p->jobs[i].lock);
	}
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct bsg_job *bsg_pool_take(struct bsg_pool *p)
{
	pthread_mutex_lock(&p->lock);
	struct bsg_job *j = list_first(&p->free, struct bsg_job, link);
	if (j)
		list_del(&j->link);
	pthread_mutex_unlock(&p->lock);
	return j;
}

bool bsg_pool_has(struct bsg_pool *p)
{
	pthread_mutex_lock(&p->lock);
	bool has = !list_empty(&p->free);
	pthread_mutex_unlock(&p->lock);
	return has;
}

void bsg_pool_put(struct bsg_job *j)
{
	struct bsg_pool *p = j->pool;

	if (j->room > KEEP_BYTES) {
		free(TAKE(j->memory));
		j->room = 0;
	}
	pthread_mutex_lock(&p->lock);
	list_prepend(&p->free, &j->link); /* its memory is warm */
	pthread_mutex_unlock(&p->lock);
}

/* The next job; NULL: this thread is not needed any longer. */
static struct bsg_job *next(struct bsg_pool *p)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_SECONDS;
	pthread_mutex_lock(&p->lock);
	p->idle++;
	while (list_empty(&p->to_do) && !p->closing && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&p->more, &p->lock, &until);
	p->idle--;
	struct bsg_job *j = list_first(&p->to_do, struct bsg_job, link);
	if (j)
		list_del(&j->link);
	else
		p->threads--;
	pthread_mutex_unlock(&p->lock);
	return j;
}

static void *thread(void *arg)
{
	struct bsg_pool *p = arg;
	struct bsg_job *j;

	while ((j = next(p))) {
		if (bsg_job_prepare(j))
			j->result = p->io(p->attachment->bsg, &j->io);
		bsg_job_finish(j);
	}
	sg_attachment_unref(p->attachment);
	return NULL;
}

/* Signals are for the threads that want them. */
static int start_thread(struct bsg_pool *p)
{
	sigset_t all, before;
	pthread_attr_t detached;
	pthread_t id;

	sigfillset(&all);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sg_attachment_ref(p->attachment);
	int r = pthread_create(&id, &detached, thread, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&detached);
	if (r)
		sg_attachment_unref(p->attachment);
	return -r;
}

int bsg_pool_start(struct bsg_job *j)
{
	struct bsg_pool *p = j->pool;
	int r = 0;

	pthread_mutex_lock(&p->lock);
	list_append(&p->to_do, &j->link);
	unsigned waiting = 0;
	for (const struct spt_link *l = p->to_do.next; l != &p->to_do; l = l->next)
		waiting++;
	if (p->idle >= waiting) {
		pthread_cond_signal(&p->more);
	} else {
		r = start_thread(p);
		if (!r)
			p->threads++;
		else if (p->threads)
			r = 0; /* those that there are will come to it */
		else
			list_del(&j->link);
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

bool bsg_pool_recall(struct bsg_job *j)
{
	pthread_mutex_lock(&j->pool->lock);
	bool there = list_in(&j->link);
	list_del(&j->link);
	pthread_mutex_unlock(&j->pool->lock);
	return there;
}
