/* SPDX-License-Identifier: MIT */
/*
 * The memory that several pools may have together: a limit and what is taken of it. Pools take large
 * pieces and give back large pieces, so that loops do not meet here while they move data.
 */
#include "core/memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <spt/buffer.h>

#include "base/util.h"

struct spt_memory {
	atomic_size_t limit_bytes, used_bytes;
};

struct spt_memory *spt_memory_new(size_t limit_bytes)
{
	struct spt_memory *m = calloc(1, sizeof(*m));

	if (m)
		atomic_init(&m->limit_bytes, limit_bytes);
	return m;
}

void spt_memory_free(struct spt_memory *m)
{
	assert(!m || spt_memory_used(m) == 0);
	free(m);
}

void spt_memory_set_limit(struct spt_memory *m, size_t limit_bytes)
{
	atomic_store_explicit(&m->limit_bytes, limit_bytes, memory_order_relaxed);
}

size_t spt_memory_used(const struct spt_memory *m)
{
	return atomic_load_explicit(&m->used_bytes, memory_order_relaxed);
}

size_t memory_step(const struct spt_memory *m)
{
	return MIN(atomic_load_explicit(&m->limit_bytes, memory_order_relaxed) / 512, (size_t)1 << 20);
}

/* Nothing else is read or written by these numbers: they need no order. */
size_t memory_take(struct spt_memory *m, size_t least, size_t most)
{
	size_t limit = atomic_load_explicit(&m->limit_bytes, memory_order_relaxed);
	size_t used = atomic_load_explicit(&m->used_bytes, memory_order_relaxed), bytes;

	do {
		bytes = used < limit ? MIN(limit - used, most) : 0;
		if (bytes < least)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(&m->used_bytes, &used, used + bytes,
		memory_order_relaxed, memory_order_relaxed));
	return bytes;
}

void memory_give(struct spt_memory *m, size_t bytes)
{
	size_t before = atomic_fetch_sub_explicit(&m->used_bytes, bytes, memory_order_relaxed);

	assert(before >= bytes);
	(void)before;
}
