/* SPDX-License-Identifier: MIT */
/* Upstream portals: see up_portals.h. */
#include "passthrough/up_portals.h"

#include <errno.h>
#include <string.h>

int up_portals_add(struct up_portals *p, const char *key, const char *host, uint16_t port,
	struct spt_error *error)
{
	struct up_address found[UP_ADDRESSES];
	size_t n = 0;

	int r = up_resolve(key, host, port, found, &n, error);
	if (r < 0)
		return r;
	if (n > UP_PORTALS - p->n)
		return spt_error_set(error, -E2BIG, "%s: more than %u addresses", key, UP_PORTALS);
	memcpy(p->address + p->n, found, n * sizeof(*found));
	p->n += n;
	return 0;
}

int up_portals_parse(struct up_portals *p, const char *text, struct spt_error *error)
{
	static const char blanks[] = " \t";
	char host[256];
	uint16_t port;

	for (;;) {
		text += strspn(text, blanks);
		size_t all = strcspn(text, ","), bytes = all;
		while (bytes && strchr(blanks, text[bytes - 1]))
			bytes--;
		if (up_portal_parse(text, bytes, host, sizeof(host), &port) < 0)
			return spt_error_set(error, -EINVAL,
				"portals: '%.*s' is not written host[:port] or [address][:port]",
				(int)(bytes < 200 ? bytes : 200), text);
		int r = up_portals_add(p, "portals", host, port, error);
		if (r < 0)
			return r;
		if (!text[all])
			return 0;
		text += all + 1;
	}
}

size_t up_portals_pick(const struct up_portals *p, size_t lost, unsigned attempt)
{
	size_t at = attempt % p->n;

	if (lost >= p->n)
		return at;
	if (at + 1 == p->n)
		return lost;
	return at < lost ? at : at + 1;
}
