/* SPDX-License-Identifier: MIT */
/*
 * Data that tells where and when it was written: every 64-bit word follows from the seed of the
 * run, the unit (a block-size piece of the logical unit), its generation and the word's own place.
 * Data of another place, an older write or another run never compares equal.
 */
#ifndef BENCH_PATTERN_H
#define BENCH_PATTERN_H

#include <stddef.h>
#include <stdint.h>

struct stamp {
	uint64_t seed;
	uint64_t unit;
	uint32_t generation;
};

/* @bytes is a multiple of eight and @data aligned to eight. */
void pattern_fill(void *data, size_t bytes, const struct stamp *stamp);
/* The offset of the first wrong word, or @bytes when all is as written. */
size_t pattern_check(const void *data, size_t bytes, const struct stamp *stamp);

#endif
