/* SPDX-License-Identifier: MIT */
/* PERSISTENT RESERVE IN (SPC-5 6.16): the state as parameter data. */
#include <stdlib.h>
#include <string.h>

#include "base/be.h"
#include "base/cursor.h"
#include "base/util.h"
#include "core/core.h"

#define DESCRIPTOR_MAX (24u + TRANSPORT_ID_MAX) /* of READ FULL STATUS */

enum {
	CRH = 0x10, SIP_C = 0x08, ATP_C = 0x04, PTPL_C = 0x01, /* REPORT CAPABILITIES, byte 2 */
	TMV = 0x80, ALLOW_COMMANDS = 0x40, PTPL_A = 0x01,      /* byte 3 */
	ALL_TG_PT = 0x02, R_HOLDER = 0x01,                     /* READ FULL STATUS, byte 12 */
};

static void put_keys(struct writer *w, struct spt_device *device)
{
	const struct reservations *r = &device->reservations;
	const struct registrant *g;

	list_foreach (g, &r->registrants, link)
		wr_be64(w, g->key);
}

/* SPC-5 6.16.3: the key of all registrants is zero. */
static void put_reservation(struct writer *w, struct spt_device *device)
{
	const struct reservations *r = &device->reservations;

	if (!r->type)
		return;
	wr_be64(w, r->owner ? r->owner->key : 0);
	wr_zero(w, 5);
	wr_u8(w, r->type);
	wr_zero(w, 2);
}

/* A nexus of the same initiator port through @port, registered with the same key, and holding what @g holds. */
static bool same_through(struct reservations *r, const struct registrant *g,
	const struct device_port *port)
{
	struct spt_nexus nexus = { .initiator_name = g->initiator, .target_name = port->target,
		.target_portal_group_tag = port->tag };

	memcpy(nexus.isid, g->isid, sizeof(nexus.isid));
	const struct registrant *other = reservation_find(r, &nexus);
	return other && other->key == g->key &&
		reservation_holds(r, other) == reservation_holds(r, g);
}

/* Of those that one descriptor with ALL_TG_PT stands for, is it the first? */
static bool first_of_all(const struct reservations *r, const struct registrant *g)
{
	const struct registrant *other;

	list_foreach (other, &r->registrants, link) {
		if (other == g)
			return true;
		if (!memcmp(other->isid, g->isid, sizeof(g->isid)) &&
			!strcmp(other->initiator, g->initiator))
			return false;
	}
	return true;
}

static bool through_all(struct reservations *r, const struct registrant *g,
	const struct device_port *ports, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!same_through(r, g, &ports[i]))
			return false;
	}
	return n > 1;
}

static void put_descriptor(struct writer *w, const struct reservations *r,
	const struct registrant *g, bool all)
{
	bool holds = reservation_holds(r, g);

	wr_be64(w, g->key);
	wr_zero(w, 4);
	wr_u8(w, (all ? ALL_TG_PT : 0) | (holds ? R_HOLDER : 0));
	wr_u8(w, holds ? r->type : 0);
	wr_zero(w, 4);
	wr_be16(w, g->relative_port);
	uint8_t *length = wr_reserve(w, 4);
	size_t before = wr_len(w);
	transport_id_put(w, g->initiator, g->isid);
	if (length)
		be32_put(length, (uint32_t)(wr_len(w) - before));
}

/* SPC-5 6.16.5: one descriptor for an initiator port that is the same through every target port. */
static void put_full_status(struct writer *w, struct spt_device *device)
{
	struct reservations *r = &device->reservations;
	AUTO_FREE struct device_port *ports = NULL;
	const struct registrant *g;
	size_t n = 0;

	/* Without memory for them: one descriptor for each nexus says the same. */
	if (ports_known(device, &ports, &n) < 0)
		n = 0;
	list_foreach (g, &r->registrants, link) {
		bool all = through_all(r, g, ports, n);
		if (!all || first_of_all(r, g))
			put_descriptor(w, r, g, all);
	}
}

/*
 * SPC-5 6.16.4: all six types; ALLOW COMMANDS 100b, what it speaks of passes Write Exclusive reservations,
 * as the rows of cdb.def have it.
 */
static void report_capabilities(struct spt_task *task, const struct reservations *r)
{
	uint8_t data[8] = { 0, sizeof(data), CRH | SIP_C | ATP_C, TMV | ALLOW_COMMANDS, 0xea, 0x01 };

	if (r->path)
		data[2] |= PTPL_C;
	pthread_mutex_lock(&task->itl->device->lock);
	if (r->aptpl)
		data[3] |= PTPL_A;
	pthread_mutex_unlock(&task->itl->device->lock);
	spt_task_reply(task, data, sizeof(data), be16_get(task->cdb + 7));
}

static void (*const LISTS[])(struct writer *w, struct spt_device *device) = {
	[0x00] = put_keys,
	[0x01] = put_reservation,
	[0x03] = put_full_status,
};

static void report_list(struct spt_task *task, struct spt_device *device, uint8_t action)
{
	struct reservations *r = &device->reservations;

	pthread_mutex_lock(&device->lock);
	size_t room = 8 + 24 + r->n_registrants * DESCRIPTOR_MAX;
	AUTO_FREE uint8_t *data = calloc(1, room);
	struct writer w = wr_init(data, data ? room : 0);
	wr_be32(&w, r->generation);
	wr_be32(&w, 0);
	LISTS[action](&w, device);
	pthread_mutex_unlock(&device->lock);
	if (!data) {
		spt_task_full(task);
		return;
	}
	be32_put(data + 4, (uint32_t)wr_len(&w) - 8);
	spt_task_reply(task, data, wr_len(&w), be16_get(task->cdb + 7));
}

void reservation_in(struct spt_task *task)
{
	uint8_t action = task->cdb[1] & 0x1f;
	struct spt_device *device = task->itl->device;

	if (action == 0x02)
		report_capabilities(task, &device->reservations);
	else
		report_list(task, device, action);
}
