/* SPDX-License-Identifier: MIT */
/* A cartridge in memory: blocks of any length and filemarks, one after the other, up to its
 * capacity. */
#ifndef LIBRARY_VOLUME_H
#define LIBRARY_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record {
	uint8_t *data; /* NULL: a filemark */
	uint32_t bytes;
};

struct volume {
	char tag[33];
	bool write_protected;
	struct record *records;
	size_t n;
	size_t room;
	uint64_t used_bytes;
	uint64_t capacity_bytes;
	uint64_t early_bytes; /* of the capacity lie beyond early warning */
};

void volume_init(struct volume *v, const char *tag, uint64_t capacity_bytes, uint64_t early_bytes);
/* Nothing is left from record @at on: SSC-5 4.2.8, what is written last is the end of data. */
void volume_cut(struct volume *v, size_t at);
/* A block (or with @data NULL a filemark) at the end. False: it does not fit any more. */
bool volume_append(struct volume *v, const uint8_t *data, uint32_t bytes);
bool volume_is_early(const struct volume *v);

#endif
