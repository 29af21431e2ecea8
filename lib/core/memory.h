/* SPDX-License-Identifier: MIT */
/* What pools ask of the memory that they share (<spt/buffer.h>). Any thread. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <stddef.h>

struct spt_memory;

/* Between @least and @most bytes, taken; 0: there are not so many. */
size_t memory_take(struct spt_memory *memory, size_t least, size_t most);
void memory_give(struct spt_memory *memory, size_t bytes);
/* What a pool takes at a time: little beside the limit, much beside a command. */
size_t memory_step(const struct spt_memory *memory);

#endif
