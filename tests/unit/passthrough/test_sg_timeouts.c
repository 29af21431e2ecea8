/* SPDX-License-Identifier: MIT */
/* Classes of operation codes by device type, and their limits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "passthrough/sg_opcodes.h"
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

/* The configuration, the device, the table: in this order. */
static void test_choice(void **state)
{
	enum { TAPE = SG_FAMILY_TAPE, DISK = SG_FAMILY_DISK };
	static const struct {
		int family;
		uint8_t opcode;
		uint32_t class_s, opcode_s;
		struct sg_told told;
		uint32_t want_s;
	} rows[] = {
		{ TAPE, 0x0a, 0, 0, { 0, 0 }, 2400 },
		{ TAPE, 0x0a, 0, 0, { 20, 1560 }, 1560 },   /* shorter than the table: it knows */
		{ TAPE, 0x19, 0, 0, { 9000, 29100 }, 29100 }, /* longer likewise */
		{ TAPE, 0x0a, 0, 0, { 20, 0 }, 2400 },      /* nominal only */
		{ TAPE, 0x0a, 0, 0, { 3000, 0 }, 3000 },
		{ DISK, 0x28, 0, 0, { 0, 1 }, 30 },         /* never below a spin-up */
		{ TAPE, 0x0a, 100, 0, { 0, 1560 }, 100 },
		{ TAPE, 0x0a, 100, 7, { 0, 1560 }, 7 },
		{ DISK, 0x28, 0, 0, { 0, UINT32_MAX }, 604800 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sg_timeout_rules rules = { 0 };
		enum sg_family family = (enum sg_family)rows[i].family;
		rules.class_ms[sg_class_of(family, rows[i].opcode)] = rows[i].class_s * 1000;
		rules.opcode_ms[rows[i].opcode] = rows[i].opcode_s * 1000;
		uint32_t ms = sg_timeout_choose(&rules, family, rows[i].opcode, &rows[i].told);
		if (ms != rows[i].want_s * 1000)
			fail_msg("row %zu: %u ms", i, ms);
	}
}

static void test_texts(void **state)
{
	static const char *const bad[] = { "0x1b", "0x100=1s", "x=1s", "0x1b=", "0x1b=soon",
		"0x1b=0s", "0x1b=1ms", "0x1b=169h", "0x1b=2h 0x28", "=1s" };
	struct sg_timeout_rules rules = { 0 };
	struct spt_error error;

	assert_int_equal(sg_timeouts_parse("0x1b=2h, 40=90s", &rules, &error), 0);
	assert_int_equal(rules.opcode_ms[0x1b], 7200000);
	assert_int_equal(rules.opcode_ms[0x28], 90000);
	assert_int_equal(rules.opcode_ms[0], 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		error.text[0] = 0;
		if (sg_timeouts_parse(bad[i], &rules, &error) != -EINVAL || !error.text[0])
			fail_msg("'%s' was taken", bad[i]);
	}
}

/* SPC-5 6.34.2: one with times, one without, one whose service actions differ, one cut off. */
static void test_all_commands(void **state)
{
	static const uint8_t data[] = { 0, 0, 0, 88, /* 4 + ... */
		0x28, 0, 0, 0, 0, 0x02, 0, 10, 0, 10, 0, 0, 0, 0, 0, 5, 0, 0, 0, 60,
		0x12, 0, 0, 0, 0, 0x00, 0, 6,
		0x9e, 0, 0, 0x10, 0, 0x03, 0, 16, 0, 10, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9,
		0x9e, 0, 0, 0x12, 0, 0x03, 0, 16, 0, 10, 0, 0, 0, 0, 0, 2, 0, 0, 0, 8,
		0x2a, 0, 0, 0, 0, 0x02, 0, 10, 0, 10, 0, 0, 0, 0, 0, 7, 0, 0, 0, 99 };
	struct sg_told told[256] = { 0 };

	assert_int_equal(sg_opcodes_read_all(data, sizeof(data) - 1, told), 3);
	assert_int_equal(told[0x28].nominal_s, 5);
	assert_int_equal(told[0x28].recommended_s, 60);
	assert_int_equal(told[0x12].recommended_s, 0);
	assert_int_equal(told[0x9e].nominal_s, 2);
	assert_int_equal(told[0x9e].recommended_s, 9);
	assert_int_equal(told[0x2a].recommended_s, 0);
	/* The data tells a length of its own: what is behind it is not looked at. */
	uint8_t shorter[sizeof(data)];
	memcpy(shorter, data, sizeof(data));
	shorter[3] = 28;
	memset(told, 0, sizeof(told));
	assert_int_equal(sg_opcodes_read_all(shorter, sizeof(shorter), told), 1);
	assert_int_equal(told[0x9e].recommended_s, 0);
	for (size_t n = 0; n < sizeof(data); n++) {
		AUTO_FREE uint8_t *exact = malloc(n ? n : 1);
		memcpy(exact, data, n);
		sg_opcodes_read_all(exact, n, told); /* within its bounds: a sanitizer tells */
	}
}

static void test_one_command(void **state)
{
	static const uint8_t data[] = { 0, 0x83, 0, 6, 0x1b, 1, 0, 0, 0xff, 0, /* CTDP, SUPPORT 011b */
		0, 10, 0, 0, 0, 0, 0, 30, 0, 0, 1, 0 };
	struct sg_told told[256] = { 0 };
	uint8_t cdb[16];

	assert_int_equal(sg_opcodes_read_one(data, sizeof(data) - 1, 0x1b, told), 0);
	assert_int_equal(sg_opcodes_read_one(data, sizeof(data), 0x1b, told), 1);
	assert_int_equal(told[0x1b].nominal_s, 30);
	assert_int_equal(told[0x1b].recommended_s, 256);
	sg_opcodes_ask_one(cdb, 0x1b, 64);
	assert_memory_equal(cdb, ((uint8_t[16]){ 0xa3, 0x0c, 0x81, 0x1b, 0, 0, 0, 0, 0, 64 }), 16);
	sg_opcodes_ask_all(cdb, 0x4000);
	assert_memory_equal(cdb, ((uint8_t[16]){ 0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 0x40 }), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_every_opcode_has_time),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_all_commands),
		cmocka_unit_test(test_one_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
