/* SPDX-License-Identifier: MIT */
/* Mode parameters (SPC-5 7.5): headers, block descriptors, page controls, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"
#include "scsi/mode.h"

enum { FLAG_A = 1, FLAG_B = 2 };

static const struct mode_page PAGES[] = {
	{ 0x08, 20, { [3] = 0x77 } },
	{ 0x0a, 12, { [2] = 0x20 } },
};
static const struct mode_bit BITS[] = {
	{ 0x08, 2, 0x04, FLAG_A },
	{ 0x0a, 4, 0x08, FLAG_B },
};
static const struct mode_pages SET = { PAGES, 2, BITS, 2 };

static struct mode_sense request(void)
{
	return (struct mode_sense){
		.descriptor = true,
		.page = 0x3f,
		.device_parameter = 0x10,
		.blocks = 1000,
		.block_bytes = 512,
		.current = FLAG_A,
		.defaults = FLAG_B,
	};
}

static void test_sense_six(void **state)
{
	struct mode_sense r = request();
	uint8_t data[128];

	assert_int_equal(mode_sense(&SET, &r, data, sizeof(data)), 4 + 8 + 20 + 12);
	assert_int_equal(data[0], 4 + 8 + 20 + 12 - 1);
	assert_int_equal(data[2], 0x10);
	assert_int_equal(data[3], 8);
	assert_int_equal(be32_get(data + 4), 1000);
	assert_int_equal(be24_get(data + 9), 512);
	assert_int_equal(data[12], 0x08);
	assert_int_equal(data[13], 18);
	assert_int_equal(data[32], 0x0a);
	assert_int_equal(mode_sense(&SET, &r, data, 20), -EMSGSIZE);
	r.descriptor = false;
	assert_int_equal(mode_sense(&SET, &r, data, sizeof(data)), 4 + 20 + 12);
	assert_int_equal(data[3], 0);
}

/* SBC-4 6.5.2: more blocks than the short descriptor holds are all ones; LLBAA gives 64 bits. */
static void test_sense_ten(void **state)
{
	struct mode_sense r = request();
	uint8_t data[128];

	r.ten = true;
	r.blocks = 1ull << 33;
	assert_int_equal(mode_sense(&SET, &r, data, sizeof(data)), 8 + 8 + 32);
	assert_int_equal(be16_get(data), 8 + 8 + 32 - 2);
	assert_int_equal(be32_get(data + 8), UINT32_MAX);
	r.long_lba = true;
	assert_int_equal(mode_sense(&SET, &r, data, sizeof(data)), 8 + 16 + 32);
	assert_int_equal(data[4], 1);
	assert_int_equal(be16_get(data + 6), 16);
	assert_int_equal(be64_get(data + 8), 1ull << 33);
	assert_int_equal(be32_get(data + 20), 512);
}

