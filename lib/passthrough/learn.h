/* SPDX-License-Identifier: MIT */
/*
 * What the data of a few commands tells about a device: its type (INQUIRY), its blocks (READ
 * CAPACITY). Read from what passes by, so that nothing is asked of a device on our own account:
 * asking would take unit attentions away from initiators.
 */
#ifndef PASSTHROUGH_LEARN_H
#define PASSTHROUGH_LEARN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <spt/task.h>

#define DEVICE_TYPE_UNKNOWN 0x1fu

/* Written by any loop, read by any thread. */
struct learned {
	atomic_uint device_type;
	atomic_uint block_bytes;
	atomic_ullong blocks;
};

void learned_init(struct learned *l);
/* Do devices of this type have logical blocks and READ CAPACITY? Other types use its code otherwise. */
bool learned_has_blocks(unsigned device_type);
/* @data of @bytes came back from the command @cdb with GOOD status. */
void learn(struct learned *l, const uint8_t *cdb, const uint8_t *data, uint32_t bytes);
/* Is @cdb one to learn from? */
bool learn_wants(const uint8_t *cdb);

#endif
