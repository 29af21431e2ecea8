/* SPDX-License-Identifier: MIT */
/* SCSI Command and its additional header segments (RFC 7143 11.3, 11.2.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/print.h"
#include "wire/scsi_command.h"

#define ITT 0, 0, 0, 3

/* RFC 7144 5.1.1: The READ(10) whose header digest RFC 7143 A.4 gives as well. */
static void test_read(void **state)
{
	static const uint8_t wire[BHS_BYTES] = { 0x01, 0xc1, 0x30, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
		0, ITT, 0, 0, 4, 0, 0, 0, 0, 5, 0, 0, 0, 6, 0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0 };
	struct pdu_scsi_command pdu;
	uint8_t cdb[PDU_CDB_MAX];
	uint8_t again[BHS_BYTES], ahs[AHS_MAX_BYTES];
	char text[300];

	assert_int_equal(pdu_scsi_command_decode(wire, NULL, &pdu), 0);
	assert_true(pdu.final && pdu.read && !pdu.write && !pdu.immediate);
	assert_int_equal(pdu.attribute, 1);
	assert_int_equal(pdu.priority, 3);
	assert_int_equal(pdu_scsi_command_in_bytes(&pdu), 1024);
	assert_int_equal(pdu_scsi_command_out_bytes(&pdu), 0);
	assert_int_equal(pdu_scsi_command_cdb(&pdu, cdb), 16);
	assert_memory_equal(cdb, wire + 32, 16);
	assert_int_equal(pdu_scsi_command_encode(&pdu, again, ahs), 0);
	assert_memory_equal(again, wire, BHS_BYTES);
	pdu_print(wire, NULL, text, sizeof(text));
	assert_string_equal(text,
		"SCSI Command: itt 00000003 lun 0001000000000000 F R simple cdb 28[16] expected 1024"
		" bidi 0 data 0 cmdsn 5 expstatsn 6");
}

/* RFC 7143 11.2.2.3, 11.2.2.4: both segments, a 260-byte CDB, a bidirectional length. */
static void test_long_bidirectional(void **state)
{
	struct pdu_scsi_command pdu, back = { 0 };
	uint8_t first[16] = { 0x7f }, rest[PDU_CDB_MAX - 16];
	uint8_t bhs[BHS_BYTES], ahs[AHS_MAX_BYTES], cdb[PDU_CDB_MAX];
	char text[300];

	for (size_t i = 0; i < sizeof(rest); i++)
		rest[i] = (uint8_t)i;
	for (uint16_t more = 1; more <= sizeof(rest); more++) {
		pdu = (struct pdu_scsi_command){ .final = true, .read = true, .write = true,
			.bidi = true, .itt = 3, .expected_bytes = 512, .bidi_read_bytes = 4096,
			.cdb = first, .cdb_more = rest, .cdb_more_bytes = more };
		uint32_t n = pdu_scsi_command_encode(&pdu, bhs, ahs);

		assert_int_equal(n, ROUND_UP(4u + more, 4u) + 8);
		assert_int_equal(bhs_ahs_bytes(bhs), n);
		/* AHSLength is CDBLength - 15 */
		assert_int_equal(be16_get(ahs), 16 + more - 15);
		assert_int_equal(pdu_scsi_command_decode(bhs, ahs, &back), 0);
		assert_int_equal(pdu_scsi_command_in_bytes(&back), 4096);
		assert_int_equal(pdu_scsi_command_out_bytes(&back), 512);
		assert_int_equal(pdu_scsi_command_cdb(&back, cdb), 16 + more);
		assert_memory_equal(cdb, first, 16);
		assert_memory_equal(cdb + 16, rest, more);
	}
	pdu_print(bhs, ahs, text, sizeof(text));
	assert_memory_equal(text, "SCSI Command: itt 00000003", 26);
	pdu_print(bhs, NULL, text, sizeof(text));
	assert_memory_equal(text, "invalid SCSI Command", 20);
}

/* The fields that rules speak of. */
static const struct {
	const char *clause;
	uint8_t flags;
	uint8_t itt;
	uint8_t data;
	uint16_t expected;
	int result;
} RULES[] = {
	{ "no data at all", 0x80, 3, 0, 0, 0 },
	{ "read of nothing", 0xc1, 3, 0, 0, 0 },
	{ "write, all to come", 0x21, 3, 0, 512, 0 },
	{ "write, some immediate", 0x21, 3, 200, 512, 0 },
	{ "write, all immediate", 0xa1, 3, 200, 200, 0 },
	{ "11.3.1: attribute ACA", 0xc4, 3, 0, 512, 0 },
	{ "11.3.1: attribute 5", 0xc5, 3, 0, 512, REJECT_PROTOCOL_ERROR },
	{ "11.3.1: attribute 7", 0xc7, 3, 0, 512, REJECT_PROTOCOL_ERROR },
	{ "11.3.1: neither W nor F", 0x41, 3, 0, 512, REJECT_PROTOCOL_ERROR },
	{ "11.3.6: data without W", 0xc1, 3, 4, 512, REJECT_PROTOCOL_ERROR },
	{ "11.3.1: length without R and W", 0x81, 3, 0, 512, REJECT_INVALID_PDU_FIELD },
	{ "11.3.4: R and W without the AHS", 0xe1, 3, 0, 512, REJECT_INVALID_PDU_FIELD },
	{ "11.3.6: more immediate data than expected", 0xa1, 3, 201, 200, REJECT_PROTOCOL_ERROR },
	{ "11.2.1.8: reserved ITT", 0x80, 0xff, 0, 0, REJECT_INVALID_PDU_FIELD },
};

