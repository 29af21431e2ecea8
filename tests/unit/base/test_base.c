/* SPDX-License-Identifier: MIT */
/* The base: strict parsing, cursors with a sticky error, big-endian access, lists, serials. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/be.h"
#include "base/cursor.h"
#include "base/list.h"
#include "base/parse.h"
#include "base/sn.h"
#include "base/util.h"

struct number_row {
	const char *text;
	int result;
	uint64_t value;
};

static void run_numbers(int (*parse)(const char *, uint64_t *), const struct number_row *rows,
	size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t value = 4711;
		int r = parse(rows[i].text, &value);
		if (r != rows[i].result || value != (r ? 4711 : rows[i].value))
			fail_msg("'%s': result %d, value %llu", rows[i].text, r,
				(unsigned long long)value);
	}
}

static void test_parse_u64(void **state)
{
	static const struct number_row rows[] = {
		{ "0", 0, 0 }, { "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 }, { "0xff", 0, 255 }, { "0XfF", 0, 255 },
		{ "0x10000000000000000", -ERANGE, 0 }, { "007", 0, 7 }, { "", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 }, { "x1", -EINVAL, 0 }, { " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "1e3", -EINVAL, 0 },
		{ "12abc", -EINVAL, 0 },
	};
	run_numbers(parse_u64, rows, ARRAY_SIZE(rows));
	uint64_t v = 9;
	assert_int_equal(parse_u64_range("5", 5, 6, &v), 0);
	assert_int_equal(v, 5);
	assert_int_equal(parse_u64_range("4", 5, 6, &v), -ERANGE);
	assert_int_equal(parse_u64_range("7", 5, 6, &v), -ERANGE);
	assert_int_equal(v, 5);
}

static void test_parse_size(void **state)
{
	static const struct number_row rows[] = {
		{ "1", 0, 1 }, { "1B", 0, 1 }, { "4K", 0, 4096 }, { "4k", 0, 4096 },
		{ "1MiB", 0, 1 << 20 },
		{ "3G", 0, 3ull << 30 }, { "16777215T", 0, 16777215ull << 40 },
		{ "16777216T", -ERANGE, 0 }, { "1KB", -EINVAL, 0 }, { "1.5G", -EINVAL, 0 },
		{ "G", -EINVAL, 0 }, { "1 G", -EINVAL, 0 }, { "0x10K", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};
	run_numbers(parse_size, rows, ARRAY_SIZE(rows));
}

static void test_parse_duration(void **state)
{
	static const struct number_row rows[] = {
		{ "1", 0, 1000000 }, { "1us", 0, 1 }, { "15ms", 0, 15000 }, { "2s", 0, 2000000 },
		{ "3min", 0, 180000000 }, { "1h", 0, 3600000000ull }, { "1d", -EINVAL, 0 },
		{ "ms", -EINVAL, 0 }, { "18446744073709551615h", -ERANGE, 0 },
	};
	run_numbers(parse_duration, rows, ARRAY_SIZE(rows));
}

static void test_parse_bool(void **state)
{
	static const struct {
		const char *text;
		int result;
		bool value;
	} rows[] = {
		{ "yes", 0, true }, { "no", 0, false }, { "TRUE", 0, true }, { "false", 0, false },
		{ "on", 0, true }, { "Off", 0, false }, { "1", 0, true }, { "0", 0, false },
		{ "y", -EINVAL, false }, { "", -EINVAL, false }, { "yes ", -EINVAL, false },
		{ "2", -EINVAL, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int before = 0; before < 2; before++) {
			bool v = before;
			assert_int_equal(parse_bool(rows[i].text, &v), rows[i].result);
			assert_int_equal(v, rows[i].result ? before : rows[i].value);
		}
	}
}

static void test_cursor(void **state)
{
	static const uint8_t data[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
		18 };
	struct cursor c = cur_init(data, sizeof(data));

	assert_int_equal(cur_u8(&c), 1);
	assert_int_equal(cur_be16(&c), 0x0203);
	assert_int_equal(cur_be24(&c), 0x040506);
	assert_int_equal(cur_be32(&c), 0x0708090a);
	assert_int_equal(cur_left(&c), 8);
	assert_int_equal(cur_be64(&c), 0x0b0c0d0e0f101112);
	assert_int_equal(c.err, 0);
	assert_int_equal(cur_left(&c), 0);
	assert_non_null(cur_take(&c, 0));
	assert_int_equal(c.err, 0);
	assert_int_equal(cur_u8(&c), 0);
	assert_int_equal(c.err, -EBADMSG);
}

/* After an overrun nothing is taken any more, not even what would fit. */
static void test_cursor_sticky(void **state)
{
	static const uint8_t data[] = { 1, 2, 3 };
	struct cursor c = cur_init(data, sizeof(data));

	assert_int_equal(cur_be32(&c), 0);
	assert_int_equal(c.err, -EBADMSG);
	assert_int_equal(cur_u8(&c), 0);
	assert_null(cur_take(&c, 1));
	c = cur_init(data, sizeof(data));
	cur_skip(&c, SIZE_MAX);
	assert_int_equal(c.err, -EBADMSG);
}

