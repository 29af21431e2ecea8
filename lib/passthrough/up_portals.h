/* SPDX-License-Identifier: MIT */
/* The portals of an upstream target, the preferred first, and which is tried when. */
#ifndef PASSTHROUGH_UP_PORTALS_H
#define PASSTHROUGH_UP_PORTALS_H

#include "passthrough/up_url.h"

#define UP_PORTALS 16u

struct up_portals {
	struct up_address address[UP_PORTALS];
	size_t n;
};

/* Looks @host up and adds all its addresses (at most UP_ADDRESSES); may block. -EHOSTUNREACH, or
 * -E2BIG. @key: the option that it comes from. */
int up_portals_add(struct up_portals *portals, const char *key, const char *host, uint16_t port,
	struct spt_error *error);
/* "host[:port], [address]:port, ...": the same for each; -EINVAL, too. */
int up_portals_parse(struct up_portals *portals, const char *text, struct spt_error *error);

/*
 * The portal of attempt number @attempt since the session was lost that used portal @lost (an index;
 * n or more: none). A round tries each once: in their order, the one that was lost at last.
 */
size_t up_portals_pick(const struct up_portals *portals, size_t lost, unsigned attempt);

#endif
