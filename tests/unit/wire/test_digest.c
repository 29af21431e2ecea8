/* SPDX-License-Identifier: MIT */
/* CRC32C against the examples of RFC 7143 A.4, whole and in pieces, by both engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "wire/digest.h"

typedef crc32c_t (*add_fn)(crc32c_t crc, const void *data, size_t bytes);

static const add_fn ENGINES[] = { crc32c_add, crc32c_add_portable };

static const struct {
	const char *what;
	uint8_t data[48];
	size_t bytes;
	uint8_t wire[4];
} EXAMPLES[] = {
	{ "32 bytes of zeroes", { 0 }, 32, { 0xaa, 0x36, 0x91, 0x8a } },
	{ "32 bytes of ones", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 32, { 0x43, 0xab, 0xa8, 0x62 } },
	{ "32 bytes of incrementing 00..1f", { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 }, 32,
		{ 0x4e, 0x79, 0xdd, 0x46 } },
	{ "32 bytes of decrementing 1f..00", { 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
		17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 }, 32,
		{ 0x5c, 0xdb, 0x3f, 0x11 } },
	{ "a SCSI READ(10) command PDU", { 0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14,
		0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0,
		0, 0, 0, 0, 0, 0 }, 48, { 0x56, 0x3a, 0x96, 0xd9 } },
	{ "nothing", { 0 }, 0, { 0, 0, 0, 0 } },
};

static void test_examples(void **state)
{
	for (size_t e = 0; e < ARRAY_SIZE(ENGINES); e++) {
		for (size_t i = 0; i < ARRAY_SIZE(EXAMPLES); i++) {
			crc32c_t crc = ENGINES[e](crc32c_begin(), EXAMPLES[i].data,
				EXAMPLES[i].bytes);
			uint8_t wire[4];

			crc32c_put(crc, wire);
			if (memcmp(wire, EXAMPLES[i].wire, 4))
				fail_msg("%s", EXAMPLES[i].what);
			assert_true(crc32c_equal(crc, wire));
			for (unsigned bit = 0; bit < 32; bit++) {
				wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
				assert_false(crc32c_equal(crc, wire));
				wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
			}
		}
	}
}

/* Header and AHS, or data and padding, are pieces of one digest (RFC 7143 11.2.3). */
static void test_pieces(void **state)
{
	uint8_t data[300];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t cut = 0; cut <= sizeof(data); cut++) {
		crc32c_t whole = crc32c_add_portable(crc32c_begin(), data, sizeof(data));
		crc32c_t parts = crc32c_add(crc32c_begin(), data, cut);

		parts = crc32c_add(parts, data + cut, sizeof(data) - cut);
		assert_int_equal(whole.v, parts.v);
	}
}

static void test_engine_is_named(void **state)
{
	const char *engine = crc32c_engine();

	assert_true(!strcmp(engine, "isa-l") || !strcmp(engine, "table"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_engine_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
