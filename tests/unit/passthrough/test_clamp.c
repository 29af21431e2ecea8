/* SPDX-License-Identifier: MIT */
/* Limits in replies: the smaller one stands there afterwards, and nothing else has changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/util.h"
#include "passthrough/clamp.h"

#define MAX_TRANSFER (1u << 20)

/* SBC-4 6.6.4: COMPARE AND WRITE length, maximum and optimal transfer length, in blocks. */
static void test_block_limits(void **state)
{
	static const struct {
		uint32_t block, max, optimal, want_max, want_optimal;
		uint8_t compare, want_compare;
	} rows[] = {
		{ 512, 0, 0, 2048, 0, 1, 1 },            /* no limit: now there is one */
		{ 512, 4096, 1024, 2048, 1024, 0, 0 },
		{ 512, 4096, 3000, 2048, 2048, 255, 255 },
		{ 512, 100, 64, 100, 64, 1, 1 },         /* smaller than ours: stays */
		{ 4096, UINT32_MAX, 300, 256, 256, 255, 128 },
		{ 0, 9999, 9999, 9999, 9999, 255, 255 }, /* no blocks known: nothing to say */
	};
	static const uint8_t cdb[6] = { 0x12, 0x01, 0xb0, 0, 64 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t page[64], want[64];
		for (size_t k = 0; k < sizeof(page); k++)
			page[k] = (uint8_t)(k + 100);
		page[0] = 0x14;
		page[1] = 0xb0;
		page[5] = rows[i].compare;
		be32_put(page + 8, rows[i].max);
		be32_put(page + 12, rows[i].optimal);
		memcpy(want, page, sizeof(page));
		want[5] = rows[i].want_compare;
		be32_put(want + 8, rows[i].want_max);
		be32_put(want + 12, rows[i].want_optimal);
		clamp_reply(cdb, page, sizeof(page), MAX_TRANSFER, rows[i].block);
		assert_memory_equal(page, want, sizeof(page));
		/* Under this number a tape has something else. */
		page[0] = want[0] = 0x01;
		memset(page + 8, 0xff, 8);
		memset(want + 8, 0xff, 8);
		clamp_reply(cdb, page, sizeof(page), MAX_TRANSFER, rows[i].block);
		assert_memory_equal(page, want, sizeof(page));
	}
}

/* SSC-5 7.3: granularity, maximum (3 bytes), minimum. */
static void test_tape_blocks(void **state)
{
	static const struct {
		uint8_t data[6];
		uint32_t limit;
		uint8_t want[6];
	} rows[] = {
		{ { 0, 0xff, 0xff, 0xff, 0, 1 }, 1 << 20, { 0, 0x10, 0, 0, 0, 1 } },
		{ { 0, 0, 0, 0, 0, 1 }, 1 << 20, { 0, 0x10, 0, 0, 0, 1 } },
		{ { 0, 0x04, 0, 0, 0, 1 }, 1 << 20, { 0, 0x04, 0, 0, 0, 1 } },
		{ { 2, 0x80, 0, 0, 0, 4 }, 0x7fff, { 2, 0, 0x7f, 0xfc, 0, 4 } }, /* of four bytes */
		{ { 0, 0xff, 0xff, 0xff, 0, 1 }, 16 << 20, { 0, 0xff, 0xff, 0xff, 0, 1 } },
		{ { 0x1f, 0xff, 0xff, 0xff, 0, 1 }, 1 << 20, { 0x1f, 0x10, 0, 0, 0, 1 } },
	};
	static const uint8_t cdb[6] = { 0x05 }, with_mloi[6] = { 0x05, 0x01 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t data[6];
		memcpy(data, rows[i].data, 6);
		clamp_reply(with_mloi, data, 6, rows[i].limit, 0);
		assert_memory_equal(data, rows[i].data, 6);
		clamp_reply(cdb, data, 6, rows[i].limit, 0);
		assert_memory_equal(data, rows[i].want, 6);
	}
}

/* An initiator may fetch any part of a reply. */
static void test_parts(void **state)
{
	static const uint8_t page_b0[6] = { 0x12, 0x01, 0xb0 }, limits[6] = { 0x05 },
			     page_b1[6] = { 0x12, 0x01, 0xb1 }, standard[6] = { 0x12 };
	static const uint8_t *const cdbs[] = { page_b0, limits, page_b1, standard };

	for (size_t c = 0; c < ARRAY_SIZE(cdbs); c++) {
		for (size_t n = 0; n < 20; n++) {
			AUTO_FREE uint8_t *data = malloc(n ? n : 1);
			memset(data, 0xb0, n);
			clamp_reply(cdbs[c], data, (uint32_t)n, 4096, 512);
			for (size_t k = 0; c >= 2 && k < n; k++)
				assert_int_equal(data[k], 0xb0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block_limits),
		cmocka_unit_test(test_tape_blocks),
		cmocka_unit_test(test_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
