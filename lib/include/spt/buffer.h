/* SPDX-License-Identifier: MIT */
/*
 * Payload buffers. A pool belongs to one loop and is used on its thread only, so that taking and
 * returning a buffer is a few instructions. Buffers are page-aligned (SPT_BUFFER_ALIGN), which
 * satisfies O_DIRECT and the alignment mask of every host adapter. What was returned is kept for
 * the next taker, up to a bound, and given back to the system when idle.
 */
#ifndef SPT_BUFFER_H
#define SPT_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPT_BUFFER_ALIGN 4096u
/* The largest transfer of one command that the library buffers. */
#define SPT_BUFFER_MAX (64u << 20)

struct spt_pool;

/* @keep_bytes: how much returned memory the pool keeps. NULL when out of memory. */
struct spt_pool *spt_pool_new(size_t keep_bytes);
void spt_pool_free(struct spt_pool *pool);
/* A buffer of at least @bytes (not cleared), or NULL: too large or out of memory. */
void *spt_pool_get(struct spt_pool *pool, size_t bytes);
/* @bytes as it was given to spt_pool_get(). NULL is allowed. */
void spt_pool_put(struct spt_pool *pool, void *buffer, size_t bytes);
/* Bytes now held by takers, counted as pool blocks. */
size_t spt_pool_used(const struct spt_pool *pool);
/* Give the kept memory back to the system. */
void spt_pool_trim(struct spt_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
