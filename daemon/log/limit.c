/* SPDX-License-Identifier: MIT */
/* A bound for lines that a peer can cause: see limit.h. */
#include "log/limit.h"

#include <stdio.h>

bool log_limit_allows(struct log_limit *l, uint64_t now_us, unsigned *ret_left_out)
{
	if (now_us - l->since_us >= LOG_LIMIT_US) {
		l->since_us = now_us;
		l->lines = 0;
	}
	if (l->lines >= LOG_LIMIT_LINES) {
		l->left_out++;
		return false;
	}
	l->lines++;
	*ret_left_out = l->left_out;
	l->left_out = 0;
	return true;
}

bool log_limit_line(struct log_limit *l, uint64_t now_us, char *more)
{
	unsigned left_out;

	if (!log_limit_allows(l, now_us, &left_out))
		return false;
	*more = 0;
	if (left_out)
		snprintf(more, LOG_LIMIT_TEXT, "; %u before it are not shown", left_out);
	return true;
}
