/* SPDX-License-Identifier: MIT */
/*
 * Serial numbers (RFC 1982 arithmetic over 32 bits), the ordering of CmdSN, StatSN and DataSN
 * (RFC 7143 4.2.2). A type, not an integer, so that nobody compares two of them with '<'.
 */
#ifndef BASE_SN_H
#define BASE_SN_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint32_t v;
} sn_t;

static inline sn_t sn(uint32_t v)
{
	return (sn_t){ v };
}

static inline bool sn_eq(sn_t a, sn_t b)
{
	return a.v == b.v;
}

static inline bool sn_lt(sn_t a, sn_t b)
{
	return (int32_t)(a.v - b.v) < 0;
}

static inline bool sn_le(sn_t a, sn_t b)
{
	return !sn_lt(b, a);
}

static inline sn_t sn_add(sn_t a, uint32_t n)
{
	return sn(a.v + n);
}

/* How far @a is ahead of @b; negative when behind. */
static inline int32_t sn_diff(sn_t a, sn_t b)
{
	return (int32_t)(a.v - b.v);
}

#endif
