/* SPDX-License-Identifier: MIT */
/* Headers and attributes of iSNS: see format.h. */
#include "isns/format.h"

#include <errno.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"

#define VERSION 1u

static const char *const STATUSES[] = { "success", "unknown error", "message format error",
	"invalid registration", "reserved", "invalid query", "source unknown", "source absent",
	"source unauthorized", "no such entry", "version not supported", "internal error", "busy",
	"option not understood", "invalid update", "message not supported", "SCN event rejected",
	"SCN registration rejected", "attribute not implemented", "no domain ID available",
	"domain ID not allocated", "ESI not available", "invalid deregistration",
	"registration feature not supported" };

const char *isns_status_name(uint32_t status)
{
	return status < ARRAY_SIZE(STATUSES) ? STATUSES[status] : "unknown status";
}

int isns_header_decode(const uint8_t *data, struct isns_header *ret)
{
	struct cursor c = cur_init(data, ISNS_HEADER_BYTES);
	struct isns_header h;
	uint16_t version = cur_be16(&c);

	h.function = cur_be16(&c);
	h.bytes = cur_be16(&c);
	h.flags = cur_be16(&c);
	h.transaction = cur_be16(&c);
	h.sequence = cur_be16(&c);
	/* RFC 4171 5.1.1, 5.1.3 */
	if (version != VERSION || h.bytes % 4)
		return -EBADMSG;
	*ret = h;
	return 0;
}

void isns_header_put(struct writer *w, const struct isns_header *h)
{
	size_t bytes = wr_len(w) - ISNS_HEADER_BYTES;

	if (bytes > ISNS_PDU_MAX - ISNS_HEADER_BYTES)
		w->err = -EMSGSIZE;
	if (w->err)
		return;
	be16_put(w->start, VERSION);
	be16_put(w->start + 2, h->function);
	be16_put(w->start + 4, (uint16_t)bytes);
	be16_put(w->start + 6, h->flags);
	be16_put(w->start + 8, h->transaction);
	be16_put(w->start + 10, h->sequence);
}

bool isns_next(struct cursor *c, struct isns_attribute *ret)
{
	struct isns_attribute a;

	if (c->err || !cur_left(c))
		return false;
	a.tag = cur_be32(c);
	a.bytes = cur_be32(c);
	/* RFC 4171 5.3.1: padding counts */
	if (!c->err && a.bytes % 4)
		c->err = -EBADMSG;
	a.value = cur_take(c, a.bytes);
	if (c->err)
		return false;
	*ret = a;
	return true;
}

bool isns_number(const struct isns_attribute *a, uint32_t *ret)
{
	if (a->bytes != 4)
		return false;
	*ret = be32_get(a->value);
	return true;
}

int isns_text_bytes(const struct isns_attribute *a)
{
	const uint8_t *nul = a->bytes ? memchr(a->value, 0, a->bytes) : NULL;

	return nul && nul - a->value <= (int)ISNS_TEXT_MAX ? (int)(nul - a->value) : -1;
}

bool isns_text_is(const struct isns_attribute *a, const char *text)
{
	int bytes = isns_text_bytes(a);

	return bytes >= 0 && (size_t)bytes == strlen(text) && !memcmp(a->value, text, (size_t)bytes);
}

void isns_put(struct writer *w, uint32_t tag, const void *value, uint32_t bytes)
{
	uint32_t padded = ROUND_UP(bytes, 4u);

	wr_be32(w, tag);
	wr_be32(w, padded);
	wr_bytes(w, value, bytes);
	wr_zero(w, padded - bytes);
}

void isns_put_number(struct writer *w, uint32_t tag, uint32_t value)
{
	wr_be32(w, tag);
	wr_be32(w, 4);
	wr_be32(w, value);
}

void isns_put_text(struct writer *w, uint32_t tag, const char *text)
{
	isns_put(w, tag, text, (uint32_t)strlen(text) + 1);
}

void isns_put_nothing(struct writer *w, uint32_t tag)
{
	wr_be32(w, tag);
	wr_be32(w, 0);
}
