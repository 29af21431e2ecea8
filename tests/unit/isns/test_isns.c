/* SPDX-License-Identifier: MIT */
/* iSNS messages (RFC 4171 5, 6): what is written, and what is made of what a server says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/be.h"
#include "base/util.h"
#include "isns/answer.h"
#include "isns/entity.h"

#define V4(a, b, c, d) { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }

static struct isns_portal portals[] = {
	{ .address = V4(192, 0, 2, 1), .port = 3260, .tag = 1 },
	{ .port = 3261, .tag = 2, .any = true },
	{ .port = 3262, .tag = 3, .any = true, .any_ipv4 = true },
	{ .address = V4(192, 0, 2, 1), .port = 3261, .tag = 4 }, /* the second's, if reached there */
};
static const size_t first_two[] = { 0, 1 }, last[] = { 3 };
static struct isns_node nodes[] = {
	{ .name = "iqn.x:a", .auth_method = "CHAP", .portals = first_two, .n_portals = 2 },
	{ .name = "iqn.x:b", .alias = "B", .auth_method = "None", .portals = last, .n_portals = 1 },
};
static const struct isns_entity entity = {
	.id = "e", .portals = portals, .n_portals = 4, .nodes = nodes, .n_nodes = 2 };

/* A wildcard is the address that we are reached by; one that has none of the family is left out. */
static void test_endpoints(void **state)
{
	static const uint8_t own4[16] = V4(192, 0, 2, 1), own6[16] = { 0x20, 1, [15] = 9 };
	struct isns_endpoint e[4];

	assert_int_equal(isns_endpoints(&entity, own4, e), 3);
	assert_memory_equal(e[1].address, own4, 16);
	assert_true(e[2].used);
	assert_false(e[3].used);
	assert_int_equal(e[3].same, 1);
	assert_int_equal(isns_endpoints(&entity, own6, e), 3);
	assert_memory_equal(e[1].address, own6, 16);
	assert_false(e[2].used);
	assert_true(e[3].used);
}

/* The tags of @w's attributes as a text, '/' for the delimiter, and '!' after an empty one. */
static const char *tags(const struct writer *w)
{
	static char text[400];
	struct cursor c = cur_init(w->start + ISNS_HEADER_BYTES, wr_len(w) - ISNS_HEADER_BYTES);
	struct isns_attribute a;
	size_t n = 0;

	text[0] = 0;
	while (isns_next(&c, &a))
		n += (size_t)snprintf(text + n, sizeof(text) - n, a.tag ? "%u%s " : "/ ", a.tag,
			a.bytes ? "" : "!");
	assert_int_equal(c.err, 0);
	return text;
}

/* RFC 4171 5.3.1, 5.6.5.1 */
static void test_register(void **state)
{
	static const uint8_t own[16] = V4(192, 0, 2, 1);
	static uint8_t pdu[ISNS_PDU_MAX];
	struct isns_endpoint e[4];
	struct isns_registration r = { .entity = &entity, .endpoints = e, .period_s = 60,
		.esi_s = 30, .inquiry_port = 4000, .portal_groups = true };
	struct writer w = wr_init(pdu, sizeof(pdu));
	struct isns_header h;

	isns_endpoints(&entity, own, e);
	assert_int_equal(isns_put_register(&w, &r, 0, 7), 2);
	assert_int_equal(isns_header_decode(pdu, &h), 0);
	assert_int_equal(h.function, ISNS_DEV_ATTR_REG);
	assert_int_equal(h.bytes, wr_len(&w) - ISNS_HEADER_BYTES);
	assert_int_equal(h.flags, ISNS_FROM_CLIENT | ISNS_FIRST | ISNS_LAST | ISNS_REPLACE);
	assert_int_equal(h.transaction, 7);
	/* RFC 4171 5.6.4, 5.6.5.1: source, key, delimiter, entity, portals, nodes each with its portal groups */
	assert_string_equal(tags(&w), "32 1 / 1 2 6 16 17 19 20 23 16 17 19 20 23 16 17 19 20 23 "
		"32 33 42 51 49 50 51 49 50 51! 49 50 32 33 34 42 51! 49 50 51 49 50 51! 49 50 ");
	/* no inquiries, no groups, and the rest of the nodes: an update */
	r.inquiry_port = 0;
	r.portal_groups = false;
	w = wr_init(pdu, sizeof(pdu));
	assert_int_equal(isns_put_register(&w, &r, 1, 8), 2);
	assert_string_equal(tags(&w), "32 1 / 1 2 6 32 33 34 42 ");
	assert_int_equal(isns_header_decode(pdu, &h), 0);
	assert_false(h.flags & ISNS_REPLACE);
	w = wr_init(pdu, 64);
	assert_int_equal(isns_put_register(&w, &r, 0, 9), 0);
	assert_int_equal(w.err, -EMSGSIZE);
}

/* RFC 4171 5.6.1 */
static void test_query(void **state)
{
	uint8_t pdu[200];
	struct writer w = wr_init(pdu, sizeof(pdu));

	isns_put_query(&w, &entity, 1, 3);
	assert_string_equal(tags(&w), "32 32 / 1! 32! ");
	assert_non_null(memmem(pdu, wr_len(&w), "iqn.x:b", 8));
	assert_null(memmem(pdu, wr_len(&w), "iqn.x:a", 8));
}

