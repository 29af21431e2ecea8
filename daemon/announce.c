/* SPDX-License-Identifier: MIT */
/* The daemon as an iSNS entity: see announce.h. */
#include "announce.h"

#include <arpa/inet.h>
#include <ctype.h>
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

static void set_id(struct announce *a, const struct config_daemon *d, const char *state_dir)
{
	char host[200] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		snprintf(host, sizeof(host), "localhost");
	/* Two daemons of one machine are two entities. */
	if (d->isns_entity)
		snprintf(a->id, sizeof(a->id), "%s", d->isns_entity);
	else
		snprintf(a->id, sizeof(a->id), "%s.sptgt-%016llx", host,
			(unsigned long long)identity_get(state_dir));
	/* RFC 4171 6.2.1: nameprep; of the characters that a machine's name may have it changes capital letters only */
	for (char *p = a->id; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	a->entity.id = a->id;
}

static int fill(struct announce *a, const struct server *server)
{
	const struct generation *g = a->generation;
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
	set_id(a, &c->daemon, server->state_dir);
	add_portals(a, g);
	for (size_t i = 0; i < g->n_targets; i++)
		add_node(a, &g->targets[i], a->indexes + i * n_portals);
	for (size_t i = 0; i < c->daemon.isns.n; i++)
		a->servers[i].text = c->daemon.isns.list[i];
	return 0;
}

/* What is to be told of the generation that is in use: NULL in @ret when that is nothing, or to nobody. */
static int make(struct server *server, struct announce **ret)
{
	struct generation *g = server->generation;

	*ret = NULL;
	if (!g->config->daemon.isns.n || !g->n_targets || !g->n_addresses)
		return 0;
	struct announce *a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->generation = generation_ref(g);
	int r = fill(a, server);
	if (r < 0 || !a->entity.n_nodes || !a->entity.n_portals)
		announce_free(a);
	else
		*ret = a;
	return r;
}

int announce_start(struct server *server, struct announce **ret)
{
	struct announce *a;
	int r = make(server, &a);

	*ret = NULL;
	if (!a)
		return r;
	const struct config_daemon *d = &a->generation->config->daemon;
	const struct isns_params params = {
		.entity = &a->entity,
		.servers = a->servers,
		.n_servers = d->isns.n,
		.period_s = (uint32_t)(d->isns_period_us / 1000000),
		.port = d->isns_port,
	};
	r = isns_client_new(loop_host(server->workers[0].loop), &params, &a->client);
	if (r < 0) {
		announce_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

static bool text_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool node_equal(const struct isns_node *a, const struct isns_node *b)
{
	return !strcmp(a->name, b->name) && text_equal(a->alias, b->alias) &&
		!strcmp(a->auth_method, b->auth_method) && a->n_portals == b->n_portals &&
		!memcmp(a->portals, b->portals, a->n_portals * sizeof(*a->portals));
}

static bool portal_equal(const struct isns_portal *a, const struct isns_portal *b)
{
	return !memcmp(a->address, b->address, sizeof(a->address)) && a->port == b->port &&
		a->tag == b->tag && a->any == b->any && a->any_ipv4 == b->any_ipv4 &&
		a->elsewhere == b->elsewhere;
}

static bool entity_equal(const struct isns_entity *a, const struct isns_entity *b)
{
	if (a->n_portals != b->n_portals || a->n_nodes != b->n_nodes || strcmp(a->id, b->id))
		return false;
	for (size_t i = 0; i < a->n_portals; i++) {
		if (!portal_equal(&a->portals[i], &b->portals[i]))
			return false;
	}
	for (size_t i = 0; i < a->n_nodes; i++) {
		if (!node_equal(&a->nodes[i], &b->nodes[i]))
			return false;
	}
	return true;
}

static bool asked_equal(const struct config_daemon *a, const struct config_daemon *b)
{
	if (a->isns.n != b->isns.n || a->isns_period_us != b->isns_period_us || a->isns_port != b->isns_port)
		return false;
	for (size_t i = 0; i < a->isns.n; i++) {
		if (strcmp(a->isns.list[i], b->isns.list[i]))
			return false;
	}
	return true;
}

static void release(struct announce *a)
{
	free(a->entity.portals);
	free(a->entity.nodes);
	free(a->of_portal);
	free(a->indexes);
	generation_unref(a->generation);
}

bool announce_keep(struct announce *a, struct server *server)
{
	struct announce *next;

	if (make(server, &next) < 0)
		return false;
	if (!a || !next || !entity_equal(&a->entity, &next->entity) ||
		!asked_equal(&a->generation->config->daemon, &next->generation->config->daemon)) {
		bool nothing = !a && !next;
		announce_free(next);
		return nothing;
	}
	/* The client looks at the same content; it is the new generation's now. */
	release(a);
	next->client = a->client;
	*a = *next;
	a->entity.id = a->id;
	free(next);
	return true;
}

void announce_stop(struct announce *a, void (*stopped)(void *arg), void *arg)
{
	if (a)
		isns_client_stop(a->client, stopped, arg);
	else
		stopped(arg);
}

void announce_free(struct announce *a)
{
	if (!a)
		return;
	isns_client_free(a->client);
	release(a);
	free(a);
}
