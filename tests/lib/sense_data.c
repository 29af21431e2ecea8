/* SPDX-License-Identifier: MIT */
/*
 * SENSE_DATA: struct spt_sense has every member of it, decoded from and encoded to the fixed and the
 * descriptor format (SPC-5 4.5.2, 4.5.3).
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <spt/sense.h>

struct row {
	const char *what;
	unsigned bytes;
	uint8_t data[32];
	struct spt_sense sense;
};

static const struct row ROWS[] = {
	{ "ErrorCode 70h, SenseKey, ASC, ASCQ", 18,
		{ 0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0x00 },
		{ .key = 5, .asc = 0x2400 } },
	{ "ErrorCode 71h: deferred", 18, { 0x71, 0, 0x03, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x0c, 0x02 },
		{ .deferred = true, .key = 3, .asc = 0x0c02 } },
	{ "Valid, Information", 18,
		{ 0xf0, 0, 0x03, 0x12, 0x34, 0x56, 0x78, 10, 0, 0, 0, 0, 0x11, 0x00 },
		{ .key = 3, .asc = 0x1100, .information_valid = true, .information = 0x12345678 } },
	{ "FileMark", 18, { 0x70, 0, 0x80, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x00, 0x01 },
		{ .filemark = true, .asc = 0x0001 } },
	{ "EndOfMedia", 18, { 0x70, 0, 0x40, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x00, 0x02 },
		{ .eom = true, .asc = 0x0002 } },
	{ "IncorrectLength", 18, { 0xf0, 0, 0x20, 0xff, 0xff, 0xfe, 0x00, 10 },
		{ .ili = true, .information_valid = true, .information = 0xfffffe00 } },
	{ "CommandSpecificInformation", 18,
		{ 0x70, 0, 0x0b, 0, 0, 0, 0, 10, 0x0a, 0x0b, 0x0c, 0x0d, 0x4e, 0x00 },
		{ .key = 0xb, .asc = 0x4e00, .command_specific_valid = true,
			.command_specific = 0x0a0b0c0d } },
	{ "FRU", 18, { 0x70, 0, 0x04, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x44, 0x00, 0x99 },
		{ .key = 4, .asc = 0x4400, .fru = 0x99 } },
	{ "SenseKeySpecific: field pointer", 18,
		{ 0x70, 0, 0x05, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0x00, 0, 0xcf, 0x00, 0x02 },
		{ .key = 5, .asc = 0x2400, .key_specific_valid = true,
			.key_specific = { 0xcf, 0x00, 0x02 } } },
	{ "descriptor format", 8, { 0x72, 0x02, 0x3a, 0x00 }, { .key = 2, .asc = 0x3a00 } },
	{ "descriptor format, deferred, 64-bit Information", 20,
		{ 0x73, 0x03, 0x11, 0x00, 0, 0, 0, 12, 0x00, 0x0a, 0x80, 0, 1, 2, 3, 4, 5, 6, 7, 8 },
		{ .deferred = true, .key = 3, .asc = 0x1100, .information_valid = true,
			.information = 0x0102030405060708 } },
	{ "descriptor format, stream commands", 12,
		{ 0x72, 0x00, 0x00, 0x01, 0, 0, 0, 4, 0x04, 0x02, 0x00, 0x80 },
		{ .filemark = true, .asc = 0x0001 } },
};

static void assert_same(const struct spt_sense *a, const struct spt_sense *b, const char *what)
{
	if (a->deferred != b->deferred || a->filemark != b->filemark || a->eom != b->eom ||
		a->ili != b->ili || a->key != b->key || a->asc != b->asc || a->fru != b->fru ||
		a->information_valid != b->information_valid || a->information != b->information ||
		a->command_specific_valid != b->command_specific_valid ||
		a->command_specific != b->command_specific ||
		a->key_specific_valid != b->key_specific_valid ||
		memcmp(a->key_specific, b->key_specific, 3))
		fail_msg("%s", what);
}

static void test_decode(void **state)
{
	struct spt_sense s;

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		assert_int_equal(spt_sense_decode(ROWS[i].data, ROWS[i].bytes, &s), 0);
		assert_same(&s, &ROWS[i].sense, ROWS[i].what);
	}
}

/* To both formats and back again; 18 bytes are the fixed one's. */
static void test_encode(void **state)
{
	uint8_t data[SPT_SENSE_MAX];
	struct spt_sense s;

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		const struct row *r = &ROWS[i];
		for (int descriptor = 0; descriptor < 2; descriptor++) {
			int n = spt_sense_encode(&r->sense, descriptor, data, sizeof(data));
			assert_true(descriptor ? n >= 8 : n == 18);
			assert_int_equal(data[0] & 0x7f, (descriptor ? 0x72 : 0x70) + r->sense.deferred);
			if (!descriptor && r->sense.information > UINT32_MAX)
				continue; /* it has no room for that */
			assert_int_equal(spt_sense_decode(data, (size_t)n, &s), 0);
			assert_same(&s, &r->sense, r->what);
		}
	}
}

static void test_encode_fixed_bytes(void **state)
{
	uint8_t data[18];

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		if (ROWS[i].bytes != 18)
			continue;
		assert_int_equal(spt_sense_encode(&ROWS[i].sense, false, data, sizeof(data)), 18);
		assert_memory_equal(data, ROWS[i].data, 18);
	}
}

static void test_no_room(void **state)
{
	uint8_t data[17];
	struct spt_sense s = { .key = 5 };

	assert_int_equal(spt_sense_encode(&s, false, data, 17), -EMSGSIZE);
	assert_int_equal(spt_sense_encode(&s, true, data, 7), -EMSGSIZE);
}

static void test_no_sense_data(void **state)
{
	static const uint8_t unknown[18] = { 0x7f };
	struct spt_sense s;

	assert_int_equal(spt_sense_decode(unknown, 18, &s), -EBADMSG);
	assert_int_equal(spt_sense_decode(ROWS[0].data, 0, &s), -EBADMSG);
	assert_int_equal(spt_sense_decode(ROWS[0].data, 1, &s), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_encode_fixed_bytes),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_no_sense_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
