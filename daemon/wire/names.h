/* SPDX-License-Identifier: MIT */
/*
 * iSCSI names (RFC 7143 4.2.7): iqn., eui. and naa., up to 223 bytes of UTF-8. Names are compared
 * byte by byte after normalisation; ASCII capitals are folded (RFC 3722), and what RFC 3722
 * prohibits is refused. Other scripts are taken as they come: their sender has normalised them.
 */
#ifndef WIRE_NAMES_H
#define WIRE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define NAME_MAX_BYTES 223u

enum name_type {
	NAME_INVALID = 0,
	NAME_IQN,
	NAME_EUI,
	NAME_NAA,
};

/* Judges @bytes of @name as they are; capitals are allowed. */
enum name_type name_type(const char *name, size_t bytes);
/* The normal form of a valid name, terminated, into @ret of NAME_MAX_BYTES + 1. 0 or -EINVAL. */
int name_normalize(const char *name, size_t bytes, char *ret);
bool name_equal(const char *a, const char *b);
/*
 * An entry of an access list against a name: '*' is any number of any characters, '?' is one.
 * Capitals do not matter. Linear in time for any pattern with at most one '*', quadratic at worst.
 */
bool name_match(const char *pattern, const char *name);
/* May @pattern stand in an access list: a name, or characters of names with '*' and '?'? */
bool name_pattern_valid(const char *pattern);

#endif
