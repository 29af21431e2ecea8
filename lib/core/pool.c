/* SPDX-License-Identifier: MIT */
/*
 * The buffer pool of a loop: free lists of page-aligned blocks in powers of two. One thread uses
 * it, so taking a buffer is popping a list. What is free is kept up to a bound; above it, and on
 * trim, it goes back to the system.
 */
#include <spt/buffer.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SHIFT_MIN 12u /* 4 KiB */
#define SHIFT_MAX 26u /* SPT_BUFFER_MAX */
#define CLASSES   (SHIFT_MAX - SHIFT_MIN + 1)

static_assert(SPT_BUFFER_MAX == 1u << SHIFT_MAX, "the largest class is the largest transfer");
static_assert(SPT_BUFFER_ALIGN == 1u << SHIFT_MIN, "the smallest class keeps the alignment");

struct free_block {
	struct free_block *next;
};

struct spt_pool {
	struct free_block *free[CLASSES];
	size_t kept_bytes, keep_bytes, used_bytes;
};

static unsigned class_of(size_t bytes)
{
	unsigned c = 0;
	while ((size_t)1 << (SHIFT_MIN + c) < bytes)
		c++;
	return c;
}

static size_t class_bytes(unsigned c)
{
	return (size_t)1 << (SHIFT_MIN + c);
}

struct spt_pool *spt_pool_new(size_t keep_bytes)
{
	struct spt_pool *pool = calloc(1, sizeof(*pool));
	if (pool)
		pool->keep_bytes = keep_bytes;
	return pool;
}

void spt_pool_free(struct spt_pool *pool)
{
	if (!pool)
		return;
	assert(pool->used_bytes == 0);
	spt_pool_trim(pool);
	free(pool);
}

void *spt_pool_get(struct spt_pool *pool, size_t bytes)
{
	void *p;

	if (bytes == 0 || bytes > SPT_BUFFER_MAX)
		return NULL;
	unsigned c = class_of(bytes);
	struct free_block *block = pool->free[c];
	if (block) {
		pool->free[c] = block->next;
		pool->kept_bytes -= class_bytes(c);
		p = block;
	} else if (posix_memalign(&p, SPT_BUFFER_ALIGN, class_bytes(c))) {
		return NULL;
	}
	pool->used_bytes += class_bytes(c);
	return p;
}

void spt_pool_put(struct spt_pool *pool, void *buffer, size_t bytes)
{
	if (!buffer)
		return;
	unsigned c = class_of(bytes);
	assert(pool->used_bytes >= class_bytes(c));
	pool->used_bytes -= class_bytes(c);
	if (pool->kept_bytes + class_bytes(c) > pool->keep_bytes) {
		free(buffer);
		return;
	}
	struct free_block *block = buffer;
	block->next = pool->free[c];
	pool->free[c] = block;
	pool->kept_bytes += class_bytes(c);
}

size_t spt_pool_used(const struct spt_pool *pool)
{
	return pool->used_bytes;
}

void spt_pool_trim(struct spt_pool *pool)
{
	for (unsigned c = 0; c < CLASSES; c++) {
		while (pool->free[c]) {
			struct free_block *block = pool->free[c];
			pool->free[c] = block->next;
			free(block);
		}
	}
	pool->kept_bytes = 0;
}
