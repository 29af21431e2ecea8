/* SPDX-License-Identifier: MIT */
/* Classes of operation codes by device type, and their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "passthrough/sg_timeouts.h"

static void test_families(void **state)
{
	static const struct {
		uint8_t type;
		enum sg_family want;
	} rows[] = {
		{ 0x00, SG_FAMILY_DISK },
		{ 0x01, SG_FAMILY_TAPE },
		{ 0x04, SG_FAMILY_OPTICAL },
		{ 0x05, SG_FAMILY_OPTICAL },
		{ 0x07, SG_FAMILY_OPTICAL },
		{ 0x08, SG_FAMILY_CHANGER },
		{ 0x0d, SG_FAMILY_DISK },
		{ 0x14, SG_FAMILY_DISK },
		{ 0x1f, SG_FAMILY_DISK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(sg_family_of(rows[i].type), rows[i].want);
}

static void test_limits(void **state)
{
	static const struct {
		enum sg_family family;
		uint8_t opcode;
		uint32_t want_s;
	} rows[] = {
		{ SG_FAMILY_DISK, 0x00, 30 },      /* TEST UNIT READY */
		{ SG_FAMILY_DISK, 0x12, 30 },      /* INQUIRY */
		{ SG_FAMILY_DISK, 0x28, 60 },      /* READ (10) */
		{ SG_FAMILY_DISK, 0x04, 3600 },    /* FORMAT UNIT */
		{ SG_FAMILY_DISK, 0x35, 3600 },    /* SYNCHRONIZE CACHE */
		{ SG_FAMILY_DISK, 0xc1, 3600 },    /* vendor specific */
		{ SG_FAMILY_TAPE, 0x08, 2400 },    /* READ (6): drives state 2340 s */
		{ SG_FAMILY_TAPE, 0x10, 2400 },    /* WRITE FILEMARKS: 1560 s */
		{ SG_FAMILY_TAPE, 0x01, 14400 },   /* REWIND */
		{ SG_FAMILY_TAPE, 0x1b, 14400 },   /* LOAD UNLOAD */
		{ SG_FAMILY_TAPE, 0x91, 14400 },   /* SPACE (16), not SYNCHRONIZE CACHE */
		{ SG_FAMILY_TAPE, 0x05, 60 },      /* READ BLOCK LIMITS */
		{ SG_FAMILY_OPTICAL, 0xa1, 14400 }, /* BLANK */
		{ SG_FAMILY_OPTICAL, 0x28, 900 },
		{ SG_FAMILY_CHANGER, 0xa5, 14400 }, /* MOVE MEDIUM */
		{ SG_FAMILY_CHANGER, 0x1a, 60 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum sg_class class = sg_class_of(rows[i].family, rows[i].opcode);
		if (sg_timeout_ms(rows[i].family, class) != rows[i].want_s * 1000)
			fail_msg("row %zu: %u ms", i, sg_timeout_ms(rows[i].family, class));
	}
}

/* No table mistake leaves a command without time. */
static void test_every_opcode_has_time(void **state)
{
	for (int f = 0; f < SG_FAMILIES; f++) {
		for (unsigned op = 0; op < 256; op++) {
			enum sg_class class = sg_class_of((enum sg_family)f, (uint8_t)op);
			assert_true(class < SG_CLASSES);
			assert_true(sg_timeout_ms((enum sg_family)f, class) >= 30000);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_every_opcode_has_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
