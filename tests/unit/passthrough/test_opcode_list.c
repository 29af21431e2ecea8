/* SPDX-License-Identifier: MIT */
/* SPC-5 6.34: what is refused above a device is not in its list of commands, in either format, cut or whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/util.h"
#include "passthrough/opcode_list.h"

static const struct pass_limits REFUSES = { .max_cdb_bytes = 32, .max_transfer_bytes = 1 << 20 };
static const struct pass_limits COPIES = { .max_cdb_bytes = 32,
	.max_transfer_bytes = 1 << 20,
	.third_party_copy = true };

/* A descriptor of operation code @op; with @timeouts, one of its timeouts behind it. */
static size_t descriptor(uint8_t *p, uint8_t op, uint16_t cdb_bytes, bool timeouts)
{
	memset(p, 0, 20);
	p[0] = op;
	p[5] = timeouts ? 0x02 : 0;
	be16_put(p + 6, cdb_bytes);
	if (timeouts) {
		p[9] = 0x0a;
		p[19] = op;
	}
	return timeouts ? 20 : 8;
}

/* The list of a device. */
static uint32_t make_list(uint8_t *data, bool timeouts)
{
	static const struct {
		uint8_t op, cdb_bytes;
	} rows[] = { { 0x00, 6 }, { 0x18, 6 }, { 0x28, 10 }, { 0x83, 16 }, { 0x84, 16 }, { 0x7f, 32 },
		{ 0x7f, 36 }, { 0x39, 10 }, { 0xa3, 12 }, { 0x3a, 10 } };
	size_t n = 4;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		n += descriptor(data + n, rows[i].op, rows[i].cdb_bytes, timeouts);
	be32_put(data, (uint32_t)n - 4);
	return (uint32_t)n;
}

static struct spt_task task_for(uint8_t options, uint8_t op, uint32_t allocation, uint32_t expected)
{
	struct spt_task t = { .cdb = { 0xa3, 0x0c, options, op }, .cdb_bytes = 16 };

	be32_put(t.cdb + 6, allocation);
	t.expected_in_bytes = expected;
	return t;
}

static void test_all(void **state)
{
	static const uint8_t left[] = { 0x00, 0x28, 0x7f, 0xa3 };
	static const struct {
		uint32_t allocation, expected;
	} rows[] = { { 4096, 4096 }, { 4, 4 }, { 4, 512 }, { 0, 8 }, { 30, 4096 }, { 4096, 17 },
		{ UINT32_MAX, 4096 }, { 36, 36 }, { 84, 84 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows) * 2; i++) {
		bool timeouts = i % 2;
		uint32_t allocation = rows[i / 2].allocation, expected = rows[i / 2].expected;
		uint32_t one = timeouts ? 20 : 8, total = 4 + 4 * one;
		uint8_t data[256];
		struct spt_task t = task_for(timeouts ? 0x80 : 0, 0, allocation, expected);

		/* The device is asked for all of it. */
		uint8_t cdb[16];
		memcpy(cdb, t.cdb, 16);
		opcode_list_widen(&REFUSES, cdb, 16383);
		assert_memory_equal(cdb, t.cdb, 16); /* there is no room */
		opcode_list_widen(&REFUSES, cdb, 16384);
		assert_int_equal(be32_get(cdb + 6), MAX(allocation, 16384u));
		assert_memory_equal(cdb, t.cdb, 6);
		assert_int_equal(opcode_list_room(&REFUSES, t.cdb), 16384);

		t.in = (struct spt_data){ .data = data, .bytes = make_list(data, timeouts) };
		t.in_would_bytes = t.in.bytes;
		opcode_list_hide(&REFUSES, &t, true);
		assert_int_equal(t.in_would_bytes, MIN(total, allocation));
		assert_int_equal(t.in.bytes, MIN(MIN(total, allocation), expected));
		assert_int_equal(be32_get(data), total - 4); /* SPC-5 4.2.5.6: whatever is cut */
		for (unsigned d = 0; d < 4; d++) {
			const uint8_t *p = data + 4 + d * one;
			assert_int_equal(p[0], left[d]);
			assert_int_equal(timeouts ? p[19] : 0, timeouts ? left[d] : 0);
		}
	}
}

