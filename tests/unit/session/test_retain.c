/* SPDX-License-Identifier: MIT */
/* What is kept until it is acknowledged: the numbers, over their wrap too, and the bounds (RFC 7143 4.2.2.2, 11.16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/list.h"
#include "rig.h"

static unsigned released;

static void release(struct retained *r)
{
	released++;
	free(r);
}

static void lost(struct retained *r, struct conn *conn)
{
	release(r);
}

static const struct retained_ops OPS = { .release = release, .lost = lost };

static void put(struct conn *conn, uint32_t bytes)
{
	struct retained *r = calloc(1, sizeof(*r));

	r->ops = &OPS;
	r->bytes = bytes;
	r->stat_sn = conn->stat_sn;
	conn->stat_sn = sn_add(conn->stat_sn, 1);
	retain_put(conn, r);
}

static void open_at(struct rig *rig, uint32_t stat_sn)
{
	rig_open_entered(rig);
	rig->conn->stat_sn = sn(stat_sn);
	retain_init(rig->conn);
	released = 0;
}

static void acknowledged(void **state)
{
	static const uint32_t starts[] = { 0, 1, 0x7ffffffe, 0x80000000, 0xfffffffd };

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		struct rig rig;
		open_at(&rig, starts[i]);
		for (unsigned n = 0; n < 10; n++)
			put(rig.conn, 1);
		retain_ack(rig.conn, sn(starts[i]));
		retain_ack(rig.conn, sn(starts[i] + 11)); /* never sent */
		retain_ack(rig.conn, sn(starts[i] - 3));  /* an old one */
		assert_int_equal(released, 0);
		retain_ack(rig.conn, sn(starts[i] + 4));
		assert_int_equal(released, 4);
		retain_ack(rig.conn, sn(starts[i] + 3)); /* late */
		assert_int_equal(released, 4);
		retain_ack(rig.conn, sn(starts[i] + 10));
		assert_int_equal(released, 10);
		assert_true(list_empty(&rig.conn->retain.list));
		assert_int_equal(rig.conn->retain.n, 0);
		assert_int_equal(rig.conn->retain.bytes, 0);
		put(rig.conn, 0);
		rig_close(&rig);
		assert_int_equal(released, 11);
	}
}

static void bounded(void **state)
{
	struct rig rig;

	open_at(&rig, 0xffffff00);
	for (unsigned n = 0; n < 1000; n++)
		put(rig.conn, 0);
	assert_int_equal(rig.conn->retain.n, RETAIN_MAX);
	assert_int_equal(released, 1000 - RETAIN_MAX);
	assert_int_equal(rig.conn->retain.forgotten.v, 0xffffff00 + 1000 - RETAIN_MAX);
	for (unsigned n = 0; n < 10; n++)
		put(rig.conn, RETAIN_MAX_BYTES / 4);
	assert_int_equal(rig.conn->retain.n, 4);
	assert_true(rig.conn->retain.bytes <= RETAIN_MAX_BYTES);
	rig_close(&rig);
	assert_int_equal(released, 1010);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acknowledged),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
