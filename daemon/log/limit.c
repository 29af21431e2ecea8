/* SPDX-License-Identifier: MIT */
/* A bound for lines that a peer can cause: see limit.h. */
#include "log/limit.h"

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
