/* SPDX-License-Identifier: MIT */
/*
 * What one measured interval gave: operations, their latencies and what they cost. Printed as one
 * line for people and as one JSON object for compare.py; both from the same numbers.
 */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "histogram.h"
#include "usage.h"

struct result {
	const char *work; /* "randread", "seqwrite", "tcp" ... */
	uint64_t block_bytes;
	unsigned queue_depth;
	unsigned sessions;
	unsigned threads;
	const char *digests;
	bool has_server;
	uint64_t login_ns; /* for all sessions, one after the other */
	uint64_t verified; /* operations whose data was compared */
	struct usage spent;
	struct histogram read;
	struct histogram write;
};

void result_print_line(const struct result *r, FILE *out);
void result_print_json(const struct result *r, FILE *out);
/* The line to stdout, and the JSON to @json_path ("-": instead of the line; NULL: none). -errno. */
int result_print(const struct result *r, const char *json_path);

#endif
