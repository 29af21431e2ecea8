/* SPDX-License-Identifier: MIT */
/* What makes verification worth something: wrong data is seen, and no two slots touch one unit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "cursor.h"
#include "pattern.h"

#define BYTES 4096

static const struct stamp GOOD = { .seed = 5, .unit = 77, .generation = 3 };

static void test_own_data_is_good(void **state)
{
	static uint64_t data[BYTES / 8];

	pattern_fill(data, BYTES, &GOOD);
	assert_int_equal(pattern_check(data, BYTES, &GOOD), BYTES);
}

static void test_any_flipped_bit_is_found(void **state)
{
	static uint64_t data[BYTES / 8];

	pattern_fill(data, BYTES, &GOOD);
	for (size_t bit = 0; bit < BYTES * 8; bit += 7) {
		uint8_t *byte = (uint8_t *)data + bit / 8;

		*byte ^= 1 << bit % 8;
		assert_int_equal(pattern_check(data, BYTES, &GOOD), bit / 64 * 8);
		*byte ^= 1 << bit % 8;
	}
}

static void test_data_of_elsewhere_is_bad_from_the_first_word(void **state)
{
	static const struct stamp OTHERS[] = {
		{ .seed = 6, .unit = 77, .generation = 3 },
		{ .seed = 5, .unit = 78, .generation = 3 },
		{ .seed = 5, .unit = 77, .generation = 2 },
		{ .seed = 5, .unit = 3, .generation = 77 },
	};
	static uint64_t data[BYTES / 8];

	for (unsigned i = 0; i < ARRAY_SIZE(OTHERS); i++) {
		pattern_fill(data, BYTES, &OTHERS[i]);
		assert_int_equal(pattern_check(data, BYTES, &GOOD), 0);
	}
	memset(data, 0, BYTES);
	assert_int_equal(pattern_check(data, BYTES, &GOOD), 0);
}

/* Stripes of 12 slots over 1000 units, walked and at random: each unit has one slot. */
static void test_stripes_do_not_meet(void **state)
{
	enum { UNITS = 1000, SLOTS = 12 };
	uint8_t owner[UNITS] = { 0 };
	uint64_t random = 9;

	for (unsigned slot = 0; slot < SLOTS; slot++) {
		struct cursor c = {
			.first = slot,
			.stride = SLOTS,
			.count = (UNITS - slot + SLOTS - 1) / SLOTS,
		};

		for (uint64_t i = 0; i < c.count; i++) {
			uint64_t unit = cursor_step(&c);

			assert_in_range(unit, 0, UNITS - 1);
			assert_int_equal(owner[unit], 0);
			owner[unit] = slot + 1;
		}
		assert_int_equal(cursor_step(&c), slot);
		for (unsigned i = 0; i < 500; i++)
			assert_int_equal(owner[cursor_random(&c, &random)], slot + 1);
	}
	assert_null(memchr(owner, 0, sizeof(owner)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_data_is_good),
		cmocka_unit_test(test_any_flipped_bit_is_found),
		cmocka_unit_test(test_data_of_elsewhere_is_bad_from_the_first_word),
		cmocka_unit_test(test_stripes_do_not_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
