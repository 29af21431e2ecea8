/* SPDX-License-Identifier: MIT */
/*
 * The buffer pool of a loop: spare page-aligned blocks in powers of two. One thread uses it, so taking
 * a buffer is popping a list. What is free is kept up to a bound; above it, and when nobody has needed it for
 * a while, it goes back to the system.
 *
 * Where several pools share a limit, what a pool has of the system, in use or kept, is never more than it
 * has taken of that limit.
 */
#include <spt/buffer.h>

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/spares.h"
#include "core/blocks.h"
#include "core/memory.h"

#define SHIFT_MIN 12u /* 4 KiB */
#define SHIFT_MAX 26u /* SPT_BUFFER_MAX */
#define CLASSES   (SHIFT_MAX - SHIFT_MIN + 1)
/* Steps of the shared limit that are held beyond what is needed before they are given back. */
#define STEPS_HELD 4u

static_assert(SPT_BUFFER_MAX == 1u << SHIFT_MAX, "the largest class is the largest transfer");
static_assert(SPT_BUFFER_ALIGN == 1u << SHIFT_MIN, "the smallest class keeps the alignment");

struct spt_pool {
	struct spares spares[CLASSES];
	size_t kept_bytes, keep_bytes, used_bytes;
	struct spt_memory *memory; /* NULL: no limit */
	size_t taken_bytes;        /* of memory */
	uint64_t denied;
	struct blocks blocks;
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
	if (!pool)
		return NULL;
	pool->keep_bytes = keep_bytes;
	blocks_init(&pool->blocks);
	return pool;
}

void spt_pool_limit(struct spt_pool *pool, struct spt_memory *memory, size_t keep_bytes)
{
	assert(pool->used_bytes == 0 && pool->kept_bytes == 0 && !pool->memory);
	pool->memory = memory;
	pool->keep_bytes = keep_bytes;
}

void spt_pool_free(struct spt_pool *pool)
{
	if (!pool)
		return;
	assert(pool->used_bytes == 0 && list_empty(&pool->blocks.users));
	spt_pool_trim(pool);
	free(pool);
}

static size_t spare_room(const struct spt_pool *pool)
{
	return pool->taken_bytes - pool->used_bytes - pool->kept_bytes;
}

static bool take_room(struct spt_pool *pool, size_t bytes)
{
	size_t room = spare_room(pool);

	if (room >= bytes)
		return true;
	size_t least = bytes - room;
	size_t got = memory_take(pool->memory, least, least + memory_step(pool->memory));
	pool->taken_bytes += got;
	return got;
}

/* Room for one more block of @bytes; at need of what is kept. */
static bool have_room(struct spt_pool *pool, size_t bytes)
{
	if (!pool->memory || take_room(pool, bytes))
		return true;
	if (pool->kept_bytes) {
		spt_pool_trim(pool);
		if (take_room(pool, bytes))
			return true;
	}
	pool->denied++;
	return false;
}

/* All but @keep bytes of the room that nothing is in. */
static void give_room(struct spt_pool *pool, size_t keep)
{
	size_t room = pool->memory ? spare_room(pool) : 0;

	if (room <= keep)
		return;
	memory_give(pool->memory, room - keep);
	pool->taken_bytes -= room - keep;
}

static void *take_from_system(struct spt_pool *pool, unsigned c)
{
	void *p;

	if (!have_room(pool, class_bytes(c)) || posix_memalign(&p, SPT_BUFFER_ALIGN, class_bytes(c)))
		return NULL;
	if (class_bytes(c) >= SPT_POOL_BLOCK_MIN)
		blocks_add(&pool->blocks, p, class_bytes(c));
	return p;
}

static void give_to_system(struct spt_pool *pool, unsigned c, void *block)
{
	if (class_bytes(c) >= SPT_POOL_BLOCK_MIN)
		blocks_remove(&pool->blocks, block);
	free(block);
}

void *spt_pool_get(struct spt_pool *pool, size_t bytes)
{
	void *p;

	if (bytes == 0 || bytes > SPT_BUFFER_MAX)
		return NULL;
	unsigned c = class_of(bytes);
	p = spares_take(&pool->spares[c]);
	if (p)
		pool->kept_bytes -= class_bytes(c);
	else
		p = take_from_system(pool, c);
	if (!p)
		return NULL;
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
	if (pool->kept_bytes + class_bytes(c) <= pool->keep_bytes) {
		spares_put(&pool->spares[c], buffer);
		pool->kept_bytes += class_bytes(c);
		return;
	}
	give_to_system(pool, c, buffer);
	if (pool->memory && spare_room(pool) > STEPS_HELD * memory_step(pool->memory))
		give_room(pool, memory_step(pool->memory));
}

size_t spt_pool_used(const struct spt_pool *pool)
{
	return pool->used_bytes;
}

size_t spt_pool_kept(const struct spt_pool *pool)
{
	return pool->kept_bytes;
}

uint64_t spt_pool_denied(const struct spt_pool *pool)
{
	return pool->denied;
}

/* Of each class those that nobody has needed since this was last done, or all. */
static size_t drop(struct spt_pool *pool, bool all)
{
	size_t freed = 0;

	for (unsigned c = 0; c < CLASSES; c++) {
		struct spares *s = &pool->spares[c];
		for (unsigned n = all ? s->n : s->idle; n > 0; n--) {
			give_to_system(pool, c, spares_take(s));
			freed += class_bytes(c);
		}
		s->idle = s->n;
	}
	pool->kept_bytes -= freed;
	give_room(pool, 0);
	return freed;
}

size_t spt_pool_age(struct spt_pool *pool)
{
	return drop(pool, false);
}

void spt_pool_trim(struct spt_pool *pool)
{
	drop(pool, true);
}

void spt_pool_join(struct spt_pool *pool, struct spt_pool_user *user)
{
	list_append(&pool->blocks.users, &user->link);
}

void spt_pool_leave(struct spt_pool *pool, struct spt_pool_user *user)
{
	(void)pool;
	list_del(&user->link);
}

int spt_pool_block(const struct spt_pool *pool, const void *data, size_t bytes)
{
	return blocks_find(&pool->blocks, data, bytes);
}

size_t spt_pool_block_bytes(const struct spt_pool *pool, unsigned number)
{
	return pool->blocks.block[number].bytes;
}
