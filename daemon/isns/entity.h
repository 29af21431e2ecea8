/* SPDX-License-Identifier: MIT */
/*
 * What is registered: one network entity with its portals and its targets (RFC 4171 3). And the
 * requests that say so, each a whole PDU.
 */
#ifndef ISNS_ENTITY_H
#define ISNS_ENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isns/format.h"

/* A portal; an IPv4 address is ::ffff:a.b.c.d (RFC 4171 6.3.1). */
struct isns_portal {
	uint8_t address[16];
	uint16_t port;
	uint16_t tag;  /* of its portal group */
	bool any;      /* listens on every address: the one by which the server is reached stands for it */
	bool any_ipv4; /* of those, on IPv4 ones only */
	bool elsewhere; /* an address that others have for us (NAT): the server cannot ask there */
};

struct isns_node {
	const char *name;
	const char *alias;       /* NULL: none */
	const char *auth_method; /* "None" or "CHAP" */
	const size_t *portals;   /* indexes */
	size_t n_portals;
};

struct isns_entity {
	const char *id; /* the Entity Identifier */
	struct isns_portal *portals;
	size_t n_portals;
	struct isns_node *nodes;
	size_t n_nodes;
};

/* The portals as they are registered: known addresses, none twice. */
struct isns_endpoint {
	uint8_t address[16];
	uint16_t port;
	uint16_t tag;
	bool elsewhere;
	bool used; /* false: its address is not known, or it is an earlier one's again */
	size_t same; /* the endpoint that stands for it; its own index if used */
};

/* @own: the address that the server sees. @ret: entity->n_portals of them. How many are used. */
size_t isns_endpoints(const struct isns_entity *entity, const uint8_t *own,
	struct isns_endpoint *ret);

struct isns_registration {
	const struct isns_entity *entity;
	const struct isns_endpoint *endpoints;
	uint32_t period_s;     /* Registration Period asked for */
	uint32_t esi_s;        /* ESI Interval */
	uint16_t inquiry_port; /* where ESI and SCN come to; 0: nowhere */
	bool portal_groups;    /* the server takes them */
};

/*
 * DevAttrReg (RFC 4171 5.6.5.1): the entity, with its portals in the first message (@node 0), and
 * as many nodes from @node on as fit into a PDU. The number of the next one, or 0 with w->err set.
 */
size_t isns_put_register(struct writer *w, const struct isns_registration *r, size_t node,
	uint16_t transaction);
/* SCNReg (5.6.5.5) of one node. */
void isns_put_scn_register(struct writer *w, const struct isns_entity *entity, size_t node,
	uint16_t transaction);
/*
 * DevAttrQry (5.6.5.2) by one node for itself and its entity: it need not be in one discovery domain
 * with the others to see them.
 */
void isns_put_query(struct writer *w, const struct isns_entity *entity, size_t node,
	uint16_t transaction);
/* DevDereg (5.6.5.4) of the entity and all that belongs to it. */
void isns_put_deregister(struct writer *w, const struct isns_entity *entity, uint16_t transaction);

#endif
