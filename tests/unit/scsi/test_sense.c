/* SPDX-License-Identifier: MIT */
/* Sense data in both formats (SPC-5 4.5), whole, cut off, and hostile. SEEDS: SENSE_DATA. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <spt/sense.h>

#include "base/util.h"

static void assert_same(const struct spt_sense *a, const struct spt_sense *b)
{
	assert_int_equal(a->deferred, b->deferred);
	assert_int_equal(a->filemark, b->filemark);
	assert_int_equal(a->eom, b->eom);
	assert_int_equal(a->ili, b->ili);
	assert_int_equal(a->key, b->key);
	assert_int_equal(a->asc, b->asc);
	assert_int_equal(a->fru, b->fru);
	assert_int_equal(a->information_valid, b->information_valid);
	assert_int_equal(a->information, b->information);
	assert_int_equal(a->command_specific_valid, b->command_specific_valid);
	assert_int_equal(a->command_specific, b->command_specific);
	assert_int_equal(a->key_specific_valid, b->key_specific_valid);
	assert_memory_equal(a->key_specific, b->key_specific, 3);
}

static const struct spt_sense SAMPLES[] = {
	{ .key = SPT_KEY_NO_SENSE },
	{ .key = SPT_KEY_ILLEGAL_REQUEST, .asc = 0x2400, .key_specific_valid = true,
		.key_specific = { 0xcf, 0x00, 0x02 } },
	{ .key = SPT_KEY_MEDIUM_ERROR, .asc = 0x1100, .information_valid = true,
		.information = 0xdeadbeef, .fru = 7 },
	{ .key = SPT_KEY_NO_SENSE, .asc = 0x0001, .filemark = true, .information_valid = true,
		.information = 3 },
	{ .key = SPT_KEY_NO_SENSE, .eom = true, .ili = true, .deferred = true },
	{ .key = SPT_KEY_COPY_ABORTED, .asc = 0x0d01, .command_specific_valid = true,
		.command_specific = 0x01020304 },
};

static void test_round_trip(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(SAMPLES); i++) {
		for (int descriptor = 0; descriptor < 2; descriptor++) {
			uint8_t data[SPT_SENSE_MAX];
			struct spt_sense back;
			int n = spt_sense_encode(&SAMPLES[i], descriptor, data, sizeof(data));
			assert_true(n >= 8 && n <= (int)sizeof(data));
			assert_int_equal(n, descriptor ? 8 + data[7] : 18);
			assert_int_equal(data[0] & 0x7f,
				(descriptor ? 0x72 : 0x70) + SAMPLES[i].deferred);
			assert_int_equal(spt_sense_decode(data, (size_t)n, &back), 0);
			assert_same(&SAMPLES[i], &back);
			assert_int_equal(spt_sense_encode(&SAMPLES[i], descriptor, data,
				(size_t)n - 1), -EMSGSIZE);
		}
	}
}

/* SPC-5 4.5.3: INFORMATION of the fixed format has 32 bits; more is left out, not cut. */
static void test_wide_information(void **state)
{
	const struct spt_sense s = {
		.key = SPT_KEY_MEDIUM_ERROR, .information_valid = true, .information = 1ull << 40
	};
	struct spt_sense back;
	uint8_t data[64];
	int n = spt_sense_encode(&s, false, data, sizeof(data));

	assert_int_equal(n, 18);
	assert_int_equal(data[0], 0x70);
	assert_int_equal(spt_sense_decode(data, 18, &back), 0);
	assert_false(back.information_valid);
	n = spt_sense_encode(&s, true, data, sizeof(data));
	assert_int_equal(spt_sense_decode(data, (size_t)n, &back), 0);
	assert_int_equal(back.information, 1ull << 40);
}

