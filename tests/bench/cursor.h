/* SPDX-License-Identifier: MIT */
/*
 * Which unit comes next: a cursor walks, or jumps at random in, the units first, first + stride,
 * ... of which there are count. Cursors of different slots with different first and the same stride
 * never meet, which is what lets written data be verified while many commands are under way.
 */
#ifndef BENCH_CURSOR_H
#define BENCH_CURSOR_H

#include <stdint.h>

struct cursor {
	uint64_t first;
	uint64_t stride;
	uint64_t count;
	uint64_t next;
};

/* xorshift64: plenty for addresses. @state is never 0. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

static inline uint64_t cursor_random(const struct cursor *c, uint64_t *state)
{
	return c->first + c->stride * (random_next(state) % c->count);
}

static inline uint64_t cursor_step(struct cursor *c)
{
	uint64_t at = c->next;

	c->next = at + 1 < c->count ? at + 1 : 0;
	return c->first + c->stride * at;
}

#endif
