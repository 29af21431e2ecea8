/* SPDX-License-Identifier: MIT */
/* Posts in the order in which they came. A post that is in a queue says so itself. */
#ifndef LOOP_QUEUE_H
#define LOOP_QUEUE_H

#include <stdbool.h>

#include <spt/host.h>

struct queue {
	struct spt_post *first, **last;
};

static inline void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static inline void queue_put(struct queue *q, struct spt_post *post)
{
	post->next = NULL;
	post->queued = 1;
	*q->last = post;
	q->last = &post->next;
}

/* Takes the whole of @from, which is left empty. */
static inline void queue_move(struct queue *to, struct queue *from)
{
	*to = *from;
	if (!to->first)
		to->last = &to->first;
	queue_init(from);
}

/* False: it is not in @q. */
static inline bool queue_remove(struct queue *q, struct spt_post *post)
{
	for (struct spt_post **p = &q->first; *p; p = &(*p)->next) {
		if (*p != post)
			continue;
		*p = post->next;
		if (q->last == &post->next)
			q->last = p;
		post->queued = 0;
		return true;
	}
	return false;
}

#endif
