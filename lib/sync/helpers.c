/* SPDX-License-Identifier: MIT */
/* Threads for blocking calls: see helpers.h. */
#include "sync/helpers.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

int helpers_init(struct helpers *h, int wake)
{
	*h = (struct helpers){ .wake = wake };
	h->last_waiting = &h->waiting;
	h->last_done = &h->done;
	int r = pthread_mutex_init(&h->lock, NULL);
	if (r)
		return -r;
	r = pthread_cond_init(&h->more, NULL);
	if (r)
		pthread_mutex_destroy(&h->lock);
	return -r;
}

static struct spt_work *take(struct helpers *h)
{
	struct spt_work *w = h->waiting;

	if (!w)
		return NULL;
	h->waiting = w->next;
	if (!h->waiting)
		h->last_waiting = &h->waiting;
	w->next = NULL;
	return w;
}

/* The lock is held. */
static void put_done(struct helpers *h, struct spt_work *w)
{
	const uint64_t one = 1;

	*h->last_done = w;
	h->last_done = &w->next;
	ssize_t n = write(h->wake, &one, sizeof(one)); /* full: it is awake */
	(void)n;
}

static void *run(void *arg)
{
	struct helpers *h = arg;
	struct spt_work *w;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		while (!(w = take(h)) && !h->stopping) {
			h->idle++;
			pthread_cond_wait(&h->more, &h->lock);
			h->idle--;
		}
		if (!w)
			break;
		pthread_mutex_unlock(&h->lock);
		w->work(w);
		pthread_mutex_lock(&h->lock);
		put_done(h, w);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* The signals of the program are its own threads' business. */
static int start_thread(struct helpers *h)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&h->threads[h->n], NULL, run, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!r)
		h->n++;
	return r;
}

void helpers_add(struct helpers *h, struct spt_work *work)
{
	work->next = NULL;
	pthread_mutex_lock(&h->lock);
	*h->last_waiting = work;
	h->last_waiting = &work->next;
	if (h->idle)
		pthread_cond_signal(&h->more);
	else if (h->n < HELPERS_MAX && start_thread(h) && !h->n) {
		/* No thread can be had: it has to be done here. */
		struct spt_work *w = take(h);
		w->work(w);
		put_done(h, w);
	}
	pthread_mutex_unlock(&h->lock);
}

bool helpers_finish(struct helpers *h)
{
	pthread_mutex_lock(&h->lock);
	struct spt_work *w = h->done;
	h->done = NULL;
	h->last_done = &h->done;
	pthread_mutex_unlock(&h->lock);
	bool any = w != NULL;
	while (w) {
		struct spt_work *next = w->next;
		w->done(w);
		w = next;
	}
	return any;
}

void helpers_deinit(struct helpers *h)
{
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_cond_broadcast(&h->more);
	pthread_mutex_unlock(&h->lock);
	while (h->n > 0)
		pthread_join(h->threads[--h->n], NULL);
	pthread_cond_destroy(&h->more);
	pthread_mutex_destroy(&h->lock);
}
