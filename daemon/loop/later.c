/* SPDX-License-Identifier: MIT */
/* Watches that yield: see later.h. */
#include "loop/later.h"

#include <string.h>

#include "base/util.h"

/* So many have their turn while others have something. */
#define FEW 4u

void later_put(struct later *l, struct spt_watch *watch)
{
	if (l->n == LATER_MAX)
		return;
	for (unsigned i = 0; i < l->n; i++) {
		if (l->watches[i] == watch)
			return;
	}
	l->watches[l->n++] = watch;
}

void later_forget(struct later *l, const struct spt_watch *watch)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (l->watches[i] == watch)
			l->watches[i] = NULL;
	}
}

/* What one had may be over by now: whoever watches finds out by trying, as with any other event. */
void later_run(struct later *l, bool busy)
{
	unsigned n = MIN(l->n, busy ? FEW : LATER_MAX);

	for (unsigned i = 0; i < n; i++) {
		struct spt_watch *watch = TAKE(l->watches[i]);
		if (watch)
			watch->fn(watch, watch->events & (SPT_READABLE | SPT_WRITABLE));
	}
	l->n -= n;
	memmove(l->watches, l->watches + n, l->n * sizeof(l->watches[0]));
}
