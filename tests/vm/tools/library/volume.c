/* SPDX-License-Identifier: MIT */
/* A cartridge in memory: see volume.h. */
#include "volume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES 64u /* what a record takes beside its data */

void volume_init(struct volume *v, const char *tag, uint64_t capacity_bytes, uint64_t early_bytes)
{
	memset(v, 0, sizeof(*v));
	snprintf(v->tag, sizeof(v->tag), "%s", tag);
	v->capacity_bytes = capacity_bytes;
	v->early_bytes = early_bytes;
}

void volume_cut(struct volume *v, size_t at)
{
	while (v->n > at) {
		struct record *r = &v->records[--v->n];
		v->used_bytes -= r->bytes + RECORD_BYTES;
		free(r->data);
	}
}

static bool make_room(struct volume *v)
{
	if (v->n < v->room)
		return true;
	size_t room = v->room ? 2 * v->room : 64;
	struct record *records = realloc(v->records, room * sizeof(*records));
	if (!records)
		return false;
	v->records = records;
	v->room = room;
	return true;
}

bool volume_append(struct volume *v, const uint8_t *data, uint32_t bytes)
{
	struct record r = {.bytes = bytes};

	if (v->used_bytes + bytes + RECORD_BYTES > v->capacity_bytes || !make_room(v))
		return false;
	if (data) {
		r.data = malloc(bytes);
		if (!r.data)
			return false;
		memcpy(r.data, data, bytes);
	}
	v->records[v->n++] = r;
	v->used_bytes += bytes + RECORD_BYTES;
	return true;
}

bool volume_is_early(const struct volume *v)
{
	return v->used_bytes + v->early_bytes > v->capacity_bytes;
}
