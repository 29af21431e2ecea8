/* SPDX-License-Identifier: MIT */
/* A copy past the caches: every alignment of both sides with every length around a few lines, and nothing beside it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "store/stream.h"

#define LINE  64u
#define BYTES (4 * LINE + 3)
#define ROOM  (BYTES + 3 * LINE)

static _Alignas(64) uint8_t from[ROOM], to[ROOM], expected[ROOM];

static void one(size_t to_at, size_t from_at, size_t bytes)
{
	memset(to, 0xee, ROOM);
	memset(expected, 0xee, ROOM);
	memcpy(expected + to_at, from + from_at, bytes);
	stream_copy(to + to_at, from + from_at, bytes);
	if (memcmp(to, expected, ROOM))
		fail_msg("%zu bytes from %zu to %zu", bytes, from_at, to_at);
}

static void test_lengths(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROOM; i++)
		from[i] = (uint8_t)(i * 167 + 13);
	for (size_t to_at = 0; to_at <= LINE; to_at++) {
		for (size_t bytes = 0; bytes <= BYTES; bytes++) {
			one(to_at, to_at * 7 % LINE, bytes);
			one(to_at, LINE, bytes);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
