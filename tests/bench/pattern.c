/* SPDX-License-Identifier: MIT */
/* Self-describing data: see pattern.h. */
#include "pattern.h"

#include <assert.h>

#define STEP UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t v)
{
	v = (v ^ (v >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ (v >> 27)) * UINT64_C(0x94d049bb133111eb);
	return v ^ (v >> 31);
}

static uint64_t first_word(const struct stamp *s)
{
	return mix(mix(mix(s->seed + STEP) + s->unit) + s->generation);
}

void pattern_fill(void *data, size_t bytes, const struct stamp *stamp)
{
	uint64_t *word = data, value = first_word(stamp);

	assert(bytes % sizeof(*word) == 0);
	for (size_t i = 0; i < bytes / sizeof(*word); i++, value += STEP)
		word[i] = value;
}

size_t pattern_check(const void *data, size_t bytes, const struct stamp *stamp)
{
	uint64_t value = first_word(stamp);
	const uint64_t *word = data;

	assert(bytes % sizeof(*word) == 0);
	for (size_t i = 0; i < bytes / sizeof(*word); i++, value += STEP)
		if (word[i] != value)
			return i * sizeof(*word);
	return bytes;
}
