/* SPDX-License-Identifier: MIT */
/*
 * Memory that was used and is kept for the next taker: a stack of blocks of one size, linked through
 * their first bytes. Ageing gives back those that nobody has needed since it was last done, so
 * that what a busy hour has gathered does not stay for ever, and a steady load loses nothing.
 */
#ifndef BASE_SPARES_H
#define BASE_SPARES_H

#include <stddef.h>
#include <stdlib.h>

#include "base/util.h"

struct spares {
	struct spares_block {
		struct spares_block *next;
	} *first;
	unsigned n;
	unsigned idle; /* the fewest that there have been since the last ageing: nobody needed these */
};

/* NULL: there is none. */
static inline void *spares_take(struct spares *s)
{
	struct spares_block *b = s->first;

	if (!b)
		return NULL;
	s->first = b->next;
	s->n--;
	s->idle = MIN(s->idle, s->n);
	return b;
}

/* @block was malloc'ed and holds a pointer at least. */
static inline void spares_put(struct spares *s, void *block)
{
	struct spares_block *b = block;

	b->next = s->first;
	s->first = b;
	s->n++;
}

/* Frees what nobody needed since the last time. How many those were. */
static inline unsigned spares_age(struct spares *s)
{
	unsigned n = s->idle;

	for (unsigned i = 0; i < n; i++)
		free(spares_take(s));
	s->idle = s->n;
	return n;
}

static inline void spares_free(struct spares *s)
{
	s->idle = s->n;
	spares_age(s);
}

#endif
