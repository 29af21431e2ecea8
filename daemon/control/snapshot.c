/* SPDX-License-Identifier: MIT */
/* Rows that grow: see snapshot.h. */
#include "control/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *add(void **rows, size_t *n, size_t *room, size_t bytes)
{
	if (*n == *room) {
		size_t more = *room ? 2 * *room : 8;
		void *grown = reallocarray(*rows, more, bytes);

		if (!grown)
			return NULL;
		*rows = grown;
		*room = more;
	}
	return memset((char *)*rows + (*n)++ * bytes, 0, bytes);
}

#define ADD(s, kind) \
	add((void **)&(s)->kind, &(s)->n_##kind, &(s)->room_##kind, sizeof(*(s)->kind))

struct snapshot_target *snapshot_add_target(struct snapshot *snapshot)
{
	return ADD(snapshot, targets);
}

struct snapshot_lun *snapshot_add_lun(struct snapshot *snapshot)
{
	return ADD(snapshot, luns);
}

struct snapshot_session *snapshot_add_session(struct snapshot *snapshot)
{
	return ADD(snapshot, sessions);
}

struct snapshot_counter *snapshot_add_counter(struct snapshot *snapshot)
{
	return ADD(snapshot, counters);
}

struct snapshot_layer *snapshot_add_layer(struct snapshot *snapshot)
{
	return ADD(snapshot, layers);
}

void snapshot_text(char *field, size_t field_bytes, const char *text)
{
	size_t n = text ? strnlen(text, field_bytes - 1) : 0;

	/* Not through the middle of a UTF-8 character. */
	while (n && text[n] && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	if (n)
		memcpy(field, text, n);
	memset(field + n, 0, field_bytes - n);
}

int snapshot_count(struct snapshot *snapshot, const char *name, const char *help, bool gauge,
	const char *label, const char *label_value, uint64_t value)
{
	struct snapshot_counter *c = snapshot_add_counter(snapshot);

	if (!c)
		return -ENOMEM;
	snapshot_text(c->name, sizeof(c->name), name);
	snapshot_text(c->help, sizeof(c->help), help);
	snapshot_text(c->label, sizeof(c->label), label);
	snapshot_text(c->label_value, sizeof(c->label_value), label_value);
	c->gauge = gauge;
	c->value = value;
	return 0;
}

void snapshot_report(struct snapshot *snapshot, const char *line)
{
	size_t old = snapshot->report ? strlen(snapshot->report) : 0, bytes = strlen(line);
	char *more = realloc(snapshot->report, old + bytes + 2);

	if (!more)
		return;
	memcpy(more + old, line, bytes);
	memcpy(more + old + bytes, "\n", 2);
	snapshot->report = more;
}

void snapshot_deinit(struct snapshot *snapshot)
{
	free(snapshot->report);
	free(snapshot->targets);
	free(snapshot->luns);
	free(snapshot->sessions);
	free(snapshot->counters);
	free(snapshot->layers);
	memset(snapshot, 0, sizeof(*snapshot));
}
