/* SPDX-License-Identifier: MIT */
/*
 * What an iSNS server sends: the input is PDUs one after the other. Answers are read whole and cut,
 * questions are answered; an answer of ours is always a PDU that we could read ourselves.
 */
#include <string.h>

#include "fuzz.h"

#include "base/util.h"
#include "isns/answer.h"
#include "isns/entity.h"

static const size_t PORTALS[] = { 0 };
static struct isns_portal portals[] = { { .port = 3260, .tag = 1, .any = true } };
static struct isns_node nodes[] = {
	{ .name = "iqn.x:a", .auth_method = "None", .portals = PORTALS, .n_portals = 1 },
	{ .name = "iqn.x:b", .auth_method = "CHAP", .portals = PORTALS, .n_portals = 1 },
};
static const struct isns_entity ENTITY = {
	.id = "entity", .portals = portals, .n_portals = 1, .nodes = nodes, .n_nodes = 2 };

static void check_pdu(const struct writer *w, const struct isns_header *asked)
{
	struct isns_attribute a;
	struct isns_header h;

	CHECK(wr_len(w) >= ISNS_HEADER_BYTES + 4 && wr_len(w) <= ISNS_PDU_MAX);
	CHECK(!isns_header_decode(w->start, &h));
	CHECK(h.bytes == wr_len(w) - ISNS_HEADER_BYTES);
	CHECK(h.function == (asked->function | ISNS_ANSWER) && h.transaction == asked->transaction);
	struct cursor c = cur_init(w->start + ISNS_HEADER_BYTES + 4, h.bytes - 4u);
	while (isns_next(&c, &a))
		;
	CHECK(!c.err);
}

static void question(const struct isns_header *h, const uint8_t *payload)
{
	static uint8_t pdu[ISNS_PDU_MAX];
	struct writer w = wr_init(pdu, sizeof(pdu));
	bool lost = true;

	if (isns_reply(&ENTITY, h, payload, &w, &lost))
		check_pdu(&w, h);
	w = wr_init(pdu, 24); /* and with no room for much */
	if (isns_reply(&ENTITY, h, payload, &w, &lost))
		check_pdu(&w, h);
}

static void answer(const struct isns_header *h, const uint8_t *payload)
{
	struct isns_answer whole = { 0 }, cut = { 0 };
	int r = isns_answer_decode(&ENTITY, payload, h->bytes, true, &whole);

	/* What can be read whole reads the same when more might follow. */
	if (!r) {
		CHECK(!isns_answer_decode(&ENTITY, payload, h->bytes, false, &cut));
		CHECK(!memcmp(&whole, &cut, sizeof(cut)));
	}
	CHECK(whole.nodes <= h->bytes / 8u);
	(void)isns_answer_decode(&ENTITY, payload, h->bytes / 2u, false, &cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct isns_header h;

	while (size >= ISNS_HEADER_BYTES && !isns_header_decode(data, &h) &&
		h.bytes <= size - ISNS_HEADER_BYTES) {
		if (h.function & ISNS_ANSWER)
			answer(&h, data + ISNS_HEADER_BYTES);
		else
			question(&h, data + ISNS_HEADER_BYTES);
		data += ISNS_HEADER_BYTES + h.bytes;
		size -= ISNS_HEADER_BYTES + h.bytes;
	}
	return 0;
}
