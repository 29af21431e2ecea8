/* SPDX-License-Identifier: MIT */
/* The requests of an iSNS client: see entity.h. */
#include "isns/entity.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

/* How full a message may become before the rest of the nodes goes into the next one. */
#define MESSAGE_BYTES 32768u

static const uint8_t MAPPED[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_ipv4(const uint8_t *address)
{
	return !memcmp(address, MAPPED, sizeof(MAPPED));
}

size_t isns_endpoints(const struct isns_entity *entity, const uint8_t *own,
	struct isns_endpoint *ret)
{
	size_t used = 0;

	for (size_t i = 0; i < entity->n_portals; i++) {
		const struct isns_portal *p = &entity->portals[i];
		struct isns_endpoint *e = &ret[i];

		*e = (struct isns_endpoint){ .port = p->port, .tag = p->tag,
			.elsewhere = p->elsewhere, .same = i };
		memcpy(e->address, p->any ? own : p->address, sizeof(e->address));
		e->used = !p->any || !p->any_ipv4 || is_ipv4(own);
		for (size_t k = 0; k < i && e->used; k++) {
			if (!ret[k].used || ret[k].port != e->port ||
				memcmp(ret[k].address, e->address, sizeof(e->address)))
				continue;
			e->used = false;
			e->same = k;
		}
		used += e->used;
	}
	return used;
}

static void start(struct writer *w)
{
	wr_zero(w, ISNS_HEADER_BYTES);
}

static void finish(struct writer *w, uint16_t function, uint16_t flags, uint16_t transaction)
{
	/* RFC 4171 5.1.6, 5.2: each message is one PDU, the first and last of it, number 0 */
	const struct isns_header h = {
		.function = function,
		.flags = ISNS_FROM_CLIENT | ISNS_FIRST | ISNS_LAST | flags,
		.transaction = transaction,
	};

	isns_header_put(w, &h);
}

/* RFC 4171 5.6.1: who asks; any of the entity's nodes may. */
static void put_source(struct writer *w, const struct isns_entity *entity)
{
	isns_put_text(w, ISNS_TAG_NODE_NAME, entity->nodes[0].name);
}

static void put_portal(struct writer *w, const struct isns_registration *r,
	const struct isns_endpoint *e)
{
	isns_put(w, ISNS_TAG_PORTAL_ADDRESS, e->address, sizeof(e->address));
	/* RFC 4171 6.3.2: bit 15 is 0 for TCP */
	isns_put_number(w, ISNS_TAG_PORTAL_PORT, e->port);
	if (!r->inquiry_port || e->elsewhere)
		return;
	/* RFC 4171 6.3.5, 6.3.7: TCP ports, where servers are let in */
	isns_put_number(w, ISNS_TAG_ESI_INTERVAL, r->esi_s);
	isns_put_number(w, ISNS_TAG_ESI_PORT, r->inquiry_port);
	isns_put_number(w, ISNS_TAG_SCN_PORT, r->inquiry_port);
}

static bool reached_by(const struct isns_registration *r, const struct isns_node *node,
	size_t endpoint, uint16_t *ret_tag)
{
	for (size_t i = 0; i < node->n_portals; i++) {
		const struct isns_endpoint *e = &r->endpoints[node->portals[i]];

		if (e->same != endpoint || !r->endpoints[endpoint].used)
			continue;
		*ret_tag = e->tag;
		return true;
	}
	return false;
}

/*
 * RFC 4171 5.6.4, 5.6.5.1: keys before what belongs to them, and what is contained behind what contains it. A PG
 * object for each portal of the entity; where a node is not reached its tag is null, because one that is left
 * out would be 1.
 */
static void put_portal_groups(struct writer *w, const struct isns_registration *r,
	const struct isns_node *node)
{
	for (size_t i = 0; i < r->entity->n_portals; i++) {
		const struct isns_endpoint *e = &r->endpoints[i];
		uint16_t tag;

		if (!e->used)
			continue;
		if (reached_by(r, node, i, &tag))
			isns_put_number(w, ISNS_TAG_PG_TAG, tag);
		else
			isns_put_nothing(w, ISNS_TAG_PG_TAG);
		isns_put(w, ISNS_TAG_PG_ADDRESS, e->address, sizeof(e->address));
		isns_put_number(w, ISNS_TAG_PG_PORT, e->port);
	}
}

static void put_node(struct writer *w, const struct isns_registration *r,
	const struct isns_node *node)
{
	isns_put_text(w, ISNS_TAG_NODE_NAME, node->name);
	isns_put_number(w, ISNS_TAG_NODE_TYPE, ISNS_NODE_TYPE_TARGET); /* RFC 4171 6.4.2: no control node */
	if (node->alias)
		isns_put_text(w, ISNS_TAG_NODE_ALIAS, node->alias);
	isns_put_text(w, ISNS_TAG_AUTH_METHOD, node->auth_method);
	if (r->portal_groups)
		put_portal_groups(w, r, node);
}

size_t isns_put_register(struct writer *w, const struct isns_registration *r, size_t node,
	uint16_t transaction)
{
	const struct isns_entity *entity = r->entity;
	bool first = node == 0;

	start(w);
	put_source(w, entity);
	isns_put_text(w, ISNS_TAG_ENTITY, entity->id);
	isns_put_nothing(w, ISNS_TAG_DELIMITER);
	isns_put_text(w, ISNS_TAG_ENTITY, entity->id);
	isns_put_number(w, ISNS_TAG_PROTOCOL, ISNS_PROTOCOL_ISCSI);
	isns_put_number(w, ISNS_TAG_PERIOD, r->period_s);
	for (size_t i = 0; first && i < entity->n_portals; i++) {
		if (r->endpoints[i].used)
			put_portal(w, r, &r->endpoints[i]);
	}
	do
		put_node(w, r, &entity->nodes[node++]);
	while (node < entity->n_nodes && wr_len(w) < MESSAGE_BYTES);
	/* what an earlier life of ours has left there goes away with the first message */
	finish(w, ISNS_DEV_ATTR_REG, first ? ISNS_REPLACE : 0, transaction);
	return w->err ? 0 : node;
}

/* RFC 4171 5.6.5.5: one node a message, and nothing of management, which is for control nodes. */
void isns_put_scn_register(struct writer *w, const struct isns_entity *entity, size_t node,
	uint16_t transaction)
{
	start(w);
	isns_put_text(w, ISNS_TAG_NODE_NAME, entity->nodes[node].name);
	isns_put_text(w, ISNS_TAG_NODE_NAME, entity->nodes[node].name);
	isns_put_nothing(w, ISNS_TAG_DELIMITER);
	isns_put_number(w, ISNS_TAG_SCN_BITMAP, ISNS_SCN_INITIATORS_AND_SELF | ISNS_SCN_REMOVED |
		ISNS_SCN_ADDED | ISNS_SCN_UPDATED);
	finish(w, ISNS_SCN_REG, 0, transaction);
}

void isns_put_query(struct writer *w, const struct isns_entity *entity, size_t node,
	uint16_t transaction)
{
	start(w);
	isns_put_text(w, ISNS_TAG_NODE_NAME, entity->nodes[node].name);
	isns_put_text(w, ISNS_TAG_NODE_NAME, entity->nodes[node].name);
	isns_put_nothing(w, ISNS_TAG_DELIMITER);
	isns_put_nothing(w, ISNS_TAG_ENTITY);
	isns_put_nothing(w, ISNS_TAG_NODE_NAME);
	finish(w, ISNS_DEV_ATTR_QRY, 0, transaction);
}

/* RFC 4171 5.6.5.4 */
void isns_put_deregister(struct writer *w, const struct isns_entity *entity, uint16_t transaction)
{
	start(w);
	put_source(w, entity);
	isns_put_nothing(w, ISNS_TAG_DELIMITER);
	isns_put_text(w, ISNS_TAG_ENTITY, entity->id);
	finish(w, ISNS_DEV_DEREG, 0, transaction);
}
