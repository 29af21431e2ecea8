/* SPDX-License-Identifier: MIT */
/* The pool of threads for blocking calls: see offload.h. */
#include "loop/offload.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include <spt/host.h>

#include "loop/loop.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct spt_work *first, **last;
	bool stopping;
	pthread_t *threads;
	unsigned n;
} pool = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
	.last = &pool.first,
};

static struct spt_work *take(void)
{
	pthread_mutex_lock(&pool.lock);
	while (!pool.first && !pool.stopping)
		pthread_cond_wait(&pool.more, &pool.lock);
	struct spt_work *w = pool.first;
	if (w) {
		pool.first = w->next;
		if (!pool.first)
			pool.last = &pool.first;
	}
	pthread_mutex_unlock(&pool.lock);
	return w;
}

static void *run(void *arg)
{
	struct spt_work *w;

	(void)arg;
	while ((w = take())) {
		w->work(w);
		loop_work_done(w->host, w);
	}
	return NULL;
}

int offload_start(unsigned threads)
{
	pool.threads = calloc(threads, sizeof(*pool.threads));
	if (!pool.threads)
		return -ENOMEM;
	for (; pool.n < threads; pool.n++) {
		int r = pthread_create(&pool.threads[pool.n], NULL, run, NULL);
		if (r) {
			offload_stop();
			return -r;
		}
	}
	return 0;
}

void offload_stop(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.stopping = true;
	pthread_cond_broadcast(&pool.more);
	pthread_mutex_unlock(&pool.lock);
	while (pool.n > 0)
		pthread_join(pool.threads[--pool.n], NULL);
	free(pool.threads);
	pool.threads = NULL;
	pool.stopping = false;
}

void offload_put(struct spt_work *work)
{
	work->next = NULL;
	pthread_mutex_lock(&pool.lock);
	*pool.last = work;
	pool.last = &work->next;
	pthread_cond_signal(&pool.more);
	pthread_mutex_unlock(&pool.lock);
}
