/* SPDX-License-Identifier: MIT */
/* What is read from passing data, and the lengths of CDBs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "passthrough/judge.h"
#include "passthrough/learn.h"

static void test_learn(void **state)
{
	static const struct {
		uint8_t cdb[16], data[32];
		uint32_t bytes;
		unsigned type, block_bytes;
		uint64_t blocks;
	} rows[] = {
		{ { 0x12 }, { 0x05 }, 36, 0x05, 0, 0 },
		{ { 0x12 }, { 0x25 }, 36, 0x1f, 0, 0 },     /* peripheral qualifier 001b */
		{ { 0x12, 0x01 }, { 0x05 }, 36, 0x1f, 0, 0 }, /* a VPD page */
		{ { 0x12 }, { 0x05 }, 0, 0x1f, 0, 0 },
		{ { 0x25 }, { 0, 0, 0, 9, 0, 0, 2, 0 }, 8, 0x1f, 512, 10 },
		{ { 0x25 }, { 0, 0, 0, 9, 0, 0, 2, 0 }, 7, 0x1f, 0, 0 },
		{ { 0x25 }, { 255, 255, 255, 255, 0, 0, 2, 0 }, 8, 0x1f, 0, 0 },
		{ { 0x25 }, { 0, 0, 0, 9, 0, 0, 0, 0 }, 8, 0x1f, 0, 0 },
		{ { 0x9e, 0x10 }, { [2] = 1, [10] = 16 }, 32, 0x1f, 4096, (UINT64_C(1) << 40) + 1 },
		{ { 0x9e, 0x10 }, { [2] = 1, [10] = 16 }, 11, 0x1f, 0, 0 },
		{ { 0x9e, 0x12 }, { [2] = 1, [10] = 16 }, 32, 0x1f, 0, 0 }, /* GET LBA STATUS */
		{ { 0x9e, 0x10 }, { 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 2, 0 }, 32,
			0x1f, 0, 0 },
		{ { 0x28 }, { 1, 2, 3, 4, 5, 6, 7, 8 }, 8, 0x1f, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct learned l;
		learned_init(&l);
		learn(&l, rows[i].cdb, rows[i].data, rows[i].bytes);
		assert_int_equal(atomic_load(&l.device_type), rows[i].type);
		assert_int_equal(atomic_load(&l.block_bytes), rows[i].block_bytes);
		assert_int_equal(atomic_load(&l.blocks), rows[i].blocks);
	}
}

/* 25h is GET WINDOW to a scanner, and what a tape or a changer answers to it has no blocks either. */
static void test_learn_by_type(void **state)
{
	static const uint8_t inquiry[16] = { 0x12 }, capacity[16] = { 0x25 };
	static const uint8_t data[8] = { 0, 0, 0, 9, 0, 0, 2, 0 };

	for (uint8_t type = 0; type < 0x1f; type++) {
		struct learned l;
		bool blocks = type == 0x00 || type == 0x04 || type == 0x05 || type == 0x07 ||
			type == 0x0e || type == 0x14;
		learned_init(&l);
		learn(&l, inquiry, &type, 1);
		learn(&l, capacity, data, sizeof(data));
		assert_int_equal(atomic_load(&l.block_bytes), blocks ? 512 : 0);
		assert_int_equal(atomic_load(&l.blocks), blocks ? 10 : 0);
	}
}

static void test_cdb_lengths(void **state)
{
	static const struct {
		uint8_t cdb[16];
		uint16_t given;
		unsigned want;
	} rows[] = {
		{ { 0x12 }, 16, 6 },
		{ { 0x28 }, 16, 10 },
		{ { 0x5f }, 16, 10 },
		{ { 0x88 }, 16, 16 },
		{ { 0xa8 }, 16, 12 },
		{ { 0xa8 }, 10, 10 },           /* never more than came */
		{ { 0xc5 }, 12, 12 },           /* vendor specific: as it came */
		{ { 0x7f, [7] = 24 }, 32, 32 },
		{ { 0x7f, [7] = 252 }, 260, 260 },
		{ { 0x7e }, 16, 16 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_task t = { .cdb_bytes = rows[i].given };
		for (unsigned b = 0; b < 16; b++)
			t.cdb[b] = rows[i].cdb[b];
		assert_int_equal(pass_cdb_length(&t), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learn),
		cmocka_unit_test(test_learn_by_type),
		cmocka_unit_test(test_cdb_lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
