/* SPDX-License-Identifier: MIT */
/*
 * Prefixes of IP addresses (CIDR), as access lists have them: 10.0.0.0/8, fd00::/8, [fd00::]/8, or one address.
 * An IPv4 address in an IPv6 one (::ffff:10.0.0.1) is that IPv4 address, in a list and of a peer.
 */
#ifndef CONFIG_PREFIX_H
#define CONFIG_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <spt/error.h>

struct prefix {
	uint8_t address[16]; /* IPv4: the first 4 */
	uint8_t bits;
	bool v4;
};

struct prefixes {
	struct prefix *list;
	size_t n;
};

/* -EINVAL with @error told: no address, a length that is none, bits set behind the prefix. */
int prefix_parse(const char *text, struct prefix *ret, struct spt_error *error);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
bool prefix_match(const struct prefix *prefix, const struct sockaddr *peer);
/* Is @peer in one of them? An empty list has everybody. */
bool prefixes_match(const struct prefixes *prefixes, const struct sockaddr *peer);

#endif
