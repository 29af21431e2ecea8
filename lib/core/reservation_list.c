/* SPDX-License-Identifier: MIT */
/*
 * The parameter list of PERSISTENT RESERVE OUT (SPC-5 6.17.3, 6.17.4): 24 bytes, and TransportIDs behind
 * them where SPEC_I_PT says so; REGISTER AND MOVE has a list of its own kind. Judged whole before anything is done.
 */
#include <stdlib.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"
#include "core/reservation_out.h"

enum { SPEC_I_PT = 0x08, ALL_TG_PT = 0x04, APTPL = 0x01 }; /* byte 20 */
enum { UNREG = 0x02 };                                     /* byte 17 of REGISTER AND MOVE */

struct list {
	const uint8_t *data;
	size_t bytes;        /* that came */
	uint32_t told_bytes; /* PARAMETER LIST LENGTH */
	struct out_request *q;
	struct out_result *result;
};

static bool refuse(struct list *l, spt_asc_t asc, size_t byte, int bit)
{
	*l->result = (struct out_result){ .status = SPT_CHECK_CONDITION, .asc = asc,
		.byte = (uint16_t)byte, .bit = (int8_t)bit };
	return false;
}

static bool invalid(struct list *l, size_t byte, int bit)
{
	return refuse(l, INVALID_FIELD_IN_PARAMETER_LIST, byte, bit);
}

static bool stands_twice(const struct out_request *q, const struct transport_id *id)
{
	for (size_t i = 0; i < q->n_ids; i++) {
		const struct transport_id *other = &q->ids[i].id;
		if (other->is_port == id->is_port && !strcmp(other->name, id->name) &&
			!memcmp(other->isid, id->isid, sizeof(id->isid)))
			return true;
	}
	return false;
}

/* All that stands behind @start, whose length is told in the four bytes before it. */
static bool take_ids(struct list *l, size_t start, size_t max)
{
	struct out_request *q = l->q;

	if (l->told_bytes > RESERVATION_LIST_MAX)
		return refuse(l, INSUFFICIENT_REGISTRATION_RESOURCES, 0, -1);
	if (l->bytes < start || l->told_bytes != l->bytes ||
		be32_get(l->data + start - 4) != l->bytes - start)
		return refuse(l, PARAMETER_LIST_LENGTH_ERROR, 0, -1);
	struct cursor c = cur_init(l->data + start, l->bytes - start);
	max = MIN(max, cur_left(&c) / TRANSPORT_ID_MIN + 1);
	q->ids = calloc(max, sizeof(*q->ids));
	if (!q->ids)
		return refuse(l, INSUFFICIENT_REGISTRATION_RESOURCES, 0, -1);
	while (cur_left(&c)) {
		struct out_transport_id next = { .offset = (uint16_t)(c.pos - l->data) };
		if (transport_id_take(&c, &next.id) < 0 || stands_twice(q, &next.id))
			return invalid(l, next.offset, -1);
		if (q->n_ids == max)
			return refuse(l, INSUFFICIENT_REGISTRATION_RESOURCES, 0, -1);
		q->ids[q->n_ids++] = next;
	}
	return true;
}

static bool take_move(struct list *l)
{
	struct out_request *q = l->q;

	q->unreg = l->data[17] & UNREG;
	q->aptpl = l->data[17] & APTPL;
	q->relative_port = be16_get(l->data + 18);
	if (!take_ids(l, OUT_LIST_BYTES, RESERVATION_REGISTRANTS))
		return false;
	/* One, and of a port: a reservation is held by one nexus. */
	if (q->n_ids != 1)
		return invalid(l, q->n_ids ? q->ids[1].offset : 20, -1);
	return q->ids[0].id.is_port || invalid(l, q->ids[0].offset, 7);
}

static bool take_plain(struct list *l)
{
	struct out_request *q = l->q;
	uint8_t flags = l->data[20];

	q->spec_i_pt = flags & SPEC_I_PT;
	q->aptpl = flags & APTPL;
	/* Ignored by what does not register (SPC-5 6.17.3). */
	q->all_tg_pt = (flags & ALL_TG_PT) && (q->action == OUT_REGISTER || q->action == OUT_REGISTER_AND_IGNORE);
	if (q->spec_i_pt)
		return q->action == OUT_REGISTER ?
			take_ids(l, OUT_LIST_BYTES + 4, RESERVATION_REGISTRANTS) : invalid(l, 20, 3);
	return l->told_bytes == OUT_LIST_BYTES || refuse(l, PARAMETER_LIST_LENGTH_ERROR, 0, -1);
}

bool reservation_list_take(const uint8_t *cdb, const uint8_t *list, size_t bytes,
	struct out_request *ret, struct out_result *ret_refusal)
{
	struct list l = { .data = list, .bytes = bytes, .told_bytes = be32_get(cdb + 5), .q = ret,
		.result = ret_refusal };

	*ret = (struct out_request){ .action = cdb[1] & 0x1f, .scope = cdb[2] >> 4,
		.type = cdb[2] & 0x0f };
	if (bytes < OUT_LIST_BYTES)
		return refuse(&l, PARAMETER_LIST_LENGTH_ERROR, 0, -1);
	ret->key = be64_get(list);
	ret->action_key = be64_get(list + 8);
	if (ret->action == OUT_REGISTER_AND_MOVE ? take_move(&l) : take_plain(&l))
		return true;
	reservation_list_free(ret);
	return false;
}

void reservation_list_free(struct out_request *request)
{
	free(TAKE(request->ids));
}
