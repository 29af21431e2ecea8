/* SPDX-License-Identifier: MIT */
/* Pieces of a byte range, in ascending order, none touching another: see ranges.h. */
#include "fullfeature/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static struct range *pieces(struct ranges *r)
{
	return r->room ? r->more : r->own;
}

void ranges_deinit(struct ranges *r)
{
	free(r->more);
	ranges_init(r);
}

static int grow(struct ranges *r)
{
	unsigned have = r->room ? r->room : RANGES_OWN;

	if (r->n < have)
		return 0;
	if (have == RANGES_MAX)
		return -ENOSPC;
	struct range *more = reallocarray(r->more, 4 * have, sizeof(*more));
	if (!more)
		return -ENOMEM;
	if (!r->room)
		memcpy(more, r->own, sizeof(r->own));
	r->more = more;
	r->room = (uint16_t)(4 * have);
	return 0;
}

/* Takes @count pieces out, from the @first on. */
static void drop(struct ranges *r, unsigned first, unsigned count)
{
	struct range *p = pieces(r);

	memmove(p + first, p + first + count, (r->n - first - count) * sizeof(*p));
	r->n = (uint16_t)(r->n - count);
}

int ranges_add(struct ranges *r, uint32_t from, uint32_t to)
{
	struct range *p = pieces(r);
	unsigned first = 0, end;

	if (from == to)
		return 0;
	while (first < r->n && p[first].to < from)
		first++;
	for (end = first; end < r->n && p[end].from <= to; end++) {
		from = MIN(from, p[end].from);
		to = MAX(to, p[end].to);
	}
	if (end > first) { /* those become one with it */
		p[first] = (struct range){ from, to };
		drop(r, first + 1, end - first - 1);
		return 0;
	}
	int err = grow(r);
	if (err)
		return err;
	p = pieces(r);
	memmove(p + first + 1, p + first, (r->n - first) * sizeof(*p));
	p[first] = (struct range){ from, to };
	r->n++;
	return 0;
}

uint32_t ranges_take(struct ranges *r, uint32_t at)
{
	const struct range *p = pieces(r);
	unsigned n = 0;

	while (n < r->n && p[n].from <= at) {
		at = MAX(at, p[n].to);
		n++;
	}
	if (n)
		drop(r, 0, n);
	return at;
}
