/* SPDX-License-Identifier: MIT */
/* Rows of a snapshot as a table for a person. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "control/fields.h"

#define TABLE_CELL_MAX 1024u

struct table_column {
	const char *title;
	/* What the cell holds, terminated; peers' text is made harmless later. */
	void (*cell)(const void *row, const char *field, char *text, size_t bytes);
	const char *field;
	bool right; /* numbers line up on the right */
};

struct table {
	enum rows_kind kind;
	const struct table_column *columns;
	size_t n_columns;
	const char *empty; /* said instead of a table without rows */
};

/* 0 or -ENOMEM. */
int table_print(const struct table *table, const struct snapshot *snapshot, FILE *to);

#endif
