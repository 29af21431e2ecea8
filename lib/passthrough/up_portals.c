/* SPDX-License-Identifier: MIT */
/* Upstream portals: see up_portals.h. */
#include "passthrough/up_portals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static size_t addresses(const struct up_hosts *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += h->list[i].n;
	return n;
}

int up_hosts_add(struct up_hosts *h, const char *key, const char *name, uint16_t port,
	struct spt_error *error)
{
	struct up_host host = { .port = port, .numeric = up_is_numeric(name) };

	snprintf(host.name, sizeof(host.name), "%s", name);
	int r = up_resolve(key, name, port, host.found, &host.n, error);
	if (r < 0)
		return r;
	if (h->n == UP_PORTALS || host.n > UP_PORTALS - addresses(h))
		return spt_error_set(error, -E2BIG, "%s: more than %u addresses", key, UP_PORTALS);
	h->list[h->n++] = host;
	return 0;
}

int up_hosts_parse(struct up_hosts *h, const char *text, struct spt_error *error)
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
		int r = up_hosts_add(h, "portals", host, port, error);
		if (r < 0)
			return r;
		if (!text[all])
			return 0;
		text += all + 1;
	}
}

bool up_hosts_named(const struct up_hosts *h)
{
	for (size_t i = 0; i < h->n; i++) {
		if (!h->list[i].numeric)
			return true;
	}
	return false;
}

void up_hosts_look(struct up_hosts *h)
{
	for (size_t i = 0; i < h->n; i++) {
		struct up_host *host = &h->list[i];
		struct up_address found[UP_ADDRESSES];
		size_t n;
		if (host->numeric || up_resolve("", host->name, host->port, found, &n, NULL) < 0)
			continue;
		memcpy(host->found, found, n * sizeof(*found));
		host->n = n;
	}
}

void up_hosts_portals(const struct up_hosts *h, struct up_portals *ret)
{
	*ret = (struct up_portals){ .n = 0 };
	for (size_t i = 0; i < h->n; i++) {
		for (size_t k = 0; k < h->list[i].n && ret->n < UP_PORTALS; k++)
			ret->address[ret->n++] = h->list[i].found[k];
	}
}

bool up_portals_equal(const struct up_portals *a, const struct up_portals *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		if (strcmp(a->address[i].text, b->address[i].text) != 0)
			return false;
	}
	return a->n == b->n;
}

void up_portals_print(const struct up_portals *p, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < p->n && used < size; i++) {
		int n = snprintf(text + used, size - used, "%s%s", i ? ", " : "", p->address[i].text);
		used += n > 0 ? (size_t)n : 0;
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
