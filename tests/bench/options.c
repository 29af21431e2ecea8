/* SPDX-License-Identifier: MIT */
/*
 * One row an option: its name, what kind of value it takes, where that goes, its limits and its
 * help. The parser and the help text come from the same rows.
 */
#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"

enum kind {
	KIND_TEXT,
	KIND_NUMBER,
	KIND_SIZE,
	KIND_DURATION,
	KIND_DIGESTS,
	KIND_FLAG,
};

struct row {
	const char *name;
	enum kind kind;
	size_t at;
	uint64_t min;
	uint64_t max;
	const char *help;
};

#define AT(member) offsetof(struct options, member)
#define HOUR_US    (3600 * UINT64_C(1000000))

static const struct row ROWS[] = {
	{ "block", KIND_SIZE, AT(block_bytes), 512, 16 << 20, "bytes of one command (4K)" },
	{ "depth", KIND_NUMBER, AT(queue_depth), 1, 1024,
		"commands under way in each session (1)" },
	{ "sessions", KIND_NUMBER, AT(sessions), 1, 10000, "sessions, a connection each (1)" },
	{ "threads", KIND_NUMBER, AT(threads), 1, 64, "threads that share the sessions (1)" },
	{ "read", KIND_NUMBER, AT(read_percent), 0, 100, "per cent of reads (100)" },
	{ "sequential", KIND_FLAG, AT(sequential), 0, 0, "one after the other, not at random" },
	{ "duration", KIND_DURATION, AT(duration_us), 0, HOUR_US, "measured time (5s)" },
	{ "warmup", KIND_DURATION, AT(warmup_us), 0, HOUR_US, "unmeasured time before it (1s)" },
	{ "span", KIND_SIZE, AT(span_bytes), 512, UINT64_MAX,
		"use the first bytes of the LUN (all)" },
	{ "fill", KIND_FLAG, AT(fill), 0, 0, "write the whole span once before" },
	{ "verify", KIND_FLAG, AT(verify), 0, 0, "compare what is read with what was written" },
	{ "digests", KIND_DIGESTS, AT(digests), 0, 0, "none, header or both (none)" },
	{ "timeout", KIND_NUMBER, AT(timeout_s), 1, 3600,
		"seconds before a command has failed (30)" },
	{ "seed", KIND_NUMBER, AT(seed), 1, UINT64_MAX, "of addresses and data (1)" },
	{ "server-pid", KIND_NUMBER, AT(server_pid), 1, INT32_MAX,
		"count this process's CPU time" },
	{ "initiator", KIND_TEXT, AT(initiator), 0, 0, "initiator name" },
	{ "json", KIND_TEXT, AT(json_path), 0, 0, "write the result as JSON; - is stdout" },
	{ "help", KIND_FLAG, AT(help), 0, 0, "this text" },
};

static const char *const DIGESTS_NAMES[] = {
	[DIGESTS_NONE] = "none",
	[DIGESTS_HEADER] = "header",
	[DIGESTS_BOTH] = "both",
};

const char *digests_name(enum digests d)
{
	return DIGESTS_NAMES[d];
}

void options_help(void)
{
	puts("usage: load [OPTIONS] iscsi://HOST:PORT/TARGET/LUN");
	for (unsigned i = 0; i < ARRAY_SIZE(ROWS); i++)
		printf("  --%-11s %s%s\n", ROWS[i].name, ROWS[i].kind == KIND_FLAG ? "" : "VALUE  ",
			ROWS[i].help);
}

static int set_digests(const char *text, enum digests *ret)
{
	for (unsigned i = 0; i < ARRAY_SIZE(DIGESTS_NAMES); i++) {
		if (strcmp(text, DIGESTS_NAMES[i]))
			continue;
		*ret = i;
		return 0;
	}
	return -EINVAL;
}

static int set_number(const struct row *row, const char *text, uint64_t *ret)
{
	uint64_t v;
	int r;

	if (row->kind == KIND_SIZE)
		r = parse_size(text, &v);
	else if (row->kind == KIND_DURATION)
		r = parse_duration(text, &v);
	else
		r = parse_u64(text, &v);
	if (r < 0)
		return r;
	if (v < row->min || v > row->max)
		return -ERANGE;
	*ret = v;
	return 0;
}

static int set_value(const struct row *row, const char *text, struct options *o)
{
	void *at = (char *)o + row->at;

	switch (row->kind) {
	case KIND_TEXT:
		*(const char **)at = text;
		return 0;
	case KIND_DIGESTS:
		return set_digests(text, at);
	case KIND_FLAG:
		*(bool *)at = true;
		return 0;
	case KIND_NUMBER:
	case KIND_SIZE:
	case KIND_DURATION:
		return set_number(row, text, at);
	}
	return -EINVAL;
}

static const struct row *row_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ROWS); i++)
		if (!strcmp(ROWS[i].name, name))
			return &ROWS[i];
	return NULL;
}

static int wrong(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	return -EINVAL;
}

static int check(const struct options *o)
{
	if (o->help)
		return 0;
	if (!o->url)
		return wrong("URL", "missing (--help lists the options)");
	if (o->block_bytes % 512)
		return wrong("--block", "not a multiple of 512");
	if (o->threads > o->sessions)
		return wrong("--threads", "more threads than sessions");
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	struct options o = {
		.initiator = "iqn.2026-11.org.sptgt:bench",
		.block_bytes = 4096,
		.queue_depth = 1,
		.sessions = 1,
		.threads = 1,
		.read_percent = 100,
		.duration_us = 5000000,
		.warmup_us = 1000000,
		.timeout_s = 30,
		.seed = 1,
	};

	for (int i = 1; i < argc; i++) {
		const struct row *row;
		const char *text = NULL;

		if (strncmp(argv[i], "--", 2)) {
			if (o.url)
				return wrong(argv[i], "a second URL");
			o.url = argv[i];
			continue;
		}
		row = row_find(argv[i] + 2);
		if (!row)
			return wrong(argv[i], "no such option");
		if (row->kind != KIND_FLAG) {
			text = argv[++i];
			if (!text)
				return wrong(argv[i - 1], "wants a value");
		}
		if (set_value(row, text, &o) < 0)
			return wrong(argv[i], "not a value for this option, or out of its range");
	}
	if (check(&o) < 0)
		return -EINVAL;
	*ret = o;
	return 0;
}
