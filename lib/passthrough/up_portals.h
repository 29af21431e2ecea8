/* SPDX-License-Identifier: MIT */
/*
 * The portals of an upstream target, the preferred first, and which is tried when. They are written as
 * hosts, whose names may lead elsewhere tomorrow: what stands in the configuration is kept beside
 * what it led to.
 */
#ifndef PASSTHROUGH_UP_PORTALS_H
#define PASSTHROUGH_UP_PORTALS_H

#include "passthrough/up_url.h"

#define UP_PORTALS 16u

struct up_host {
	char name[256];
	uint16_t port;
	bool numeric;
	size_t n;
	struct up_address found[UP_ADDRESSES];
};

struct up_hosts {
	struct up_host list[UP_PORTALS];
	size_t n;
};

struct up_portals {
	struct up_address address[UP_PORTALS];
	size_t n;
};

/* Looks @host up; may block. -EHOSTUNREACH, or -E2BIG: more addresses than UP_PORTALS with those that
 * are there. @key: the option that it comes from. */
int up_hosts_add(struct up_hosts *hosts, const char *key, const char *host, uint16_t port,
	struct spt_error *error);
/* "host[:port], [address]:port, ...": the same for each; -EINVAL, too. */
int up_hosts_parse(struct up_hosts *hosts, const char *text, struct spt_error *error);
/* Is there a name among them? */
bool up_hosts_named(const struct up_hosts *hosts);
/* Looks the names up again; may block. One that leads nowhere at the moment keeps what it led to. */
void up_hosts_look(struct up_hosts *hosts);
/* All addresses in their order, as far as there is room; at least one. */
void up_hosts_portals(const struct up_hosts *hosts, struct up_portals *ret);

bool up_portals_equal(const struct up_portals *a, const struct up_portals *b);
/* "192.0.2.1:3260, [2001:db8::1]:3260", cut to fit. */
void up_portals_print(const struct up_portals *portals, char *text, size_t size);
/*
 * The portal of attempt number @attempt since the session was lost that used portal @lost (an index;
 * n or more: none). A round tries each once: in their order, the one that was lost at last.
 */
size_t up_portals_pick(const struct up_portals *portals, size_t lost, unsigned attempt);

#endif