/* RFC 4171 5.3.1 */
static void test_text(void **state)
{
	uint8_t buffer[64];
	struct writer w = wr_init(buffer, sizeof(buffer));
	struct cursor c;
	struct isns_attribute a;

	/* 5.3.1: a NUL, then padding */
	isns_put_text(&w, 32, "abc");
	isns_put_text(&w, 32, "abcd");
	assert_int_equal(wr_len(&w), 12 + 16);
	c = cur_init(buffer, wr_len(&w));
	assert_true(isns_next(&c, &a));
	assert_true(isns_text_is(&a, "abc"));
	assert_false(isns_text_is(&a, "ab"));
	assert_true(isns_next(&c, &a));
	assert_true(isns_text_is(&a, "abcd"));
	assert_false(isns_next(&c, &a));
	/* without a NUL it is none */
	a = (struct isns_attribute){ .tag = 32, .bytes = 4, .value = (const uint8_t *)"abcd" };
	assert_int_equal(isns_text_bytes(&a), -1);
	a.bytes = 0;
	assert_int_equal(isns_text_bytes(&a), -1);
}

static void put_answer(struct writer *w, uint32_t status)
{
	wr_be32(w, status);
	isns_put_text(w, ISNS_TAG_ENTITY, "e");
	isns_put_nothing(w, ISNS_TAG_DELIMITER);
}

/* RFC 4171 5.3 */
static void test_answers(void **state)
{
	uint8_t buffer[200];
	struct writer w = wr_init(buffer, sizeof(buffer));
	struct isns_answer a;

	/* the key alone is an echo of the question, not an answer */
	put_answer(&w, 0);
	assert_int_equal(isns_answer_decode(&entity, buffer, wr_len(&w), true, &a), 0);
	assert_false(a.entity);
	isns_put_text(&w, ISNS_TAG_ENTITY, "e");
	isns_put_number(&w, ISNS_TAG_PERIOD, 77);
	isns_put_text(&w, ISNS_TAG_NODE_NAME, "iqn.x:b");
	isns_put_text(&w, ISNS_TAG_NODE_NAME, "iqn.x:somebody");
	assert_int_equal(isns_answer_decode(&entity, buffer, wr_len(&w), true, &a), 0);
	assert_true(a.entity);
	assert_int_equal(a.nodes, 1);
	assert_int_equal(a.period_s, 77);
	/* cut: broken, unless more PDUs follow */
	for (size_t n = 0; n < wr_len(&w); n++) {
		int r = isns_answer_decode(&entity, buffer, n, true, &a);
		assert_true(r == 0 || r == -EBADMSG);
		r = isns_answer_decode(&entity, buffer, n, false, &a);
		assert_int_equal(r, n < 4 ? -EBADMSG : 0);
	}
}

/* RFC 4171 5.1.1, 5.1.3, 5.1.4 */
static void test_headers(void **state)
{
	uint8_t pdu[ISNS_HEADER_BYTES] = { 0, 1, 0, 13, 0, 8 };
	struct isns_header h;

	assert_int_equal(isns_header_decode(pdu, &h), 0);
	pdu[5] = 9;
	assert_int_equal(isns_header_decode(pdu, &h), -EBADMSG);
	pdu[5] = 8;
	pdu[1] = 2;
	assert_int_equal(isns_header_decode(pdu, &h), -EBADMSG);
}

static bool reply(uint16_t function, uint16_t flags, const struct writer *asked, struct writer *w,
	bool *lost)
{
	const struct isns_header h = { .function = function, .flags = flags,
		.bytes = (uint16_t)wr_len(asked), .transaction = 3 };

	return isns_reply(&entity, &h, asked->start, w, lost);
}

static void test_notifications(void **state)
{
	uint8_t asked[200], said[400];
	struct writer q = wr_init(asked, sizeof(asked)), w = wr_init(said, sizeof(said));
	bool lost;

	isns_put_text(&q, ISNS_TAG_NODE_NAME, "iqn.x:a");
	isns_put(&q, ISNS_TAG_TIMESTAMP, said, 8);
	isns_put_number(&q, ISNS_TAG_SCN_BITMAP, ISNS_SCN_ADDED);
	isns_put_text(&q, ISNS_TAG_NODE_NAME, "iqn.x:host");
	assert_true(reply(ISNS_SCN, ISNS_FIRST | ISNS_LAST, &q, &w, &lost));
	assert_false(lost);
	assert_int_equal(be16_get(said + 2), ISNS_SCN | ISNS_ANSWER);
	assert_int_equal(be32_get(said + ISNS_HEADER_BYTES), 0);
	assert_int_equal(wr_len(&w), ISNS_HEADER_BYTES + 4 + 8 + 8);
	/* of a message of several PDUs we see the first */
	w = wr_init(said, sizeof(said));
	assert_true(reply(ISNS_SCN, ISNS_FIRST, &q, &w, &lost));
	assert_true(lost);
	isns_put_text(&q, ISNS_TAG_NODE_NAME, "iqn.x:b");
	w = wr_init(said, sizeof(said));
	assert_true(reply(ISNS_SCN, ISNS_FIRST | ISNS_LAST, &q, &w, &lost));
	assert_true(lost);
	/* an answer that does not fit is none */
	w = wr_init(said, 20);
	assert_false(reply(ISNS_SCN, ISNS_FIRST | ISNS_LAST, &q, &w, &lost));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_register),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_notifications),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
