/* SPDX-License-Identifier: MIT */
/*
 * Payload buffers. A pool belongs to one loop and is used on its thread only, so that taking and
 * returning a buffer is a few instructions. Buffers are page-aligned (SPT_BUFFER_ALIGN), which
 * satisfies O_DIRECT and the alignment mask of every host adapter. What was returned is kept for
 * the next taker, up to a bound, and given back to the system when idle. Pools may share a limit
 * (struct spt_memory), which holds for what is in use and what is kept.
 */
#ifndef SPT_BUFFER_H
#define SPT_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include <spt/link.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPT_BUFFER_ALIGN 4096u
/* The largest transfer of one command that the library buffers. */
#define SPT_BUFFER_MAX (64u << 20)

struct spt_pool;
struct spt_memory;

/* What several pools may have together. NULL when out of memory. */
struct spt_memory *spt_memory_new(size_t limit_bytes);
/* No pool may have any of it. NULL is allowed. */
void spt_memory_free(struct spt_memory *memory);
/* Any thread. What is taken over a lower limit comes back as it is returned. */
void spt_memory_set_limit(struct spt_memory *memory, size_t limit_bytes);
/* Any thread: what pools have taken; up to a few pieces for each more than they need. */
size_t spt_memory_used(const struct spt_memory *memory);

/* @keep_bytes: how much returned memory the pool keeps. NULL when out of memory. */
struct spt_pool *spt_pool_new(size_t keep_bytes);
void spt_pool_free(struct spt_pool *pool);
/* Before it is used: it shares @memory, which outlives it, with others. */
void spt_pool_limit(struct spt_pool *pool, struct spt_memory *memory, size_t keep_bytes);
/* A buffer of at least @bytes (not cleared), or NULL: too large, out of memory, or over the limit. */
void *spt_pool_get(struct spt_pool *pool, size_t bytes);
/* @bytes as it was given to spt_pool_get(). NULL is allowed. */
void spt_pool_put(struct spt_pool *pool, void *buffer, size_t bytes);
/* Bytes now held by takers, counted as pool blocks. */
size_t spt_pool_used(const struct spt_pool *pool);
/* Bytes kept for the next taker. */
size_t spt_pool_kept(const struct spt_pool *pool);
/* How often the limit has denied a buffer. */
uint64_t spt_pool_denied(const struct spt_pool *pool);
/* Gives back what nobody has needed since it was last called: to be called every few seconds. Bytes. */
size_t spt_pool_age(struct spt_pool *pool);
/* Give the kept memory back to the system. */
void spt_pool_trim(struct spt_pool *pool);

/*
 * For who registers memory with the kernel or with a device so that it is not looked up in every transfer. Blocks of
 * SPT_POOL_BLOCK_MIN and more have numbers, up to SPT_POOL_BLOCKS of them at a time; a number is the block's as long
 * as the pool has it of the system, whoever uses it meanwhile.
 */
#define SPT_POOL_BLOCK_MIN (64u << 10)
#define SPT_POOL_BLOCKS    256u

struct spt_pool_user {
	/* Block @number goes back to the system next. */
	void (*gone)(struct spt_pool_user *user, unsigned number);
	struct spt_link link; /* the pool's */
};

void spt_pool_join(struct spt_pool *pool, struct spt_pool_user *user);
void spt_pool_leave(struct spt_pool *pool, struct spt_pool_user *user);
/* The number of the block that begins at @data and of which @bytes are wanted; -1: it has none, or is not the pool's. */
int spt_pool_block(const struct spt_pool *pool, const void *data, size_t bytes);
/* All of block @number. */
size_t spt_pool_block_bytes(const struct spt_pool *pool, unsigned number);

#ifdef __cplusplus
}
#endif

#endif