/* What devices really send, cut where hosts cut it. */
static void test_bytes(void **state)
{
	static const struct {
		uint8_t data[40];
		size_t bytes;
		int result;
		uint8_t key;
		spt_asc_t asc;
		bool ili;
		bool information_valid;
		uint64_t information;
	} rows[] = {
		{ { 0x70 }, 0, -EBADMSG, 0, 0, false, false, 0 },
		{ { 0x70 }, 1, -EBADMSG, 0, 0, false, false, 0 },
		{ { 0x00, 0, 5 }, 18, -EBADMSG, 0, 0, false, false, 0 },
		{ { 0x7f, 0, 5 }, 18, -EBADMSG, 0, 0, false, false, 0 },
		{ { 0x70, 0, 0x05 }, 2, 0, 0, 0, false, false, 0 },
		{ { 0x70, 0, 0x25 }, 3, 0, 5, 0, true, false, 0 },
		{ { 0xf0, 0, 0x03, 1, 2, 3, 4 }, 7, 0, 3, 0, false, true, 0x01020304 },
		{ { 0xf0, 0, 0x03, 1, 2, 3, 4 }, 6, 0, 3, 0, false, false, 0 },
		/* The length that it announces ends before the code. */
		{ { 0x70, 0, 5, [7] = 4, [12] = 0x24 }, 18, 0, 5, 0, false, false, 0 },
		{ { 0x70, 0, 5, [7] = 5, [12] = 0x24, [13] = 1 }, 18, 0, 5, 0x2400, false, false,
			0 },
		{ { 0x70, 0, 5, [7] = 0xff, [12] = 0x24, [13] = 1 }, 18, 0, 5, 0x2401, false, false,
			0 },
		{ { 0x72, 5 }, 2, 0, 5, 0, false, false, 0 },
		{ { 0x72, 5, 0x24, 0x01 }, 4, 0, 5, 0x2401, false, false, 0 },
		/* Announces descriptors that are not there. */
		{ { 0x72, 3, 0x11, 0, 0, 0, 0, 0xff }, 8, 0, 3, 0x1100, false, false, 0 },
		{ { 0x72, 3, 0x11, 0, 0, 0, 0, 12, 0, 10, 0x80 }, 14, 0, 3, 0x1100, false, false,
			0 },
		/* A descriptor shorter than its kind. */
		{ { 0x72, 3, 0x11, 0, 0, 0, 0, 4, 0, 2, 0x80, 0 }, 12, 0, 3, 0x1100, false, false,
			0 },
		/* Zero-length and unknown descriptors before one that is known. */
		{ { 0x72, 3, 0x11, 0, 0, 0, 0, 20, 0x80, 0, 0x7e, 2, 9, 9, 0, 10, 0x80, 0, 0, 0, 0,
			0,
			0, 0, 0, 9 }, 26, 0, 3, 0x1100, false, true, 9 },
		{ { 0x72, 0, 0, 0, 0, 0, 0, 4, 5, 2, 0, 0x20 }, 12, 0, 0, 0, true, false, 0 },
		/* SBC-4 4.18.5: the direct access block device descriptor. */
		{ { 0x72, 3, 0x11, 0, 0, 0, 0, 0x20, 0x0d, 0x1e, 0xa0, [23] = 0x42 }, 40, 0, 3,
			0x1100,
			true, true, 0x42 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_sense s = { .key = 0xaa };
		assert_int_equal(spt_sense_decode(rows[i].data, rows[i].bytes, &s), rows[i].result);
		if (rows[i].result < 0) {
			assert_int_equal(s.key, 0xaa); /* untouched */
			continue;
		}
		assert_int_equal(s.key, rows[i].key);
		assert_int_equal(s.asc, rows[i].asc);
		assert_int_equal(s.ili, rows[i].ili);
		assert_int_equal(s.information_valid, rows[i].information_valid);
		assert_int_equal(s.information, rows[i].information);
	}
}

/* Any bytes, of any length, from a buffer that ends where they end. */
static void test_noise(void **state)
{
	uint32_t seed = 12345;

	for (int round = 0; round < 20000; round++) {
		uint8_t data[SPT_SENSE_MAX + 8];
		size_t bytes = (size_t)round % sizeof(data);
		uint8_t *end = data + sizeof(data) - bytes;
		for (size_t i = 0; i < bytes; i++) {
			seed = seed * 1664525 + 1013904223;
			end[i] = (uint8_t)(seed >> 24);
		}
		if (bytes)
			end[0] = (uint8_t)(0x70 + round % 5);
		char text[80];
		struct spt_sense s;
		spt_sense_print(end, bytes, text, sizeof(text));
		assert_true(strlen(text) < sizeof(text) && text[0]);
		if (!spt_sense_decode(end, bytes, &s))
			assert_true(s.key <= 0x0f);
	}
}

static void test_names(void **state)
{
	static const struct {
		spt_asc_t asc;
		const char *name;
	} rows[] = {
		{ 0x0000, "NO ADDITIONAL SENSE INFORMATION" },
		{ 0x2400, "INVALID FIELD IN CDB" },
		{ 0x2707, "SPACE ALLOCATION FAILED WRITE PROTECT" },
		{ 0x2901, "POWER ON OCCURRED" },
		{ 0x4085, "DIAGNOSTIC FAILURE ON COMPONENT" },
		{ 0x4d07, "TAGGED OVERLAPPED COMMANDS" },
		{ 0x7479, "SECURITY CONFLICT IN TRANSLATED DEVICE" },
		{ 0x8001, "VENDOR SPECIFIC" },
		{ 0x2455, "UNKNOWN" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(spt_asc_name(rows[i].asc), rows[i].name);
	for (unsigned i = 0; i < 256; i++)
		assert_true(strlen(spt_sense_key_name((uint8_t)i)) > 5);
}

/* Bisection wants the table in order. */
static void test_names_in_order(void **state)
{
	static const spt_asc_t codes[] = {
#define ASC(code, name) code,
#include "scsi/asc.def"
#undef ASC
	};
	for (size_t i = 1; i < ARRAY_SIZE(codes); i++)
		assert_true(codes[i - 1] < codes[i]);
}

static void test_print(void **state)
{
	static const uint8_t field[18] = {
		0x70, 0, 5, [7] = 10, [12] = 0x24, [15] = 0xcc, 0, 2
	};
	char text[160];

	spt_sense_print(field, sizeof(field), text, sizeof(text));
	assert_string_equal(text,
		"ILLEGAL REQUEST, INVALID FIELD IN CDB (5/24/00), CDB byte 2 bit 4");
	spt_sense_print(field, 1, text, sizeof(text));
	assert_string_equal(text, "no sense data (1 bytes)");
	spt_sense_print(field, sizeof(field), text, 8);
	assert_string_equal(text, "ILLEGAL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_wide_information),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_in_order),
		cmocka_unit_test(test_print),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
