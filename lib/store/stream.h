/* SPDX-License-Identifier: MIT */
/*
 * A copy to a medium in memory that goes past the processor's caches: what is written there is rarely read soon, and a
 * usual copy would first read the lines that it overwrites, and drive out what the loops are working on.
 */
#ifndef STORE_STREAM_H
#define STORE_STREAM_H

#include <stddef.h>
#include <stdint.h>

/* As memcpy(). Other threads see the bytes after whatever this one stores next. */
void stream_copy(uint8_t *restrict to, const uint8_t *restrict from, size_t bytes);

#endif
