/* SPDX-License-Identifier: MIT */
/* LUN formats (SAM-5 4.7) and the command table (SPC-5 4.2, 6.34). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "base/be.h"
#include "scsi/cdb.h"
#include "scsi/lun.h"

static void test_lun(void **state)
{
	static const struct {
		uint64_t lun;
		enum lun_kind kind;
		uint32_t number;
	} rows[] = {
		{ 0, LUN_NUMBERED, 0 },
		{ 0x00ff000000000000, LUN_NUMBERED, 255 },
		{ 0x0105000000000000, LUN_HIERARCHY, 0 },
		{ 0x4005000000000000, LUN_NUMBERED, 5 },
		{ 0x7fff000000000000, LUN_NUMBERED, 16383 },
		{ 0x8005000000000000, LUN_HIERARCHY, 0 },
		{ 0x0005000100000000, LUN_HIERARCHY, 0 },
		{ 0xc101000000000000, LUN_WELL_KNOWN, 1 },
		{ 0xc102000000000000, LUN_WELL_KNOWN, 2 },
		{ 0xd201020300000000, LUN_NUMBERED, 0x010203 },
		{ 0xd201020300000001, LUN_NOWHERE, 0 },
		{ 0xffffffffffffffff, LUN_NOWHERE, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t number = 0;
		assert_int_equal(lun_decode(rows[i].lun, &number), rows[i].kind);
		assert_int_equal(number, rows[i].number);
	}
}

static void test_lun_round_trip(void **state)
{
	static const uint32_t numbers[] = { 0, 1, 255, 256, 16383, 16384, LUN_NUMBER_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint32_t number;
		assert_int_equal(lun_decode(lun_encode(numbers[i]), &number), LUN_NUMBERED);
		assert_int_equal(number, numbers[i]);
	}
}

static void test_lun_print(void **state)
{
	char text[32];

	lun_print(lun_encode(300), text, sizeof(text));
	assert_string_equal(text, "300");
	lun_print(LUN_W_REPORT_LUNS, text, sizeof(text));
	assert_string_equal(text, "REPORT LUNS");
	lun_print(0x0105000000000000, text, sizeof(text));
	assert_string_equal(text, "0x0105000000000000");
}

static void test_cdb(void **state)
{
	static const struct {
		uint8_t cdb[16];
		size_t bytes;
		unsigned families;
		const char *name;
		enum cdb_direction direction;
	} rows[] = {
		{ { 0x00 }, 6, CDB_SPC, "TEST UNIT READY", CDB_NO_DATA },
		{ { 0x28 }, 10, CDB_SBC, "READ(10)", CDB_IN },
		{ { 0x2a }, 10, CDB_SBC, "WRITE(10)", CDB_OUT },
		{ { 0x08 }, 6, CDB_SSC, "READ(6)", CDB_IN },
		{ { 0x01 }, 6, CDB_SSC, "REWIND", CDB_NO_DATA },
		{ { 0x01 }, 6, CDB_SBC, "REZERO UNIT", CDB_NO_DATA },
		{ { 0x91 }, 16, CDB_SSC, "SPACE(16)", CDB_NO_DATA },
		{ { 0x91 }, 16, CDB_SBC, "SYNCHRONIZE CACHE(16)", CDB_NO_DATA },
		{ { 0xa5 }, 12, CDB_SMC, "MOVE MEDIUM", CDB_NO_DATA },
		{ { 0xb8 }, 12, CDB_SMC, "READ ELEMENT STATUS", CDB_IN },
		{ { 0x46 }, 10, CDB_MMC, "GET CONFIGURATION", CDB_IN },
		{ { 0x9e, 0x10 }, 16, CDB_SBC, "READ CAPACITY(16)", CDB_IN },
		{ { 0x9e, 0xf2 }, 16, CDB_SBC, "GET LBA STATUS(16)", CDB_IN },
		{ { 0x5f, 0x03 }, 10, CDB_SBC, "PERSISTENT RESERVE OUT CLEAR", CDB_OUT },
		{ { 0xa3, 0x0c }, 12, CDB_MMC, "REPORT SUPPORTED OPERATION CODES", CDB_IN },
		{ { 0xa3, 0x1f }, 12, CDB_MMC, "SEND KEY", CDB_OUT },
		{ { 0x7f, [9] = 0x0b }, 16, CDB_SBC, "WRITE(32)", CDB_OUT },
		{ { 0x9e, 0x1f }, 16, CDB_SBC, "opcode 9Eh/1Fh", CDB_UNKNOWN },
		{ { 0x9e }, 1, CDB_SBC, "opcode 9Eh", CDB_UNKNOWN },
		{ { 0xf7 }, 10, CDB_ANY, "opcode F7h", CDB_UNKNOWN },
		{ { 0x28 }, 10, CDB_SSC, "opcode 28h", CDB_UNKNOWN },
		{ { 0 }, 0, CDB_ANY, "empty CDB", CDB_UNKNOWN },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[32];
		assert_string_equal(cdb_name(rows[i].cdb, rows[i].bytes, rows[i].families, text,
			sizeof(text)), rows[i].name);
		assert_int_equal(cdb_direction(rows[i].cdb, rows[i].bytes, rows[i].families),
			rows[i].direction);
	}
}

/* Every row is found by its code in each of its families, and its CDB is as long as its group. */
static void test_cdb_rows(void **state)
{
	unsigned found = 0;

	for (unsigned opcode = 0; opcode < 256; opcode++) {
		for (unsigned family = CDB_SPC; family <= CDB_SES; family <<= 1) {
			for (unsigned action = 0; action < 32; action++) {
				const struct cdb_command *c =
					cdb_lookup((uint8_t)opcode, (uint16_t)action, family);
				if (!c)
					continue;
				found++;
				assert_int_equal(c->opcode, opcode);
				assert_true(c->families & (family | CDB_SPC));
				if (!c->bytes)
					continue;
				assert_int_equal(c->usage[0], opcode);
				if (opcode == 0x7f) { /* SPC-5 4.2.3 */
					assert_int_equal(c->bytes, 8 + c->usage[7]);
					assert_int_equal(c->usage[1], 0); /* CONTROL */
					assert_int_equal(be16_get(c->usage + 8), action);
					continue;
				}
				assert_int_equal(c->bytes, cdb_length((uint8_t)opcode));
				assert_int_equal(c->usage[c->bytes - 1], 0); /* CONTROL */
				if (c->service_action != CDB_NO_SERVICE_ACTION)
					assert_int_equal(c->usage[1] & 0x1f, action);
			}
		}
	}
	assert_true(found > 1000);
}

