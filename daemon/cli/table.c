/* SPDX-License-Identifier: MIT */
/* Columns as wide as their widest cell: see table.h. */
#include "cli/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "log/log.h"

/* Characters, not bytes: the text is valid UTF-8. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void print_cell(FILE *to, const char *text, size_t wide, bool right, bool last)
{
	int pad = (int)(wide - width(text));

	if (right)
		fprintf(to, "%*s%s", pad, "", text);
	else
		fprintf(to, "%s%*s", text, last ? 0 : pad, "");
	fputs(last ? "\n" : "  ", to);
}

/* Cell (row, column) of @cells, row 0 being the titles. */
static char *cell_at(char *cells, const struct table *t, size_t row, size_t column)
{
	return cells + (row * t->n_columns + column) * TABLE_CELL_MAX;
}

static void fill(const struct table *t, const char *rows, size_t n, char *cells)
{
	char raw[TABLE_CELL_MAX];

	for (size_t c = 0; c < t->n_columns; c++) {
		snprintf(cell_at(cells, t, 0, c), TABLE_CELL_MAX, "%s", t->columns[c].title);
		for (size_t r = 0; r < n; r++) {
			const struct table_column *column = &t->columns[c];

			column->cell(rows + r * rows_info(t->kind)->row_bytes, column->field, raw,
				sizeof(raw));
			if (!log_escape(raw, cell_at(cells, t, r + 1, c), TABLE_CELL_MAX))
				strcpy(cell_at(cells, t, r + 1, c), "-");
		}
	}
}

int table_print(const struct table *table, const struct snapshot *snapshot, FILE *to)
{
	size_t n, wide[32] = { 0 };
	const char *rows = rows_of(snapshot, table->kind, &n);

	if (!n) {
		fprintf(to, "%s\n", table->empty);
		return 0;
	}
	AUTO_FREE char *cells = calloc((n + 1) * table->n_columns, TABLE_CELL_MAX);
	if (!cells || table->n_columns > ARRAY_SIZE(wide))
		return -ENOMEM;
	fill(table, rows, n, cells);
	for (size_t r = 0; r <= n; r++) {
		for (size_t c = 0; c < table->n_columns; c++)
			wide[c] = MAX(wide[c], width(cell_at(cells, table, r, c)));
	}
	for (size_t r = 0; r <= n; r++) {
		for (size_t c = 0; c < table->n_columns; c++)
			print_cell(to, cell_at(cells, table, r, c), wide[c],
				table->columns[c].right, c + 1 == table->n_columns);
	}
	return 0;
}
