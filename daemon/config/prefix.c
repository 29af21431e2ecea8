/* SPDX-License-Identifier: MIT */
/* Prefixes of IP addresses: see prefix.h. */
#include "config/prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"

#define MAPPED_BITS 96u /* RFC 4291 2.5.5.2: ::ffff:0:0/96 */

static const uint8_t MAPPED[12] = { [10] = 0xff, [11] = 0xff };

/* "[fd00::]/8" and "fd00::/8" cut into the address and the length, which may be missing (NULL). */
static bool split(char *text, char **ret_address, const char **ret_length, bool *ret_brackets)
{
	char *slash = strchr(text, '/');
	size_t n;

	if (slash)
		*slash++ = '\0';
	*ret_length = slash;
	*ret_address = text;
	n = strlen(text);
	*ret_brackets = text[0] == '[';
	if (!*ret_brackets)
		return true;
	if (n < 2 || text[n - 1] != ']')
		return false;
	text[n - 1] = '\0';
	*ret_address = text + 1;
	return true;
}

/* Decimal digits only: no sign, no 0x, nothing behind them. */
static bool take_length(const char *text, unsigned max, uint8_t *ret)
{
	uint64_t bits;

	if (!text[0] || strlen(text) > 3 || text[strspn(text, "0123456789")] ||
		parse_u64_range(text, 0, max, &bits) < 0)
		return false;
	*ret = (uint8_t)bits;
	return true;
}

static void clear_behind(struct prefix *p)
{
	for (unsigned i = p->bits; i < 128; i++)
		p->address[i / 8] &= (uint8_t)~(0x80 >> i % 8);
}

static void print(const struct prefix *p, char *text, size_t bytes)
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(p->v4 ? AF_INET : AF_INET6, p->address, address, sizeof(address));
	snprintf(text, bytes, "%s/%u", address, p->bits);
}

/* Whoever writes 10.1.2.3/8 may have meant 10.0.0.0/8, or 10.1.2.3: he is asked. */
static int check_behind(const struct prefix *p, const char *text, struct spt_error *error)
{
	struct prefix cleared = *p;
	char meant[INET6_ADDRSTRLEN + 4];

	clear_behind(&cleared);
	if (!memcmp(cleared.address, p->address, sizeof(p->address)))
		return 0;
	print(&cleared, meant, sizeof(meant));
	return spt_error_set(error, -EINVAL, "'%.60s' has bits behind its prefix; is %s meant?", text, meant);
}

static void unmap(struct prefix *p)
{
	if (p->v4 || p->bits < MAPPED_BITS || memcmp(p->address, MAPPED, sizeof(MAPPED)) != 0)
		return;
	memmove(p->address, p->address + 12, 4);
	memset(p->address + 4, 0, 12);
	p->bits = (uint8_t)(p->bits - MAPPED_BITS);
	p->v4 = true;
}

int prefix_parse(const char *text, struct prefix *ret, struct spt_error *error)
{
	char copy[INET6_ADDRSTRLEN + 8], *address;
	const char *length;
	struct prefix p = { .v4 = false };
	bool brackets;

	if (strlen(text) >= sizeof(copy))
		return spt_error_set(error, -EINVAL, "'%.60s...' is no address", text);
	strcpy(copy, text);
	if (!split(copy, &address, &length, &brackets))
		return spt_error_set(error, -EINVAL, "'%s': the ] is missing", text);
	p.v4 = !brackets && inet_pton(AF_INET, address, p.address) == 1;
	if (!p.v4 && inet_pton(AF_INET6, address, p.address) != 1)
		return spt_error_set(error, -EINVAL,
			"'%s' is no address in numbers, perhaps with the length of a prefix (10.0.0.0/8, "
			"fd00::/8)", text);
	p.bits = p.v4 ? 32 : 128;
	if (length && !take_length(length, p.bits, &p.bits))
		return spt_error_set(error, -EINVAL, "'%s': the length of the prefix is not a number up to %u", text,
			p.bits);
	int r = check_behind(&p, text, error);
	if (r < 0)
		return r;
	unmap(&p);
	*ret = p;
	return 0;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->v4 == b->v4 && a->bits == b->bits &&
		!memcmp(a->address, b->address, sizeof(a->address));
}

/* The peer as a prefix of all its bits; false: it has no IP address. */
static bool peer_address(const struct sockaddr *peer, struct prefix *ret)
{
	*ret = (struct prefix){ .v4 = peer->sa_family == AF_INET };
	if (ret->v4) {
		memcpy(ret->address, &((const struct sockaddr_in *)peer)->sin_addr, 4);
		ret->bits = 32;
		return true;
	}
	if (peer->sa_family != AF_INET6)
		return false;
	memcpy(ret->address, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
	ret->bits = 128;
	unmap(ret);
	return true;
}

bool prefix_match(const struct prefix *prefix, const struct sockaddr *peer)
{
	struct prefix p;

	if (!peer_address(peer, &p) || p.v4 != prefix->v4)
		return false;
	p.bits = prefix->bits;
	clear_behind(&p);
	return prefix_equal(&p, prefix);
}

bool prefixes_match(const struct prefixes *prefixes, const struct sockaddr *peer)
{
	for (size_t i = 0; i < prefixes->n; i++) {
		if (prefix_match(&prefixes->list[i], peer))
			return true;
	}
	return !prefixes->n;
}
