/* SPDX-License-Identifier: MIT */
/*
 * Which pieces of a byte range are there: a few of them without memory of their own, more in memory
 * that grows up to a bound. Pieces that touch or overlap become one.
 */
#ifndef FULLFEATURE_RANGES_H
#define FULLFEATURE_RANGES_H

#include <stdint.h>

#define RANGES_OWN 4u
#define RANGES_MAX 256u

struct range {
	uint32_t from, to; /* to: the first byte behind it */
};

struct ranges {
	uint16_t n, room; /* room 0: own[] is in use */
	struct range own[RANGES_OWN];
	struct range *more;
};

static inline void ranges_init(struct ranges *r)
{
	r->n = r->room = 0;
	r->more = 0;
}

void ranges_deinit(struct ranges *r);
/* 0; -ENOMEM; -ENOSPC: more than RANGES_MAX pieces. An empty piece is none. */
int ranges_add(struct ranges *r, uint32_t from, uint32_t to);
/* How far the bytes from @at on are there without a gap; what lies before that end is forgotten. */
uint32_t ranges_take(struct ranges *r, uint32_t at);

#endif
