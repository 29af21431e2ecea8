/* SPDX-License-Identifier: MIT */
/*
 * The fields of a snapshot's rows, one row each: what JSON calls them, what they hold and where.
 * Written and read JSON, metrics and the tables of sptgtctl all go by these.
 */
#ifndef CONTROL_FIELDS_H
#define CONTROL_FIELDS_H

#include "control/snapshot.h"

enum field_type {
	FIELD_TEXT,
	FIELD_U32,
	FIELD_U64,
	FIELD_I64,
	FIELD_BOOL,
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset, bytes;
};

enum rows_kind {
	ROWS_TARGETS,
	ROWS_LUNS,
	ROWS_SESSIONS,
	ROWS_COUNTERS,
	ROWS_LAYERS,
	ROWS_KINDS,
};

struct rows_info {
	const char *name; /* "targets" */
	const struct field *fields;
	size_t n_fields;
	size_t row_bytes;
};

const struct rows_info *rows_info(enum rows_kind kind);
/* The field called @name, or NULL. */
const struct field *rows_field(enum rows_kind kind, const char *name);
/* Row 0 of @kind, the others follow at row_bytes. */
const void *rows_of(const struct snapshot *snapshot, enum rows_kind kind, size_t *ret_n);
/* A new row, or NULL: out of memory. */
void *rows_add(struct snapshot *snapshot, enum rows_kind kind);

/* The fields of a struct snapshot_request, all of them texts. */
const struct rows_info *request_info(void);

/* A field that is a number or a switch, as a number. */
uint64_t field_number(const struct field *field, const void *row);
const char *field_text(const struct field *field, const void *row);

#endif