static void test_rules(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(RULES); i++) {
		uint8_t bhs[BHS_BYTES] = { 0x01, RULES[i].flags, [7] = RULES[i].data };
		struct pdu_scsi_command pdu, untouched;

		memset(bhs + 16, RULES[i].itt, 4);
		be32_put(bhs + 20, RULES[i].expected);
		memset(&pdu, 0x5a, sizeof(pdu));
		memset(&untouched, 0x5a, sizeof(pdu));
		if (pdu_scsi_command_decode(bhs, NULL, &pdu) != RULES[i].result)
			fail_msg("%s", RULES[i].clause);
		if (RULES[i].result)
			assert_memory_equal(&pdu, &untouched, sizeof(pdu));
	}
}

/* Segments that are no segments. The bytes are allocated to the length that the header says. */
static const struct {
	const char *what;
	uint8_t flags;
	uint8_t words; /* TotalAHSLength */
	uint8_t ahs[24];
	int result;
} SEGMENTS[] = {
	{ "a CDB of 17 bytes", 0xc1, 2, { 0, 2, 1, 0, 0x11 }, 0 },
	{ "reserved bits of AHSType", 0xc1, 2, { 0, 2, 0xc1, 0, 0x11 }, 0 },
	{ "a bidirectional length", 0xe1, 2, { 0, 5, 2, 0, 0, 0, 1, 0 }, 0 },
	{ "both", 0xe1, 4, { 0, 2, 1, 0, 0x11, 0, 0, 0, 0, 5, 2, 0, 0, 0, 1, 0 }, 0 },
	{ "AHSLength 0", 0xc1, 1, { 0, 0, 1, 0 }, PDU_FORMAT_ERROR },
	{ "AHSLength 1: no CDB byte", 0xc1, 1, { 0, 1, 1, 0 }, PDU_FORMAT_ERROR },
	{ "AHSLength 255, past the header", 0xc1, 1, { 0, 255, 1, 0 }, PDU_FORMAT_ERROR },
	{ "AHSLength 65535", 0xc1, 2, { 255, 255, 1, 0 }, PDU_FORMAT_ERROR },
	{ "one byte past the header", 0xc1, 2, { 0, 6, 1, 0 }, PDU_FORMAT_ERROR },
	{ "second one past the header", 0xe1, 3, { 0, 2, 1, 0, 0, 0, 0, 0, 0, 5, 2, 0 },
		PDU_FORMAT_ERROR },
	{ "11.2.2.1: type 0", 0xc1, 2, { 0, 5, 0, 0 }, PDU_FORMAT_ERROR },
	{ "11.2.2.1: type 3", 0xc1, 2, { 0, 5, 3, 0 }, PDU_FORMAT_ERROR },
	{ "11.2.2.1: type 63", 0xc1, 2, { 0, 5, 63, 0 }, PDU_FORMAT_ERROR },
	{ "11.2.2.4: length of 4", 0xe1, 2, { 0, 4, 2, 0 }, PDU_FORMAT_ERROR },
	{ "11.2.2.4: length of 6", 0xe1, 3, { 0, 6, 2, 0 }, PDU_FORMAT_ERROR },
	{ "11.3.4: bidirectional length of a read", 0xc1, 2, { 0, 5, 2, 0 },
		REJECT_INVALID_PDU_FIELD },
	{ "two CDBs", 0xc1, 4, { 0, 2, 1, 0, 1, 0, 0, 0, 0, 2, 1, 0, 1 },
		PDU_FORMAT_ERROR },
	{ "two lengths", 0xe1, 4, { 0, 5, 2, 0, 0, 0, 0, 0, 0, 5, 2, 0 },
		PDU_FORMAT_ERROR },
	{ "a segment and an empty word", 0xc1, 3, { 0, 2, 1, 0, 1 }, PDU_FORMAT_ERROR },
};

static void test_segments(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(SEGMENTS); i++) {
		uint8_t bhs[BHS_BYTES] = { 0x01, SEGMENTS[i].flags, [4] = SEGMENTS[i].words };
		size_t n = SEGMENTS[i].words * 4u;
		uint8_t *ahs = malloc(n);
		struct pdu_scsi_command pdu;

		assert_non_null(ahs);
		memcpy(ahs, SEGMENTS[i].ahs, n);
		if (pdu_scsi_command_decode(bhs, ahs, &pdu) != SEGMENTS[i].result)
			fail_msg("%s", SEGMENTS[i].what);
		free(ahs);
	}
}

/* RFC 7143 11.2.2.3, 7.7: A CDB over what any command set has. */
static void test_cdb_too_long(void **state)
{
	uint8_t bhs[BHS_BYTES] = { 0x01, 0x80, [4] = 255 };
	uint8_t ahs[AHS_MAX_BYTES] = { 0x03, 0xf9, 1 };
	struct pdu_scsi_command pdu;

	assert_int_equal(pdu_scsi_command_decode(bhs, ahs, &pdu), PDU_FORMAT_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_long_bidirectional),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_cdb_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