static void test_writer(void **state)
{
	uint8_t out[18];
	struct writer w = wr_init(out, sizeof(out));

	memset(out, 0xee, sizeof(out));
	wr_u8(&w, 1);
	wr_be16(&w, 0x0203);
	wr_be24(&w, 0x040506);
	wr_be32(&w, 0x0708090a);
	wr_ascii(&w, "ab", 4);
	wr_ascii(&w, "abcdef", 2);
	wr_zero(&w, 1);
	assert_int_equal(w.err, 0);
	assert_int_equal(wr_len(&w), 17);
	assert_memory_equal(out, "\1\2\3\4\5\6\7\10\11\12ab  ab\0\xee", 18);
	wr_be16(&w, 0xffff);
	assert_int_equal(w.err, -EMSGSIZE);
	wr_u8(&w, 0xff);
	assert_int_equal(wr_len(&w), 17);
	assert_int_equal(out[17], 0xee);
	assert_null(wr_reserve(&w, 0));
}

static void test_be(void **state)
{
	uint8_t b[8];

	be64_put(b, 0x0102030405060708);
	assert_int_equal(be64_get(b), 0x0102030405060708);
	assert_int_equal(be16_get(b), 0x0102);
	assert_int_equal(be24_get(b), 0x010203);
	assert_int_equal(be32_get(b), 0x01020304);
	assert_int_equal(be48_get(b), 0x010203040506);
	be48_put(b + 1, 0xfffefdfcfbfa);
	assert_int_equal(be64_get(b), 0x01fffefdfcfbfa08);
	be24_put(b, 0x80ffff);
	assert_int_equal(be24_get(b), 0x80ffff);
	be32_put(b, 0xffffffff);
	assert_int_equal(be32_get(b), 0xffffffff);
}

struct item {
	int value;
	struct spt_link link;
};

static void test_list(void **state)
{
	struct spt_link head;
	struct item items[4], *i, *next;
	int expected = 0;

	list_init(&head);
	assert_true(list_empty(&head));
	assert_null(list_first(&head, struct item, link));
	for (int n = 0; n < 4; n++)
		items[n].value = n;
	for (int n = 1; n < 4; n++) {
		list_init(&items[n].link);
		assert_false(list_in(&items[n].link));
		list_append(&head, &items[n].link);
		assert_true(list_in(&items[n].link));
	}
	list_prepend(&head, &items[0].link);
	list_foreach (i, &head, link)
		assert_int_equal(i->value, expected++);
	assert_int_equal(expected, 4);
	list_foreach_safe (i, next, &head, link) {
		if (i->value & 1)
			list_del(&i->link);
	}
	list_del(&items[1].link); /* twice is allowed */
	expected = 0;
	list_foreach (i, &head, link) {
		assert_int_equal(i->value, expected);
		expected += 2;
	}
	assert_int_equal(expected, 4);
	assert_ptr_equal(list_first(&head, struct item, link), &items[0]);
}

/* RFC 1982: order by the shorter way around. */
static void test_sn(void **state)
{
	static const struct {
		uint32_t a, b;
		bool less;
	} rows[] = {
		{ 0, 1, true }, { 1, 0, false }, { 5, 5, false }, { 0xffffffff, 0, true },
		{ 0, 0xffffffff, false }, { 0x7fffffff, 0x80000000, true }, { 0, 0x7fffffff, true },
		{ 0xfffffff0, 0x10, true },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		sn_t a = sn(rows[i].a), b = sn(rows[i].b);
		assert_int_equal(sn_lt(a, b), rows[i].less);
		assert_int_equal(sn_le(a, b), rows[i].less || rows[i].a == rows[i].b);
		assert_int_equal(sn_add(a, (uint32_t)sn_diff(b, a)).v, rows[i].b);
	}
	assert_int_equal(sn_diff(sn(2), sn(0xfffffffe)), 4);
	assert_true(sn_eq(sn_add(sn(0xffffffff), 1), sn(0)));
}

static void test_util(void **state)
{
	char *p = (char *)1;
	char *taken = TAKE(p);

	assert_null(p);
	assert_ptr_equal(taken, (char *)1);
	assert_int_equal(ROUND_UP(0u, 4u), 0);
	assert_int_equal(ROUND_UP(1u, 4u), 4);
	assert_int_equal(ROUND_UP(4u, 4u), 4);
	assert_int_equal(MIN(3, 4), 3);
	assert_int_equal(MAX(3, 4), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_u64),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_parse_duration),
		cmocka_unit_test(test_parse_bool),
		cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_cursor_sticky),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_be),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_sn),
		cmocka_unit_test(test_util),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
