/* SPDX-License-Identifier: MIT */
/* The listening sockets of a configuration: see listening.h. */
#include "target/listening.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"

/* Zeroed: no address was configured for it. */
static const struct config_address NO_ADDRESS;

static struct listener *put(struct listening *to, struct listener *l, size_t portal_index, bool fresh)
{
	to->slots[to->n++] = (struct listening_slot){ l, portal_index, fresh };
	return l;
}

static struct listener *put_fresh(struct listening *to, const struct config *config, size_t portal,
	const struct config_address *address)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->watch.fd = -1;
	l->configured = *address;
	l->portal.name = config->portals[portal].name;
	return put(to, l, portal, true);
}

static bool is_taken(const struct listening *by, const struct listener *l)
{
	for (size_t i = 0; i < by->n; i++) {
		if (by->slots[i].listener == l)
			return true;
	}
	return false;
}

/* Those that the service manager has opened for the portal of this name. */
static bool keep_handed(struct listening *to, const struct listening *open,
	const struct config *config, size_t portal)
{
	bool any = false;

	for (size_t i = 0; open && i < open->n; i++) {
		struct listener *l = open->slots[i].listener;
		if (l->configured.bytes || strcmp(l->portal.name, config->portals[portal].name))
			continue;
		put(to, l, portal, false);
		any = true;
	}
	return any;
}

static struct listener *find_open(const struct listening *to, const struct listening *open,
	const struct config_address *address)
{
	for (size_t i = 0; open && i < open->n; i++) {
		struct listener *l = open->slots[i].listener;
		if (l->configured.bytes == address->bytes && !is_taken(to, l) &&
			!memcmp(&l->configured.sockaddr, &address->sockaddr, address->bytes))
			return l;
	}
	return NULL;
}

/* A portal's own addresses, unless the service manager has opened its sockets for us. */
static int make_portal(struct listening *to, const struct config *config, size_t portal,
	const struct listening *open, struct spt_error *error)
{
	const struct config_portal *p = &config->portals[portal];

	for (size_t i = 0; i < p->listen.n; i++) {
		const struct config_address *a = &p->listen.list[i];
		struct listener *l = find_open(to, open, a);
		if (l) {
			put(to, l, portal, false);
			continue;
		}
		l = put_fresh(to, config, portal, a);
		if (!l)
			return spt_error_set(error, -ENOMEM, "out of memory");
		int r = listener_open(l, a, error);
		if (r < 0)
			return r;
	}
	return 0;
}

static int adopt(struct listening *to, const struct config *config, size_t portal,
	const struct server_socket *socket, struct spt_error *error)
{
	struct listener *l = put_fresh(to, config, portal, &NO_ADDRESS);
	int r = l ? listener_adopt(l, socket->fd) : -ENOMEM;

	if (r < 0)
		return spt_error_set(error, r, "portal %s: the socket handed over is no TCP socket",
			config->portals[portal].name);
	return 0;
}

static int fill(struct listening *to, const struct config *config, const struct listening *open,
	const struct server_socket *sockets, size_t n_sockets, struct spt_error *error)
{
	for (size_t p = 0; p < config->n_portals; p++) {
		bool handed = keep_handed(to, open, config, p);
		int r = 0;
		for (size_t i = 0; i < n_sockets && !r; i++) {
			/* With one portal there is no question whose they are. */
			if (config->n_portals > 1 && strcmp(sockets[i].name, config->portals[p].name))
				continue;
			r = adopt(to, config, p, &sockets[i], error);
			handed = true;
		}
		if (!r && !handed)
			r = make_portal(to, config, p, open, error);
		if (r < 0)
			return r;
	}
	return 0;
}

int listening_make(const struct config *config, const struct listening *open,
	const struct server_socket *sockets, size_t n_sockets, struct spt_error *error,
	struct listening *ret)
{
	struct listening l = { .n = 0 };
	size_t n = n_sockets + (open ? open->n : 0);

	for (size_t i = 0; i < config->n_portals; i++)
		n += config->portals[i].listen.n;
	l.slots = calloc(n + 1, sizeof(*l.slots));
	if (!l.slots)
		return spt_error_set(error, -ENOMEM, "out of memory");
	int r = fill(&l, config, open, sockets, n_sockets, error);
	if (r < 0) {
		listening_discard(&l);
		return r;
	}
	*ret = l;
	return 0;
}

int listening_tell(const struct listening *listening, struct generation *g)
{
	g->addresses = calloc(listening->n + 1, sizeof(*g->addresses));
	if (!g->addresses)
		return -ENOMEM;
	for (size_t i = 0; i < listening->n; i++) {
		const struct listening_slot *slot = &listening->slots[i];
		const struct listener *l = slot->listener;
		struct portal_address *a = &g->addresses[g->n_addresses++];
		socklen_t bytes = sizeof(a->bound);

		a->portal_index = slot->portal_index;
		a->tag = g->config->portals[slot->portal_index].tag;
		a->wildcard = l->wildcard;
		a->port = l->port;
		memcpy(a->text, l->text, sizeof(a->text));
		if (getsockname(l->watch.fd, (struct sockaddr *)&a->bound, &bytes) < 0)
			a->bound.ss_family = AF_UNSPEC;
	}
	return 0;
}

static void close_some(struct listening *l, bool fresh_only)
{
	for (size_t i = 0; i < l->n; i++) {
		if (fresh_only && !l->slots[i].fresh)
			continue;
		listener_close(l->slots[i].listener);
		free(l->slots[i].listener);
	}
	free(l->slots);
	*l = (struct listening){ 0 };
}

void listening_discard(struct listening *l)
{
	close_some(l, true);
}

void listening_close(struct listening *l)
{
	close_some(l, false);
}
