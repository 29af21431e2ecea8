/* SPDX-License-Identifier: MIT */
/*
 * Registering (SPC-5 5.14.7, 5.14.8): the nexus that asks, nexuses of other initiator ports (SPEC_I_PT),
 * through all target ports (ALL_TG_PT), logged in or not; and handing a reservation on (REGISTER AND MOVE).
 * What is to be registered is made first and joins the others only when all of it has been judged.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core/reservation_out.h"

struct registering {
	struct out *o;
	struct device_port *ports;
	size_t n_ports;
	struct spt_link fresh; /* struct registrant.link */
	unsigned n_fresh;
};

static struct spt_nexus nexus_at(const char *initiator, const uint8_t isid[6],
	const struct device_port *port)
{
	struct spt_nexus nexus = {
		.initiator_name = initiator,
		.target_name = port->target,
		.target_portal_group_tag = port->tag,
		.relative_port = port->relative,
	};

	memcpy(nexus.isid, isid, sizeof(nexus.isid));
	return nexus;
}

static const struct spt_nexus *sender(const struct out *o)
{
	return &o->itl->session->nexus;
}

static bool is_sender(const struct out *o, const char *initiator, const uint8_t isid[6])
{
	const struct spt_nexus *n = sender(o);

	return !memcmp(n->isid, isid, sizeof(n->isid)) && !strcmp(n->initiator_name, initiator);
}

/* The port that the nexus came by, or all that lead to the device. */
static bool find_ports(struct registering *g)
{
	struct out *o = g->o;
	const struct spt_nexus *n = sender(o);

	if (o->q->all_tg_pt)
		return ports_known(o->device, &g->ports, &g->n_ports) == 0;
	g->ports = calloc(1, sizeof(*g->ports));
	if (!g->ports)
		return false;
	g->n_ports = 1;
	strcpy(g->ports->target, n->target_name);
	g->ports->tag = n->target_portal_group_tag;
	g->ports->relative = n->relative_port;
	return true;
}

static bool want(struct registering *g, const struct spt_nexus *nexus)
{
	struct registrant *one = g->o->r->n_registrants + g->n_fresh < RESERVATION_REGISTRANTS ?
		reservation_new(nexus, g->o->q->action_key) : NULL;

	if (!one) {
		out_refuse(g->o, INSUFFICIENT_REGISTRATION_RESOURCES, 0, -1);
		return false;
	}
	list_append(&g->fresh, &one->link);
	g->n_fresh++;
	return true;
}

/* The initiator port that asks, through each port, as if it had asked there (SPC-5 6.17.3). */
static bool judge_own(struct registering *g)
{
	struct out *o = g->o;
	const struct spt_nexus *n = sender(o);

	for (size_t i = 0; i < g->n_ports; i++) {
		struct spt_nexus nexus = nexus_at(n->initiator_name, n->isid, &g->ports[i]);
		const struct registrant *there = reservation_find(o->r, &nexus);
		if (there && o->q->action == OUT_REGISTER && there->key != o->q->key) {
			out_conflict(o);
			return false;
		}
		if (!there && o->q->action_key && !want(g, &nexus))
			return false;
	}
	return true;
}

static bool is_fresh(const struct registering *g, const struct spt_nexus *nexus)
{
	const struct registrant *one;

	list_foreach (one, &g->fresh, link) {
		if (reservation_same_nexus(one, nexus))
			return true;
	}
	return false;
}

/* Table 65: who is registered already cannot be registered for it by another. */
static bool judge_port(struct registering *g, const char *initiator, const uint8_t isid[6],
	uint16_t offset)
{
	struct out *o = g->o;

	if (is_sender(o, initiator, isid))
		return true;
	for (size_t i = 0; i < g->n_ports; i++) {
		struct spt_nexus nexus = nexus_at(initiator, isid, &g->ports[i]);
		if (reservation_find(o->r, &nexus)) {
			out_refuse(o, INVALID_FIELD_IN_PARAMETER_LIST, offset, -1);
			return false;
		}
		if (!is_fresh(g, &nexus) && !want(g, &nexus))
			return false;
	}
	return true;
}

/*
 * SPC-5 7.6.4.6: a TransportID without an ISID is for every initiator port of that name that is known: by its nexus,
 * or as it is registered. Is none? What was asked for cannot be done, and that is told.
 */
static bool judge_device(struct registering *g, const struct transport_id *id, uint16_t offset)
{
	struct out *o = g->o;
	const struct registrant *r;
	struct spt_itl *itl;
	bool any = false;

	list_foreach (itl, &o->device->itls, device_link) {
		const struct spt_nexus *n = &itl->session->nexus;
		if (strcmp(n->initiator_name, id->name) != 0)
			continue;
		any = true;
		if (!judge_port(g, id->name, n->isid, offset))
			return false;
	}
	list_foreach (r, &o->r->registrants, link) {
		if (strcmp(r->initiator, id->name) != 0)
			continue;
		any = true;
		if (!judge_port(g, id->name, r->isid, offset))
			return false;
	}
	if (!any)
		out_refuse(o, INVALID_FIELD_IN_PARAMETER_LIST, offset, -1);
	return any;
}