/* Nothing is refused but a CDB that is too long; the data are no list; the command failed. */
static void test_others(void **state)
{
	uint8_t data[256];
	struct spt_task t = task_for(0, 0, 256, 256);
	uint32_t whole = make_list(data, false);

	t.in = (struct spt_data){ data, whole };
	opcode_list_hide(&COPIES, &t, true);
	assert_int_equal(t.in.bytes, whole - 8);

	/* It is longer than what came of it, or than any. */
	for (unsigned i = 0; i < 2; i++) {
		t.in.bytes = make_list(data, false);
		be32_put(data, i ? UINT32_MAX : whole);
		opcode_list_hide(&REFUSES, &t, true);
		assert_int_equal(t.in.bytes, whole);
		assert_int_equal(data[4 + 8], 0x18);
	}
	t.in.bytes = 3;
	opcode_list_hide(&REFUSES, &t, true);
	assert_int_equal(t.in.bytes, 3);

	/* half a descriptor at the end */
	make_list(data, true);
	be32_put(data, 30);
	t.in.bytes = 34;
	opcode_list_hide(&REFUSES, &t, true);
	assert_int_equal(be32_get(data), 20);

	t.expected_in_bytes = 16;
	t.in.bytes = 16384;
	t.in_would_bytes = 16384;
	opcode_list_hide(&REFUSES, &t, false);
	assert_int_equal(t.in.bytes, 16);
	assert_int_equal(t.in_would_bytes, 16);

	/* The initiator has no room at all: nothing was asked differently. */
	struct spt_task none = task_for(0, 0, 512, 0);
	none.in_would_bytes = 180;
	opcode_list_hide(&REFUSES, &none, true);
	assert_int_equal(none.in_would_bytes, 180);

	struct spt_task other = { .cdb = { 0xa3, 0x0a }, .in = { data, 64 }, .in_would_bytes = 64,
		.expected_in_bytes = 64 };
	opcode_list_hide(&REFUSES, &other, true); /* REPORT TARGET PORT GROUPS */
	assert_int_equal(other.in.bytes, 64);
	assert_int_equal(opcode_list_room(&REFUSES, other.cdb), 0);
}

static void test_one(void **state)
{
	static const struct {
		uint8_t options, op, cdb_bytes;
		bool hidden;
	} rows[] = {
		{ 0x01, 0x83, 16, true },
		{ 0x82, 0x83, 16, true },
		{ 0x03, 0x84, 16, true },
		{ 0x01, 0x18, 6, true },
		{ 0x02, 0x7f, 36, true },
		{ 0x02, 0x7f, 32, false },
		{ 0x81, 0x28, 10, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t data[64] = { 0, (uint8_t)(0x03 | (rows[i].options & 0x80)), 0,
			rows[i].cdb_bytes };
		uint32_t bytes = 4u + rows[i].cdb_bytes + (rows[i].options & 0x80 ? 12 : 0);
		struct spt_task t = task_for(rows[i].options, rows[i].op, 64, 64);

		assert_int_equal(opcode_list_room(&REFUSES, t.cdb), 0);
		t.in = (struct spt_data){ data, bytes };
		t.in_would_bytes = bytes;
		opcode_list_hide(&REFUSES, &t, true);
		assert_int_equal(t.in.bytes, rows[i].hidden ? 4 : bytes);
		assert_int_equal(t.in_would_bytes, rows[i].hidden ? 4 : bytes);
		assert_int_equal(data[1], rows[i].hidden ? 0x01 : 0x03 | (rows[i].options & 0x80));
		assert_int_equal(data[3], rows[i].hidden ? 0 : rows[i].cdb_bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