static void test_page_control(void **state)
{
	static const struct {
		enum mode_control control;
		uint8_t page, at, value, filler;
	} rows[] = {
		{ MODE_CURRENT, 0x08, 2, 0x04, 0x77 },	  { MODE_DEFAULT, 0x08, 2, 0x00, 0x77 },
		{ MODE_CHANGEABLE, 0x08, 2, 0x04, 0x00 }, { MODE_CURRENT, 0x0a, 4, 0x00, 0x00 },
		{ MODE_DEFAULT, 0x0a, 4, 0x08, 0x00 },	  { MODE_CHANGEABLE, 0x0a, 4, 0x08, 0x00 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mode_sense r = request();
		uint8_t data[64];
		r.descriptor = false;
		r.page = rows[i].page;
		r.control = rows[i].control;
		assert_true(mode_sense(&SET, &r, data, sizeof(data)) > 4);
		assert_int_equal(data[4], rows[i].page);
		assert_int_equal(data[4 + rows[i].at], rows[i].value);
		assert_int_equal(data[4 + 3], rows[i].filler);
	}
}

static void test_no_such_page(void **state)
{
	struct mode_sense r = request();
	uint8_t data[64];

	r.page = 0x30;
	assert_int_equal(mode_sense(&SET, &r, data, sizeof(data)), -ENOENT);
	r.page = 0x08;
	r.subpage = 1;
	assert_int_equal(mode_sense(&SET, &r, data, sizeof(data)), -ENXIO);
	r.subpage = 0xff;
	assert_int_equal(mode_sense(&SET, &r, data, sizeof(data)), 4 + 8 + 20);
}

/* What was sensed can be selected again, in every form, and only named bits change. */
static void test_select_round_trip(void **state)
{
	for (unsigned form = 0; form < 8; form++) {
		struct mode_sense r = request();
		uint8_t data[128];
		r.ten = form & 1;
		r.descriptor = form & 2;
		r.long_lba = form & 4;
		int n = mode_sense(&SET, &r, data, sizeof(data));
		struct mode_select s = {
			.ten = r.ten, .blocks = 1000, .block_bytes = 512, .flags = FLAG_A, .bit = -1
		};
		assert_int_equal(mode_select(&SET, data, (size_t)n, &s), MODE_OK);
		assert_int_equal(s.flags, FLAG_A);
		data[n - 12 + 4] ^= 0x08;
		assert_int_equal(mode_select(&SET, data, (size_t)n, &s), MODE_OK);
		assert_int_equal(s.flags, FLAG_A | FLAG_B);
	}
}

/* Cut anywhere, a list is refused or taken, and never read beyond; a fault changes nothing. */
static void test_select_cut(void **state)
{
	struct mode_sense r = request();
	uint8_t data[128];
	int n = mode_sense(&SET, &r, data, sizeof(data));

	for (int bytes = 0; bytes < n; bytes++) {
		uint8_t exact[128];
		uint8_t *end = exact + sizeof(exact) - bytes;
		memcpy(end, data, (size_t)bytes);
		struct mode_select s = { .blocks = 1000, .block_bytes = 512, .flags = FLAG_B };
		enum mode_fault f = mode_select(&SET, end, (size_t)bytes, &s);
		bool whole = bytes == 0 || bytes == 12 || bytes == 32;
		assert_int_equal(f, whole ? MODE_OK : MODE_BAD_LENGTH);
		if (f != MODE_OK)
			assert_int_equal(s.flags, FLAG_B);
	}
}

static void test_select_faults(void **state)
{
	static const struct {
		uint8_t at, value;
		uint16_t byte;
		int bit;
	} rows[] = {
		{ 12, 0x48, 12, 6 }, /* SPF */
		{ 12, 0x31, 12, 5 }, /* no such page */
		{ 13, 17, 13, -1 },  /* its length */
		{ 14, 0x01, 14, 0 }, /* a bit that cannot be changed */
		{ 15, 0x76, 15, 0 }, /* likewise, to zero */
		{ 31, 0x80, 31, 7 },
		{ 5, 0x01, 4, -1 }, /* number of blocks */
		{ 10, 0x10, 9, -1 }, /* block length */
		{ 3, 9, 3, -1 },     /* block descriptor length */
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mode_sense r = request();
		uint8_t data[128];
		int n = mode_sense(&SET, &r, data, sizeof(data));
		struct mode_select s = { .blocks = 1000, .block_bytes = 512, .flags = FLAG_A };
		data[rows[i].at] = rows[i].value;
		assert_int_equal(mode_select(&SET, data, (size_t)n, &s), MODE_BAD_FIELD);
		assert_int_equal(s.byte, rows[i].byte);
		assert_int_equal(s.bit, rows[i].bit);
		assert_int_equal(s.flags, FLAG_A);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sense_six),
		cmocka_unit_test(test_sense_ten),
		cmocka_unit_test(test_page_control),
		cmocka_unit_test(test_no_such_page),
		cmocka_unit_test(test_select_round_trip),
		cmocka_unit_test(test_select_cut),
		cmocka_unit_test(test_select_faults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
