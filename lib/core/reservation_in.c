/* SPDX-License-Identifier: MIT */
/* PERSISTENT RESERVE IN (SPC-5 6.16): the state as parameter data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/be.h"
#include "base/cursor.h"
#include "base/util.h"
#include "core/core.h"

/* FULL STATUS: 24 bytes, and a TransportID of 4 bytes with name, ",i,0x", ISID, and up to 4 zeros. */
#define DESCRIPTOR_MAX (24u + 4u + SPT_NAME_MAX + 5u + 12u + 4u)

enum { CRH = 0x10, PTPL_C = 0x01, TMV = 0x80, PTPL_A = 0x01, R_HOLDER = 0x01 };

static void put_keys(struct writer *w, const struct reservations *r)
{
	const struct registrant *g;

	list_foreach (g, &r->registrants, link)
		wr_be64(w, g->key);
}

/* SPC-5 6.16.3: the key of all registrants is zero. */
static void put_reservation(struct writer *w, const struct reservations *r)
{
	if (!r->type)
		return;
	wr_be64(w, r->owner ? r->owner->key : 0);
	wr_zero(w, 5);
	wr_u8(w, r->type);
	wr_zero(w, 2);
}

/* SPC-5 7.6.4.6: FORMAT CODE 01b, the name of the initiator port. */
static void put_transport_id(struct writer *w, const struct registrant *g)
{
	char name[SPT_NAME_MAX + 5 + 12 + 1];
	int n = snprintf(name, sizeof(name), "%s,i,0x%02x%02x%02x%02x%02x%02x", g->initiator,
		g->isid[0], g->isid[1], g->isid[2], g->isid[3], g->isid[4], g->isid[5]);
	uint16_t bytes = (uint16_t)ROUND_UP((unsigned)n + 1, 4u);

	wr_u8(w, 0x45);
	wr_u8(w, 0);
	wr_be16(w, bytes);
	wr_bytes(w, name, (size_t)n);
	wr_zero(w, bytes - (size_t)n);
}

static void put_full_status(struct writer *w, const struct reservations *r)
{
	const struct registrant *g;

	list_foreach (g, &r->registrants, link) {
		bool holds = reservation_holds(r, g);
		uint8_t *length;

		wr_be64(w, g->key);
		wr_zero(w, 4);
		wr_u8(w, holds ? R_HOLDER : 0);
		wr_u8(w, holds ? r->type : 0);
		wr_zero(w, 4);
		wr_be16(w, g->relative_port);
		length = wr_reserve(w, 4);
		size_t before = wr_len(w);
		put_transport_id(w, g);
		if (length)
			be32_put(length, (uint32_t)(wr_len(w) - before));
	}
}

/* SPC-5 6.16.4: no SPEC_I_PT, no ALL_TG_PT; all six types. */
static void report_capabilities(struct spt_task *task, const struct reservations *r)
{
	uint8_t data[8] = { 0, sizeof(data), CRH, TMV, 0xea, 0x01 };

	if (r->path)
		data[2] |= PTPL_C;
	pthread_mutex_lock(&task->itl->device->lock);
	if (r->aptpl)
		data[3] |= PTPL_A;
	pthread_mutex_unlock(&task->itl->device->lock);
	spt_task_reply(task, data, sizeof(data), be16_get(task->cdb + 7));
}

static void (*const LISTS[])(struct writer *w, const struct reservations *r) = {
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
	LISTS[action](&w, r);
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