static bool judge_others(struct registering *g)
{
	const struct out_request *q = g->o->q;

	for (size_t i = 0; i < q->n_ids; i++) {
		const struct transport_id *id = &q->ids[i].id;
		if (id->is_port ? !judge_port(g, id->name, id->isid, q->ids[i].offset) :
			!judge_device(g, id, q->ids[i].offset))
			return false;
	}
	return true;
}

/* Tables 65 and 66. */
static bool judge(struct registering *g)
{
	struct out *o = g->o;
	const struct out_request *q = o->q;

	if (q->action == OUT_REGISTER && (o->me ? o->me->key : 0) != q->key) {
		out_conflict(o);
		return false;
	}
	if (q->spec_i_pt && (o->me || !q->action_key)) {
		out_refuse(o, INVALID_FIELD_IN_PARAMETER_LIST, 20, 3);
		return false;
	}
	if (!out_may_persist(o))
		return false;
	if (!find_ports(g)) {
		out_refuse(o, INSUFFICIENT_REGISTRATION_RESOURCES, 0, -1);
		return false;
	}
	return judge_own(g) && judge_others(g);
}

/* Those that are registered get the key, or go; the new ones join. Did anything happen? */
static bool run(struct registering *g)
{
	struct out *o = g->o;
	const struct spt_nexus *n = sender(o);
	bool any = g->n_fresh;

	for (size_t i = 0; i < g->n_ports; i++) {
		struct spt_nexus nexus = nexus_at(n->initiator_name, n->isid, &g->ports[i]);
		struct registrant *there = reservation_find(o->r, &nexus);
		if (!there)
			continue;
		any = true;
		if (o->q->action_key)
			there->key = o->q->action_key;
		else
			out_unregister(o, there);
	}
	while (!list_empty(&g->fresh)) {
		struct registrant *one = list_first(&g->fresh, struct registrant, link);
		list_del(&one->link);
		reservation_append(o->r, one);
	}
	return any;
}

static void registering_free(struct registering *g)
{
	while (!list_empty(&g->fresh)) {
		struct registrant *one = list_first(&g->fresh, struct registrant, link);
		list_del(&one->link);
		free(one);
	}
	free(g->ports);
}

void out_register(struct out *o)
{
	struct registering g = { .o = o };

	list_init(&g.fresh);
	if (judge(&g) && run(&g)) {
		o->r->aptpl = o->q->aptpl;
		out_changed(o);
	}
	registering_free(&g);
}

/* SPC-5 5.14.8: may the reservation be handed on at all, and by this nexus? */
static bool may_move(struct out *o)
{
	if (!o->r->type) {
		out_refuse(o, INVALID_FIELD_IN_CDB, 1, -1);
		return false;
	}
	if (reservation_kind(o->r->type)->all || !reservation_holds(o->r, o->me)) {
		out_conflict(o);
		return false;
	}
	return true;
}

/* To where: a port of the target that the command came to. */
static bool find_destination(struct registering *g, struct spt_nexus *ret)
{
	struct out *o = g->o;
	const struct transport_id *id = &o->q->ids[0].id;

	if (ports_known(o->device, &g->ports, &g->n_ports) < 0) {
		out_refuse(o, INSUFFICIENT_REGISTRATION_RESOURCES, 0, -1);
		return false;
	}
	for (size_t i = 0; i < g->n_ports; i++) {
		if (g->ports[i].relative != o->q->relative_port ||
			strcmp(g->ports[i].target, sender(o)->target_name) != 0)
			continue;
		*ret = nexus_at(id->name, id->isid, &g->ports[i]);
		return true;
	}
	out_refuse(o, INVALID_FIELD_IN_PARAMETER_LIST, 18, -1);
	return false;
}

static bool judge_move(struct registering *g, struct spt_nexus *ret)
{
	struct out *o = g->o;
	const struct out_transport_id *to = &o->q->ids[0];

	if (!may_move(o))
		return false;
	if (!o->q->action_key) {
		out_refuse(o, INVALID_FIELD_IN_PARAMETER_LIST, 8, -1);
		return false;
	}
	if (is_sender(o, to->id.name, to->id.isid)) {
		out_refuse(o, INVALID_FIELD_IN_PARAMETER_LIST, to->offset, -1);
		return false;
	}
	return out_may_persist(o) && find_destination(g, ret) &&
		(reservation_find(o->r, ret) || want(g, ret));
}

void out_move(struct out *o)
{
	struct registering g = { .o = o };
	struct spt_nexus to;

	list_init(&g.fresh);
	if (judge_move(&g, &to)) {
		if (g.n_fresh) {
			struct registrant *one = list_first(&g.fresh, struct registrant, link);
			list_del(&one->link);
			reservation_append(o->r, one);
		}
		o->r->owner = reservation_find(o->r, &to);
		o->r->owner->key = o->q->action_key;
		if (o->q->unreg)
			out_unregister(o, o->me);
		o->r->aptpl = o->q->aptpl;
		out_changed(o);
	}
	registering_free(&g);
}
