/* SPDX-License-Identifier: MIT */
/*
 * A bound for lines that a peer can cause: so many in so long a time, and what was left out is counted and told
 * with the next line that is written.
 */
#ifndef LOG_LIMIT_H
#define LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_LIMIT_LINES 16u
#define LOG_LIMIT_US	10000000u
#define LOG_LIMIT_TEXT	48u

/* All zero at first. */
struct log_limit {
	uint64_t since_us;
	unsigned lines, left_out;
};

/* May a line be written at @now_us? *@ret_left_out: how many were not, since the last that was. */
bool log_limit_allows(struct log_limit *limit, uint64_t now_us, unsigned *ret_left_out);
/* The same, with what is to be said of those at the end of the line in @more, of LOG_LIMIT_TEXT: perhaps nothing. */
bool log_limit_line(struct log_limit *limit, uint64_t now_us, char *more);

#endif
