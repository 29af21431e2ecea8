/* SPDX-License-Identifier: MIT */
/* The hash functions of CHAP by the numbers that CHAP_A has for them (IANA, PPP authentication
 * algorithms; RFC 7143 12.1.3). */
#ifndef LOGIN_HASH_H
#define LOGIN_HASH_H

#include <stddef.h>
#include <stdint.h>

enum hash {
	HASH_MD5 = 5,
	HASH_SHA1 = 6,
	HASH_SHA256 = 7,
	HASH_SHA3_256 = 8,
};

#define HASH_BYTES_MAX 32u

struct hash_part {
	const void *data;
	size_t bytes;
};

/* 0: no such function. */
size_t hash_bytes(unsigned hash);
/* Of all parts one after the other, into @out (hash_bytes()). 0; -ENOTSUP: unknown, or switched off
 * in this system's library; -ENOMEM. */
int hash_compute(unsigned hash, const struct hash_part *parts, size_t n, uint8_t *out);

#endif
