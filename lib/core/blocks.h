/* SPDX-License-Identifier: MIT */
/*
 * The numbers of a pool's large blocks, by their address: see spt_pool_block() in <spt/buffer.h>. A block has its
 * number from when it came from the system until it goes back there; those that find none free do without.
 */
#ifndef CORE_BLOCKS_H
#define CORE_BLOCKS_H

#include <stdint.h>

#include <spt/buffer.h>

#define BLOCKS_HEADS 64u

struct blocks {
	struct block {
		const void *data;
		size_t bytes;
		uint16_t next; /* of its head, or of those that are free; and one, so that 0 is none */
	} block[SPT_POOL_BLOCKS];
	uint16_t heads[BLOCKS_HEADS];
	uint16_t free;
	struct spt_link users;
};

void blocks_init(struct blocks *b);
void blocks_add(struct blocks *b, const void *data, size_t bytes);
/* It is about to go: tells the users. */
void blocks_remove(struct blocks *b, const void *data);
/* The number of the block that begins at @data and has at least @bytes; -1: none. */
int blocks_find(const struct blocks *b, const void *data, size_t bytes);

#endif
