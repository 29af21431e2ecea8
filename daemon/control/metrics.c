/* SPDX-License-Identifier: MIT */
/*
 * Metrics of targets, logical units and sessions are rows of a table here, over the fields of
 * their snapshots; everything else comes as named counters from those who count.
 */
#include "control/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "control/fields.h"

struct metric {
	const char *name; /* without "sptgt_" */
	enum rows_kind kind;
	const char *field;
	bool gauge;
	const char *labels[4]; /* fields of the same row */
	const char *help;
};

#define SESSION_LABELS { "id", "initiator", "target", "peer" }

static const struct metric METRICS[] = {
	{ "target_sessions", ROWS_TARGETS, "sessions", true, { "name" }, "Sessions of the target" },
	{ "target_luns", ROWS_TARGETS, "luns", true, { "name" }, "Logical units of the target" },
	{ "lun_fenced", ROWS_LUNS, "fenced", true, { "target", "lun", "device" },
		"1: the device kept an aborted command and is cut off" },
	{ "lun_block_bytes", ROWS_LUNS, "block_bytes", true, { "target", "lun", "device" },
		"Size of a logical block, 0 for what has none" },
	{ "lun_blocks", ROWS_LUNS, "blocks", true, { "target", "lun", "device" },
		"Logical blocks" },
	{ "session_commands_total", ROWS_SESSIONS, "commands", false, SESSION_LABELS,
		"SCSI commands received" },
	{ "session_in_bytes_total", ROWS_SESSIONS, "bytes_in", false, SESSION_LABELS,
		"Payload sent to the initiator" },
	{ "session_out_bytes_total", ROWS_SESSIONS, "bytes_out", false, SESSION_LABELS,
		"Payload received from the initiator" },
	{ "session_tasks", ROWS_SESSIONS, "tasks", true, SESSION_LABELS, "Tasks outstanding" },
	{ "session_login_time_seconds", ROWS_SESSIONS, "login_time", true, SESSION_LABELS,
		"When the session began, since 1970" },
};

/* In label values a backslash, a quote and a line end are escaped. */
static void write_label(FILE *to, const char *name, const char *value)
{
	fprintf(to, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", to);
		else if (*value == '\\' || *value == '"')
			fprintf(to, "\\%c", *value);
		else
			fputc(*value, to);
	}
	fputc('"', to);
}

static void write_head(FILE *to, const char *name, const char *help, bool gauge)
{
	fprintf(to, "# HELP sptgt_%s %s.\n# TYPE sptgt_%s %s\n", name, help, name,
		gauge ? "gauge" : "counter");
}

static void write_row_labels(FILE *to, const struct metric *m, const void *row)
{
	char number[24];

	for (size_t i = 0; i < ARRAY_SIZE(m->labels) && m->labels[i]; i++) {
		const struct field *field = rows_field(m->kind, m->labels[i]);
		const char *value = number;

		if (field->type == FIELD_TEXT)
			value = field_text(field, row);
		else
			snprintf(number, sizeof(number), "%" PRIu64, field_number(field, row));
		fputc(i ? ',' : '{', to);
		write_label(to, field->name, value);
	}
	fputc('}', to);
}

static void write_metric(FILE *to, const struct metric *m, const struct snapshot *snapshot)
{
	const struct field *field = rows_field(m->kind, m->field);
	size_t n;
	const char *row = rows_of(snapshot, m->kind, &n);

	if (n)
		write_head(to, m->name, m->help, m->gauge);
	for (; n; n--, row += rows_info(m->kind)->row_bytes) {
		fprintf(to, "sptgt_%s", m->name);
		write_row_labels(to, m, row);
		fprintf(to, " %" PRIu64 "\n", field_number(field, row));
	}
}

static void write_counters(FILE *to, const struct snapshot *snapshot)
{
	const char *last = "";

	for (size_t i = 0; i < snapshot->n_counters; i++) {
		const struct snapshot_counter *c = &snapshot->counters[i];

		if (strcmp(last, c->name))
			write_head(to, c->name, c->help, c->gauge);
		last = c->name;
		fprintf(to, "sptgt_%s", c->name);
		if (*c->label) {
			fputc('{', to);
			write_label(to, c->label, c->label_value);
			fputc('}', to);
		}
		fprintf(to, " %" PRIu64 "\n", c->value);
	}
}

char *metrics_write(const struct snapshot *snapshot)
{
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	if (!to)
		return NULL;
	write_head(to, "build_info", "The version that runs", true);
	fputs("sptgt_build_info{version=\"" SPTGT_VERSION "\"} 1\n", to);
	write_counters(to, snapshot);
	for (size_t i = 0; i < ARRAY_SIZE(METRICS); i++)
		write_metric(to, &METRICS[i], snapshot);
	if (ferror(to) | fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}
