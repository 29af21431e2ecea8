/* SPDX-License-Identifier: MIT */
/*
 * A text that comes in one or several PDUs (C bit, RFC 7143 6.2), joined within a bound. It holds
 * memory only while there is something in it.
 */
#ifndef LOGIN_GATHER_H
#define LOGIN_GATHER_H

#include <stddef.h>

struct gather {
	char *data;
	size_t bytes;
	size_t limit_bytes;
};

static inline struct gather gather_init(size_t limit_bytes)
{
	return (struct gather){ .limit_bytes = limit_bytes };
}

/* 0, -ENOMEM, or -EMSGSIZE: over the limit. On failure nothing is added. */
int gather_add(struct gather *gather, const void *data, size_t bytes);
void gather_reset(struct gather *gather);

#endif
