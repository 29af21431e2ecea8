/* SPDX-License-Identifier: MIT */
/* SendTargets: see discovery.h. */
#include "target/discovery.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "session/conn.h"
#include "session/session.h"
#include "target/generation.h"
#include "target/target.h"
#include "target/worker.h"

/* "[::1]:3260" -> "[::1]" */
static void host_of(const char *address, char *host, size_t bytes)
{
	const char *colon = strrchr(address, ':');
	size_t n = colon ? (size_t)(colon - address) : strlen(address);

	snprintf(host, bytes, "%.*s", (int)MIN(n, bytes - 1), address);
}

/*
 * RFC 7143 13.8: domainname:port,tag. A portal that listens on every address is reached, as far as
 * anybody can know, at the address that this connection came to.
 */
static void put_address(const struct conn *conn, const struct portal_address *l, struct key_writer *out)
{
	char host[CONN_ADDRESS_MAX], address[CONN_ADDRESS_MAX + 16];

	host_of(l->wildcard ? conn->local : l->text, host, sizeof(host));
	snprintf(address, sizeof(address), "%s:%u,%u", host, l->port, l->tag);
	key_put(out, "TargetAddress", address);
}

/* The addresses that the configuration has for this portal (RFC 7143 13.8). */
static void put_advertised(const struct config_portal *portal, struct key_writer *out)
{
	char address[CONN_ADDRESS_MAX + 16];

	for (size_t i = 0; i < portal->advertise.n; i++) {
		snprintf(address, sizeof(address), "%s,%u", portal->advertise.list[i].text, portal->tag);
		key_put(out, "TargetAddress", address);
	}
}

static void put_target(const struct conn *conn, const struct generation *g,
	const struct target *target, struct key_writer *out)
{
	key_put(out, "TargetName", target->config->name);
	for (size_t i = 0; i < g->n_addresses; i++) {
		const struct portal_address *l = &g->addresses[i];
		if (target_has_portal(target, l->portal_index) &&
			!g->config->portals[l->portal_index].advertise.n)
			put_address(conn, l, out);
	}
	for (size_t i = 0; i < target->config->n_portals; i++)
		put_advertised(&g->config->portals[target->config->portals[i]], out);
}

/* Appendix C: All in a discovery session; a name; or nothing, the session's own target. */
static bool asked_for(const struct conn *conn, const struct target *target, const char *value)
{
	bool discovery = conn->params.session_type == SESSION_DISCOVERY;

	if (!strcmp(value, "All"))
		return discovery;
	if (value[0] == '\0')
		return !discovery && name_equal(target->config->name, conn->params.target_name);
	return name_equal(target->config->name, value) &&
		(discovery || name_equal(value, conn->params.target_name));
}

void discovery_send_targets(struct conn *conn, const char *value, struct key_writer *out)
{
	const struct generation *g = worker_of(conn->env)->generation;
	const struct visitor visitor = { conn->params.initiator_name, &conn->remote.any };

	for (size_t i = 0; i < g->n_targets; i++) {
		const struct target *t = &g->targets[i];
		if (asked_for(conn, t, value) && target_visible(t, visitor))
			put_target(conn, g, t, out);
	}
}