/* Bisection wants the table in order. */
static void test_cdb_order(void **state)
{
	static const uint8_t opcodes[] = {
#define CDB(opcode, ...) opcode,
#define CDB_SA(opcode, ...) opcode,
#define CDB_32(action, ...) 0x7f,
#define CDB_NAME(opcode, ...) opcode,
#include "scsi/cdb.def"
#undef CDB_NAME
#undef CDB_32
#undef CDB_SA
#undef CDB
	};
	for (size_t i = 1; i < ARRAY_SIZE(opcodes); i++)
		assert_true(opcodes[i - 1] <= opcodes[i]);
}

/* SPC-5 4.2.1: the field pointer is at the most significant reserved bit that is set. */
static void test_reserved_bits(void **state)
{
	static const struct {
		uint8_t cdb[16];
		int byte, bit;
	} rows[] = {
		{ { 0x28, 0x18, 1, 2, 3, 4, 0x3f, 5, 6, 0 }, -1, 0 },
		{ { 0x28, 0x22 }, 1, 5 },
		{ { 0x28, [6] = 0x40 }, 6, 6 },
		{ { 0x28, [9] = 0x04 }, 9, 2 },
		{ { 0x9e, 0x30 }, 1, 5 },
		{ { 0x9e, 0x10, [14] = 1 }, 14, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct cdb_command *c = cdb_find(rows[i].cdb, 16, CDB_SBC);
		int bit = 0;
		assert_non_null(c);
		assert_int_equal(cdb_reserved_bit(c, rows[i].cdb, &bit), rows[i].byte);
		assert_int_equal(bit, rows[i].bit);
	}
}

static void test_families(void **state)
{
	assert_int_equal(cdb_families_of(0x00), CDB_SPC | CDB_SBC);
	assert_int_equal(cdb_families_of(0x01), CDB_SPC | CDB_SSC);
	assert_int_equal(cdb_families_of(0x05), CDB_SPC | CDB_MMC);
	assert_int_equal(cdb_families_of(0x08), CDB_SPC | CDB_SMC);
	assert_int_equal(cdb_families_of(0x1f), CDB_SPC);
	assert_true(cdb_lookup(0x2a, 0, CDB_SBC)->flags & CDB_WRITES);
	assert_false(cdb_lookup(0x28, 0, CDB_SBC)->flags & CDB_WRITES);
}

/* What a read-only mapping refuses to each type of device: everything that changes what is on the medium. */
static void test_cdb_writes(void **state)
{
	static const struct {
		uint8_t type;
		uint8_t cdb[10];
		bool writes;
	} rows[] = {
		{ 0x00, { 0x04 }, true },	      /* FORMAT UNIT */
		{ 0x00, { 0x28 }, false },	      /* READ(10) */
		{ 0x00, { 0x2a }, true },	      /* WRITE(10) */
		{ 0x00, { 0x3b }, true },	      /* WRITE BUFFER */
		{ 0x00, { 0x3f }, true },	      /* WRITE LONG(10) */
		{ 0x00, { 0x42 }, true },	      /* UNMAP */
		{ 0x00, { 0x48, 0x03 }, true },       /* SANITIZE, CRYPTOGRAPHIC ERASE */
		{ 0x00, { 0x7f, [7] = 24, [9] = 9 }, false }, /* READ(32) */
		{ 0x00, { 0x7f, [7] = 24, [9] = 11 }, true }, /* WRITE(32) */
		{ 0x00, { 0x85 }, true },	      /* ATA PASS-THROUGH(16) */
		{ 0x00, { 0x9c }, true },	      /* WRITE ATOMIC(16) */
		{ 0x00, { 0xb5 }, true },	      /* SECURITY PROTOCOL OUT */
		{ 0x00, { 0x15 }, false },	      /* MODE SELECT(6) */
		{ 0x01, { 0x01 }, false },	      /* REWIND */
		{ 0x01, { 0x04 }, true },	      /* FORMAT MEDIUM */
		{ 0x01, { 0x08 }, false },	      /* READ(6) */
		{ 0x01, { 0x0a }, true },	      /* WRITE(6) */
		{ 0x01, { 0x0b }, true },	      /* SET CAPACITY */
		{ 0x01, { 0x10 }, true },	      /* WRITE FILEMARKS(6) */
		{ 0x01, { 0x11 }, false },	      /* SPACE(6) */
		{ 0x01, { 0x19 }, true },	      /* ERASE(6) */
		{ 0x01, { 0x1b }, false },	      /* LOAD UNLOAD */
		{ 0x01, { 0x80 }, true },	      /* WRITE FILEMARKS(16) */
		{ 0x01, { 0x8a }, true },	      /* WRITE(16) */
		{ 0x01, { 0x8d }, true },	      /* WRITE ATTRIBUTE */
		{ 0x01, { 0x92 }, false },	      /* LOCATE(16) */
		{ 0x01, { 0x93 }, true },	      /* ERASE(16) */
		{ 0x05, { 0x53 }, true },	      /* RESERVE TRACK */
		{ 0x05, { 0x5b }, true },	      /* CLOSE TRACK/SESSION */
		{ 0x05, { 0xa1 }, true },	      /* BLANK */
		{ 0x05, { 0xbe }, false },	      /* READ CD */
		{ 0x08, { 0xa5 }, false },	      /* MOVE MEDIUM */
		{ 0x14, { 0x94, 0x01 }, true },       /* CLOSE ZONE */
		{ 0x14, { 0x94, 0x04 }, true },       /* RESET WRITE POINTER */
		{ 0x14, { 0x94, 0x10 }, true },       /* SEQUENTIALIZE ZONE */
		{ 0x14, { 0x95, 0x00 }, false },      /* REPORT ZONES */
		{ 0x14, { 0x95, 0x08 }, true },       /* ZONE ACTIVATE */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct cdb_command *c = cdb_find(rows[i].cdb, sizeof(rows[i].cdb),
			cdb_families_of(rows[i].type));
		if (!c || !(c->flags & CDB_WRITES) != !rows[i].writes)
			fail_msg("row %zu: %s", i, c ? c->name : "not found");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cdb_writes),
		cmocka_unit_test(test_lun),
		cmocka_unit_test(test_lun_round_trip),
		cmocka_unit_test(test_lun_print),
		cmocka_unit_test(test_cdb),
		cmocka_unit_test(test_cdb_rows),
		cmocka_unit_test(test_cdb_order),
		cmocka_unit_test(test_reserved_bits),
		cmocka_unit_test(test_families),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
