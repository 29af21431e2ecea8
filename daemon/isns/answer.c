/* SPDX-License-Identifier: MIT */
/* What an iSNS server says: see answer.h. */
#include "isns/answer.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "log/log.h"

static bool is_ours(const struct isns_entity *entity, const struct isns_attribute *a)
{
	for (size_t i = 0; i < entity->n_nodes; i++) {
		if (isns_text_is(a, entity->nodes[i].name))
			return true;
	}
	return false;
}

int isns_answer_decode(const struct isns_entity *entity, const uint8_t *payload, size_t bytes,
	bool whole, struct isns_answer *ret)
{
	struct cursor c = cur_init(payload, bytes);
	struct isns_answer r = { .status = cur_be32(&c) };
	struct isns_attribute a;
	bool operating = false;

	if (c.err)
		return -EBADMSG;
	while (isns_next(&c, &a)) {
		operating = operating || a.tag == ISNS_TAG_DELIMITER;
		if (!operating)
			continue;
		if (a.tag == ISNS_TAG_PERIOD)
			(void)isns_number(&a, &r.period_s);
		r.entity = r.entity || (a.tag == ISNS_TAG_ENTITY && isns_text_is(&a, entity->id));
		r.nodes += a.tag == ISNS_TAG_NODE_NAME && is_ours(entity, &a);
	}
	/* RFC 4171 5.3: an attribute may be cut by the end of a PDU, but not of a message */
	if (c.err && whole)
		return -EBADMSG;
	*ret = r;
	return 0;
}

static const char *change_name(uint32_t bitmap)
{
	if (bitmap & ISNS_SCN_REMOVED)
		return "is gone";
	return bitmap & ISNS_SCN_ADDED ? "is there" : "has changed";
}

/* RFC 4171 5.4, 5.6.5.8: destination, timestamp, then bitmaps, each with those whom it is about. */
static bool take_notification(const struct isns_entity *entity, struct cursor *c, bool whole,
	struct isns_attribute *destination, bool *ret_lost)
{
	uint32_t bitmap = 0;
	struct isns_attribute a;

	if (!isns_next(c, destination) || destination->tag != ISNS_TAG_NODE_NAME ||
		!is_ours(entity, destination))
		return false;
	while (isns_next(c, &a)) {
		if (a.tag == ISNS_TAG_SCN_BITMAP && !isns_number(&a, &bitmap))
			return false;
		if (a.tag != ISNS_TAG_NODE_NAME || isns_text_bytes(&a) < 0)
			continue;
		*ret_lost = *ret_lost || is_ours(entity, &a);
		log_debug("iSNS: %s %s", (const char *)a.value, change_name(bitmap));
	}
	/* of a message in several PDUs the first is read: what the others say has to be asked for */
	*ret_lost = *ret_lost || !whole;
	return !c->err || !whole;
}

/* RFC 4171 5.6.5.13: timestamp, entity, portal; our entity is what we can vouch for. */
static bool take_inquiry(const struct isns_entity *entity, struct cursor *c, uint32_t *ret_status)
{
	struct isns_attribute a;

	*ret_status = ISNS_NO_SUCH_ENTRY;
	while (isns_next(c, &a)) {
		if (a.tag == ISNS_TAG_ENTITY && isns_text_is(&a, entity->id))
			*ret_status = ISNS_OK;
	}
	return !c->err;
}

bool isns_reply(const struct isns_entity *entity, const struct isns_header *header,
	const uint8_t *payload, struct writer *w, bool *ret_lost)
{
	const struct isns_header answer = {
		.function = header->function | ISNS_ANSWER,
		.flags = ISNS_FROM_CLIENT | ISNS_FIRST | ISNS_LAST,
		.transaction = header->transaction,
	};
	struct cursor c = cur_init(payload, header->bytes);
	struct isns_attribute destination;
	uint32_t status = ISNS_OK;

	*ret_lost = false;
	wr_zero(w, ISNS_HEADER_BYTES);
	switch (header->function) {
	case ISNS_ESI:
		if (!take_inquiry(entity, &c, &status))
			return false;
		log_debug("iSNS: asked for our state: %s", isns_status_name(status));
		wr_be32(w, status);
		wr_bytes(w, payload, header->bytes);
		break;
	case ISNS_SCN:
		if (!take_notification(entity, &c, header->flags & ISNS_LAST, &destination, ret_lost))
			return false;
		wr_be32(w, status);
		isns_put(w, destination.tag, destination.value, destination.bytes);
		break;
	default:
		wr_be32(w, ISNS_NOT_SUPPORTED);
	}
	isns_header_put(w, &answer);
	return !w->err;
}
