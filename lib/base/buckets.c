/* SPDX-License-Identifier: MIT */
/* Intrusive hash tables: see buckets.h. */
#include "base/buckets.h"

#include <stdlib.h>

#define LISTS_MIN 64u

void buckets_init(struct buckets *b)
{
	*b = (struct buckets){ .lists = &b->first, .n_lists = 1 };
	list_init(&b->first);
}

void buckets_deinit(struct buckets *b)
{
	if (b->lists != &b->first)
		free(b->lists);
	b->lists = NULL;
}

static struct spt_link *lists_new(size_t n)
{
	struct spt_link *lists = reallocarray(NULL, n, sizeof(*lists));

	for (size_t i = 0; lists && i < n; i++)
		list_init(&lists[i]);
	return lists;
}

static void grow(struct buckets *b)
{
	size_t n = b->n_lists < LISTS_MIN ? LISTS_MIN : 2 * b->n_lists;
	struct buckets more = { .lists = lists_new(n), .n_lists = n };

	if (!more.lists)
		return;
	for (size_t i = 0; i < b->n_lists; i++) {
		struct bucket_entry *e;
		while ((e = list_first(&b->lists[i], struct bucket_entry, link))) {
			list_del(&e->link);
			list_append(bucket_of(&more, e->hash), &e->link);
		}
	}
	buckets_deinit(b);
	b->lists = more.lists;
	b->n_lists = n;
}

void buckets_add(struct buckets *b, struct bucket_entry *entry, uint64_t hash)
{
	if (b->n >= b->n_lists)
		grow(b);
	entry->hash = hash;
	list_append(bucket_of(b, hash), &entry->link);
	b->n++;
}

void buckets_del(struct buckets *b, struct bucket_entry *entry)
{
	list_del(&entry->link);
	b->n--;
}

uint64_t hash_add(uint64_t h, const void *bytes, size_t n)
{
	for (const uint8_t *p = bytes; n > 0; n--)
		h = (h ^ *p++) * 0x100000001b3ull;
	return h;
}
