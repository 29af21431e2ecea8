/* SPDX-License-Identifier: MIT */
/*
 * Intrusive hash tables: lists whose number is a power of two and grows with what is in them, so that an entry is found
 * among few. The hash is the caller's, as is what makes two entries the same: a bucket holds all whose hash leads to it.
 *
 * Growing is the only thing that allocates, and nothing fails when it cannot: the lists get longer, that is all. They do not shrink.
 */
#ifndef BASE_BUCKETS_H
#define BASE_BUCKETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct bucket_entry {
	struct spt_link link;
	uint64_t hash;
};

struct buckets {
	struct spt_link *lists;
	size_t n_lists, n;
	struct spt_link first; /* the only list until it has grown */
};

/* @b must not move from here on. */
void buckets_init(struct buckets *b);
/* Of the lists only: entries are their owner's, and may still be in it. */
void buckets_deinit(struct buckets *b);
void buckets_add(struct buckets *b, struct bucket_entry *entry, uint64_t hash);
void buckets_del(struct buckets *b, struct bucket_entry *entry);

/* Where all with @hash are, newest last, among others. */
static inline struct spt_link *bucket_of(const struct buckets *b, uint64_t hash)
{
	return &b->lists[hash & (b->n_lists - 1)];
}

/* For hash: continues @h over @bytes (FNV-1a); what it begins with may be anything. */
uint64_t hash_add(uint64_t h, const void *bytes, size_t n);

#endif
