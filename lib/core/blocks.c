/* SPDX-License-Identifier: MIT */
/* The numbers of large blocks: see blocks.h. */
#include "core/blocks.h"

#include <assert.h>

#include "base/list.h"
#include "base/util.h"

void blocks_init(struct blocks *b)
{
	list_init(&b->users);
	for (unsigned i = 0; i < SPT_POOL_BLOCKS; i++)
		b->block[i].next = (uint16_t)(i + 2 <= SPT_POOL_BLOCKS ? i + 2 : 0);
	b->free = 1;
}

/* Large blocks are megabytes apart as often as pages: both parts of the address count. */
static unsigned head_of(const void *data)
{
	uintptr_t page = (uintptr_t)data / SPT_BUFFER_ALIGN;

	return (unsigned)(page ^ page >> 6 ^ page >> 12) % BLOCKS_HEADS;
}

void blocks_add(struct blocks *b, const void *data, size_t bytes)
{
	uint16_t *head = &b->heads[head_of(data)], n = b->free;

	if (!n)
		return;
	struct block *block = &b->block[n - 1];
	b->free = block->next;
	*block = (struct block){ .data = data, .bytes = bytes, .next = *head };
	*head = n;
}

/* Where its number stands; what stands there is 0 when it has none. */
static uint16_t *place_of(struct blocks *b, const void *data)
{
	uint16_t *n = &b->heads[head_of(data)];

	while (*n && b->block[*n - 1].data != data)
		n = &b->block[*n - 1].next;
	return n;
}

void blocks_remove(struct blocks *b, const void *data)
{
	uint16_t *place = place_of(b, data), n = *place;
	struct spt_pool_user *user;

	if (!n)
		return;
	list_foreach (user, &b->users, link)
		user->gone(user, n - 1u);
	*place = b->block[n - 1].next;
	b->block[n - 1] = (struct block){ .next = b->free };
	b->free = n;
}

int blocks_find(const struct blocks *b, const void *data, size_t bytes)
{
	uint16_t n = b->heads[head_of(data)];

	while (n && b->block[n - 1].data != data)
		n = b->block[n - 1].next;
	return n && b->block[n - 1].bytes >= bytes ? n - 1 : -1;
}
