/* SPDX-License-Identifier: MIT */
/* The common header, and the table of opcodes against RFC 7143 11.2.1.2, 6.3 and 4.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/bhs.h"
#include "wire/reject.h"

static void test_common_fields(void **state)
{
	static const uint8_t wire[BHS_BYTES] = { 0x41, 0x80, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x80, 1, 2,
		3, 4, 5, 6, 7, 0xde, 0xad, 0xbe, 0xef };
	struct bhs bhs = bhs_decode(wire);

	assert_int_equal(bhs.opcode, OP_SCSI_COMMAND);
	assert_true(bhs.immediate);
	assert_true(bhs.final);
	assert_int_equal(bhs.ahs_bytes, AHS_MAX_BYTES);
	assert_int_equal(bhs.data_bytes, DATA_MAX_BYTES);
	assert_true(bhs.lun == 0x8001020304050607);
	assert_int_equal(bhs.itt, 0xdeadbeef);
}

/* RFC 7143 11.1 */
static void test_padding(void **state)
{
	static const uint32_t pad[] = { 0, 3, 2, 1, 0, 3 };

	for (uint32_t n = 0; n < ARRAY_SIZE(pad); n++)
		assert_int_equal(bhs_padding(n), pad[n]);
	assert_int_equal(bhs_padding(DATA_MAX_BYTES), 1);
}

/* What an initiator may send where; every opcode that is in no row here is refused everywhere. */
static const struct {
	uint8_t opcode;
	unsigned phases;
	bool ahs;
	bool data;
} LEGAL[] = {
	{ OP_NOP_OUT, PHASE_NORMAL, false, true },
	{ OP_SCSI_COMMAND, PHASE_NORMAL, true, true },
	{ OP_TMF_REQUEST, PHASE_NORMAL, false, false },
	{ OP_LOGIN_REQUEST, PHASE_LOGIN, false, true },
	{ OP_TEXT_REQUEST, PHASE_NORMAL | PHASE_DISCOVERY, false, true },
	{ OP_DATA_OUT, PHASE_NORMAL, false, true },
	{ OP_LOGOUT_REQUEST, PHASE_NORMAL | PHASE_DISCOVERY, false, false },
	{ OP_SNACK, PHASE_NORMAL, false, false },
};

static int expected(uint8_t opcode, enum phase phase, bool ahs, bool data)
{
	for (size_t i = 0; i < ARRAY_SIZE(LEGAL); i++) {
		if (LEGAL[i].opcode != opcode)
			continue;
		if (!(LEGAL[i].phases & phase))
			return REJECT_PROTOCOL_ERROR;
		if ((ahs && !LEGAL[i].ahs) || (data && !LEGAL[i].data))
			return PDU_FORMAT_ERROR;
		return 0;
	}
	return opcode_info(opcode) ? REJECT_PROTOCOL_ERROR : REJECT_COMMAND_NOT_SUPPORTED;
}

static void test_every_opcode_everywhere(void **state)
{
	static const enum phase phases[] = { PHASE_LOGIN, PHASE_NORMAL, PHASE_DISCOVERY };
	unsigned known = 0;

	for (unsigned opcode = 0; opcode < 0x40; opcode++) {
		known += opcode_info((uint8_t)opcode) != NULL;
		for (unsigned i = 0; i < 3 * 4; i++) {
			enum phase phase = phases[i / 4];
			bool ahs = i & 1, data = i & 2;
			struct bhs bhs = { .opcode = (uint8_t)opcode, .ahs_bytes = ahs ? 4 : 0,
				.data_bytes = data ? 1 : 0 };

			assert_int_equal(bhs_check(&bhs, phase),
				expected((uint8_t)opcode, phase, ahs, data));
		}
	}
	/* RFC 7143 11.2.1.2: eight of the initiator, ten of the target */
	assert_int_equal(known, 18);
}

/* RFC 7143 11.2.1.1, 4.2.2.1, 11.3 to 11.19: what else a row says; all other opcodes say no. */
static const struct {
	uint8_t opcode;
	bool immediate;
	bool cmd_sn;
	bool data;
	unsigned phases;
} ROWS[] = {
	{ OP_NOP_OUT, true, true, true, PHASE_NORMAL },
	{ OP_SCSI_COMMAND, true, true, true, PHASE_NORMAL },
	{ OP_TMF_REQUEST, true, true, false, PHASE_NORMAL },
	{ OP_LOGIN_REQUEST, true, false, true, PHASE_LOGIN },
	{ OP_TEXT_REQUEST, true, true, true, PHASE_NORMAL | PHASE_DISCOVERY },
	{ OP_DATA_OUT, false, false, true, PHASE_NORMAL },
	{ OP_LOGOUT_REQUEST, true, true, false, PHASE_NORMAL | PHASE_DISCOVERY },
	{ OP_SNACK, false, false, false, PHASE_NORMAL },
	{ OP_NOP_IN, false, false, true, PHASE_NORMAL },
	{ OP_SCSI_RESPONSE, false, false, true, PHASE_NORMAL },
	{ OP_TMF_RESPONSE, false, false, false, PHASE_NORMAL },
	{ OP_LOGIN_RESPONSE, false, false, true, PHASE_LOGIN },
	{ OP_TEXT_RESPONSE, false, false, true, PHASE_NORMAL | PHASE_DISCOVERY },
	{ OP_DATA_IN, false, false, true, PHASE_NORMAL },
	{ OP_LOGOUT_RESPONSE, false, false, false, PHASE_NORMAL | PHASE_DISCOVERY },
	{ OP_R2T, false, false, false, PHASE_NORMAL },
	{ OP_ASYNC, false, false, true, PHASE_NORMAL | PHASE_DISCOVERY },
	{ OP_REJECT, false, false, true, PHASE_NORMAL | PHASE_DISCOVERY },
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		const struct opcode_info *info = opcode_info(ROWS[i].opcode);

		assert_non_null(info);
		assert_int_equal(info->may_immediate, ROWS[i].immediate);
		assert_int_equal(info->takes_cmd_sn, ROWS[i].cmd_sn);
		assert_int_equal(info->may_data, ROWS[i].data);
		assert_int_equal(info->may_ahs, ROWS[i].opcode == OP_SCSI_COMMAND);
		assert_int_equal(info->phases, ROWS[i].phases);
	}
}

static void test_table_rows_agree(void **state)
{
	for (unsigned opcode = 0; opcode < 0x100; opcode++) {
		const struct opcode_info *info = opcode_info((uint8_t)opcode);

		if (!info) {
			assert_string_equal(opcode_name((uint8_t)opcode), "unknown opcode");
			continue;
		}
		assert_int_equal(info->opcode, opcode);
		/* RFC 7143 11.2.1.2: the initiator's opcodes are below 0x20 */
		assert_int_equal(info->from_initiator, opcode < 0x20);
		assert_string_equal(opcode_name((uint8_t)opcode), info->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_common_fields),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_every_opcode_everywhere),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_table_rows_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
