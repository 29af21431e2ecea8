/* SPDX-License-Identifier: MIT */
/*
 * Strict parsing of what a person or a peer wrote: the whole text is the value or it is -EINVAL,
 * too large is -ERANGE, and the output is untouched on failure.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal, or hexadecimal after 0x or 0X; no sign, no blanks. */
int parse_u64(const char *text, uint64_t *ret);
/* The same, within [min, max]. */
int parse_u64_range(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
/* Bytes: a number and an optional K, M, G or T (powers of 1024; an i or iB or B may follow). */
int parse_size(const char *text, uint64_t *ret_bytes);
/* A number and a unit: us, ms, s, min, h. A bare number is seconds. */
int parse_duration(const char *text, uint64_t *ret_us);
/* yes/no, true/false, on/off, 1/0. */
int parse_bool(const char *text, bool *ret);

#endif
