/* SPDX-License-Identifier: MIT */
/* The daemon as an iSNS entity: see announce.h. */
#include "announce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "isns/client.h"
#include "target/identity.h"
#include "target/server.h"
#include "target/target.h"
#include "target/worker.h"

struct announce {
	struct generation *generation; /* a reference: names are its */
	struct isns_client *client;
	struct isns_entity entity;
	struct isns_server servers[ISNS_SERVERS_MAX];
	size_t *of_portal; /* of each portal of the entity: the index of the configuration's */
	size_t *indexes;   /* what the nodes' portals point into */
	char id[ISNS_TEXT_MAX + 1];
};

_Static_assert(CONFIG_ISNS_MAX == ISNS_SERVERS_MAX, "each server has its place");

static void set_address(struct isns_portal *p, const struct sockaddr *address)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;

	if (address->sa_family == AF_INET6) {
		memcpy(p->address, &in6->sin6_addr, sizeof(p->address));
		p->port = ntohs(in6->sin6_port);
		return;
	}
	memset(p->address, 0, sizeof(p->address));
	memset(p->address + 10, 0xff, 2);
	memcpy(p->address + 12, &in->sin_addr, 4);
	p->port = ntohs(in->sin_port);
}

static struct isns_portal *add_portal(struct announce *a, size_t portal, uint16_t tag)
{
	struct isns_portal *p = &a->entity.portals[a->entity.n_portals];

	a->of_portal[a->entity.n_portals++] = portal;
	p->tag = tag;
	return p;
}

static void add_listener(struct announce *a, const struct portal_address *from)
{
	if (from->bound.ss_family == AF_UNSPEC)
		return;
	struct isns_portal *p = add_portal(a, from->portal_index, from->tag);
	set_address(p, (const struct sockaddr *)&from->bound);
	p->any = from->wildcard;
	p->any_ipv4 = from->bound.ss_family == AF_INET;
}

/* As discovery tells them (target/): what is advertised stands for what is listened on. */
static void add_portals(struct announce *a, const struct generation *g)
{
	const struct config *c = g->config;

	for (size_t i = 0; i < g->n_addresses; i++) {
		if (!c->portals[g->addresses[i].portal_index].advertise.n)
			add_listener(a, &g->addresses[i]);
	}
	for (size_t i = 0; i < c->n_portals; i++) {
		const struct config_portal *from = &c->portals[i];

		for (size_t k = 0; k < from->advertise.n; k++) {
			struct isns_portal *p = add_portal(a, i, from->tag);
			set_address(p, (const struct sockaddr *)&from->advertise.list[k].sockaddr);
			p->elsewhere = true;
		}
	}
}

static void add_node(struct announce *a, const struct target *target, size_t *indexes)
{
	struct isns_node *node = &a->entity.nodes[a->entity.n_nodes];

	if (target->config->state == CONFIG_STATE_REMOVED)
		return;
	*node = (struct isns_node){
		.name = target->config->name,
		.alias = target->config->alias,
		.auth_method = target->config->auth.chap ? "CHAP" : "None",
		.portals = indexes,
	};
	for (size_t i = 0; i < a->entity.n_portals; i++) {
		if (target_has_portal(target, a->of_portal[i]))
			indexes[node->n_portals++] = i;
	}
	a->entity.n_nodes++;
}

static void set_id(struct announce *a, const struct config_daemon *d)
{
	char host[200] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		snprintf(host, sizeof(host), "localhost");
	/* Two daemons of one machine are two entities. */
	if (d->isns_entity)
		snprintf(a->id, sizeof(a->id), "%s", d->isns_entity);
	else
		snprintf(a->id, sizeof(a->id), "%s.sptgt-%016llx", host,
			(unsigned long long)identity_get(d->state_dir));
	a->entity.id = a->id;
}

static int fill(struct announce *a, const struct generation *g)
{
	const struct config *c = g->config;
	size_t n_portals = g->n_addresses;

	for (size_t i = 0; i < c->n_portals; i++)
		n_portals += c->portals[i].advertise.n;
	a->entity.portals = calloc(n_portals, sizeof(*a->entity.portals));
	a->entity.nodes = calloc(g->n_targets, sizeof(*a->entity.nodes));
	a->of_portal = calloc(n_portals, sizeof(*a->of_portal));
	a->indexes = calloc(n_portals * g->n_targets, sizeof(*a->indexes));
	if (!a->entity.portals || !a->entity.nodes || !a->of_portal || !a->indexes)
		return -ENOMEM;
	set_id(a, &c->daemon);
	add_portals(a, g);
	for (size_t i = 0; i < g->n_targets; i++)
		add_node(a, &g->targets[i], a->indexes + i * n_portals);
	for (size_t i = 0; i < c->daemon.isns.n; i++) {
		const struct config_address *from = &c->daemon.isns.list[i];

		a->servers[i] = (struct isns_server){ from->sockaddr, from->bytes, from->text };
	}
	return 0;
}

int announce_start(struct server *server, struct announce **ret)
{
	struct generation *g = server->generation;
	const struct config_daemon *d = &g->config->daemon;

	*ret = NULL;
	if (!d->isns.n || !g->n_targets || !g->n_addresses)
		return 0;
	struct announce *a = calloc(1, sizeof(*a));
	if (a)
		a->generation = generation_ref(g);
	int r = a ? fill(a, g) : -ENOMEM;
	const struct isns_params params = {
		.entity = a ? &a->entity : NULL,
		.servers = a ? a->servers : NULL,
		.n_servers = d->isns.n,
		.period_s = (uint32_t)(d->isns_period_us / 1000000),
		.port = d->isns_port,
	};
	if (!r && a->entity.n_nodes && a->entity.n_portals)
		r = isns_client_new(loop_host(server->workers[0].loop), &params, &a->client);
	if (r < 0) {
		announce_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

void announce_stop(struct announce *a, void (*stopped)(void *arg), void *arg)
{
	if (a && a->client)
		isns_client_stop(a->client, stopped, arg);
	else
		stopped(arg);
}

void announce_free(struct announce *a)
{
	if (!a)
		return;
	isns_client_free(a->client);
	free(a->entity.portals);
	free(a->entity.nodes);
	free(a->of_portal);
	free(a->indexes);
	generation_unref(a->generation);
	free(a);
}
