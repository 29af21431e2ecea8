/* SPDX-License-Identifier: MIT */
/* The load generator's command line, parsed strictly; read-only afterwards. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum digests {
	DIGESTS_NONE,
	DIGESTS_HEADER,
	DIGESTS_BOTH,
};

struct options {
	const char *url;
	const char *initiator;
	const char *json_path;
	uint64_t block_bytes;
	uint64_t span_bytes; /* 0: the whole logical unit */
	uint64_t duration_us;
	uint64_t warmup_us;
	uint64_t timeout_s;
	uint64_t seed;
	uint64_t queue_depth;
	uint64_t sessions;
	uint64_t threads;
	uint64_t read_percent;
	uint64_t server_pid; /* 0: none */
	enum digests digests;
	bool sequential;
	bool fill;
	bool verify;
	bool help;
};

/* Says on stderr what is wrong and gives -EINVAL. */
int options_parse(int argc, char **argv, struct options *ret);
void options_help(void);
const char *digests_name(enum digests d);

#endif
