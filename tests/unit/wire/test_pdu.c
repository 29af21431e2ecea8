/* SPDX-License-Identifier: MIT */
/*
 * Every message: what is encoded decodes to the same; what is on the wire is where RFC 7143 puts
 * it; what a decoder must refuse it refuses, and leaves its output alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/async.h"
#include "wire/data_in.h"
#include "wire/data_out.h"
#include "wire/login_request.h"
#include "wire/login_response.h"
#include "wire/logout_request.h"
#include "wire/logout_response.h"
#include "wire/nop_in.h"
#include "wire/nop_out.h"
#include "wire/print.h"
#include "wire/r2t.h"
#include "wire/reject.h"
#include "wire/scsi_response.h"
#include "wire/snack.h"
#include "wire/text_request.h"
#include "wire/text_response.h"
#include "wire/tmf_request.h"
#include "wire/tmf_response.h"

#define SNS                                                                                        \
	{ .stat_sn = { 0x01020304 }, .exp_cmd_sn = { 0x05060708 }, .max_cmd_sn = { 0x090a0b0c } }

/* Encodes, compares the bytes with @wire, decodes and compares; the printer says @line. */
#define CHECK(name, pdu, wire, line)                                                               \
	do {                                                                                       \
		uint8_t bhs[BHS_BYTES];                                                            \
		struct pdu_##name back;                                                            \
		char text[400];                                                                    \
		memset(bhs, 0xa5, sizeof(bhs));                                                    \
		pdu_##name##_encode(pdu, bhs);                                                     \
		assert_memory_equal(bhs, wire, BHS_BYTES);                                         \
		memset(&back, 0, sizeof(back));                                                    \
		assert_int_equal(pdu_##name##_decode(bhs, &back), 0);                              \
		uint8_t again[BHS_BYTES];                                                          \
		pdu_##name##_encode(&back, again);                                                 \
		assert_memory_equal(again, wire, BHS_BYTES);                                       \
		pdu_print(bhs, NULL, text, sizeof(text));                                          \
		assert_string_equal(text, line);                                                   \
	} while (0)

/* RFC 7143 11.12 */
static void test_login_request(void **state)
{
	static const uint8_t wire[BHS_BYTES] = { 0x43, 0x87, 0, 0, 0, 0, 1, 2, 0x40, 1, 2, 3, 4, 5,
		0x12, 0x34, 0xaa, 0xbb, 0xcc, 0xdd, 0, 7, 0, 0, 0, 0, 0, 9, 0, 0, 0, 10 };
	struct pdu_login_request pdu = { .transit = true, .csg = STAGE_OPERATIONAL,
		.nsg = STAGE_FULL_FEATURE, .data_bytes = 0x102, .isid = { 0x40, 1, 2, 3, 4, 5 },
		.tsih = 0x1234, .itt = 0xaabbccdd, .cid = 7, .cmd_sn = { 9 }, .exp_stat_sn = { 10 } };

	CHECK(login_request, &pdu, wire,
		"Login Request: itt aabbccdd T csg 1 nsg 3 version 0..0 isid 400102030405"
		" tsih 4660 cid 7 data 258 cmdsn 9 expstatsn 10");
}

/* RFC 7143 11.13 */
static void test_login_response(void **state)
{
	static const uint8_t wire[BHS_BYTES] = { 0x23, 0x44, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 0, 3,
		0, 0, 0, 8, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 2, 7 };
	struct pdu_login_response pdu = { .continues = true, .csg = STAGE_OPERATIONAL,
		.data_bytes = 5, .isid = { 1, 2, 3, 4, 5, 6 }, .tsih = 3, .itt = 8, .sns = SNS,
		.status = LOGIN_MISSING_PARAMETER };

	CHECK(login_response, &pdu, wire,
		"Login Response: itt 00000008 C csg 1 nsg 0 status 0x0207 missing parameter tsih 3"
		" data 5 statsn 16909060 expcmdsn 84281096 maxcmdsn 151653132");
}

/* RFC 7143 11.10, 11.11 */
static void test_text(void **state)
{
	static const uint8_t request[BHS_BYTES] = { 0x44, 0x40, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
		2, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4, 0, 0, 0, 5 };
	static const uint8_t response[BHS_BYTES] = { 0x24, 0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
		2, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	struct pdu_text_request q = { .immediate = true, .continues = true, .data_bytes = 1, .lun = 2,
		.itt = 3, .ttt = TAG_NONE, .cmd_sn = { 4 }, .exp_stat_sn = { 5 } };
	struct pdu_text_response r = { .final = true, .data_bytes = 1, .lun = 2, .itt = 3,
		.ttt = TAG_NONE, .sns = SNS };

	CHECK(text_request, &q, request,
		"Text Request: itt 00000003 I C ttt ffffffff data 1 cmdsn 4 expstatsn 5");
	CHECK(text_response, &r, response,
		"Text Response: itt 00000003 F ttt ffffffff data 1 statsn 16909060 expcmdsn 84281096"
		" maxcmdsn 151653132");
}

/* RFC 7143 11.4, RFC 7144 5.2.1 */
static void test_scsi_response(void **state)
{
	static const uint8_t wire[BHS_BYTES] = { 0x21, 0x8a, 0, 2, 0, 0, 0, 20, 0x40, 1, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 3, 0, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 6, 0,
		0, 0, 7, 0, 0, 0, 8 };
	struct pdu_scsi_response pdu = { .residual_flags = RESIDUAL_UNDERFLOW | BIDI_RESIDUAL_UNDERFLOW,
		.status = 2, .status_qualifier = 0x4001, .data_bytes = 20, .itt = 3, .snack_tag = 4,
		.sns = SNS, .exp_data_sn = 6, .bidi_residual = 7, .residual = 8 };

	CHECK(scsi_response, &pdu, wire,
		"SCSI Response: itt 00000003 response 00 status 02 U residual 8 u bidi 7"
		" expdatasn 6 data 20 statsn 16909060 expcmdsn 84281096 maxcmdsn 151653132");
}

/* RFC 7143 11.5, 11.6 */
static void test_tmf(void **state)
{
	static const uint8_t request[BHS_BYTES] = { 0x42, 0x81, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8 };
	static const uint8_t response[BHS_BYTES] = { 0x22, 0x80, 5, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0,
		0, 0, 0, 0, 3, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	struct pdu_tmf_request q = { .immediate = true, .function = TMF_ABORT_TASK,
		.lun = 0x0001000000000000, .itt = 3, .referenced_itt = 4, .cmd_sn = { 5 },
		.exp_stat_sn = { 6 }, .ref_cmd_sn = { 7 }, .exp_data_sn = 8 };
	struct pdu_tmf_response r = { .response = TMF_NOT_SUPPORTED, .additional = 0x010203, .itt = 3,
		.sns = SNS };

	CHECK(tmf_request, &q, request,
		"Task Management Function Request: ABORT TASK (1) itt 00000003 I lun 0001000000000000"
		" referenced 00000004 refcmdsn 7 expdatasn 8 cmdsn 5 expstatsn 6");
	CHECK(tmf_response, &r, response,
		"Task Management Function Response: itt 00000003 function not supported (5)"
		" additional 010203 statsn 16909060 expcmdsn 84281096 maxcmdsn 151653132");
}

/* RFC 7143 11.7 */
static void test_data(void **state)
{
	static const uint8_t out[BHS_BYTES] = { 0x05, 0x80, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 16, 0 };
	static const uint8_t in[BHS_BYTES] = { 0x25, 0xc3, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 3, 0, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 7, 0, 0, 16,
		0, 0, 0, 0, 9 };
	struct pdu_data_out o = { .final = true, .data_bytes = 512, .lun = 0x0001000000000000,
		.itt = 3, .ttt = 4, .exp_stat_sn = { 6 }, .data_sn = 7, .offset_bytes = 4096 };
	struct pdu_data_in i = { .final = true, .acknowledge = true, .has_status = true,
		.residual_flags = RESIDUAL_UNDERFLOW, .data_bytes = 512, .lun = 0x0001000000000000,
		.itt = 3, .ttt = 4, .sns = SNS, .data_sn = 7, .offset_bytes = 4096, .residual = 9 };

	CHECK(data_out, &o, out,
		"Data-Out: itt 00000003 ttt 00000004 lun 0001000000000000 F datasn 7 offset 4096"
		" data 512 expstatsn 6");
	CHECK(data_in, &i, in,
		"Data-In: itt 00000003 ttt 00000004 lun 0001000000000000 F A S status 00 U residual 9"
		" datasn 7 offset 4096 data 512 statsn 16909060 expcmdsn 84281096 maxcmdsn 151653132");
}

/* RFC 7143 11.7.3: without S there is no status, no residual and no StatSN. */
static void test_data_in_without_status(void **state)
{
	struct pdu_data_in pdu = { .final = true, .residual_flags = RESIDUAL_OVERFLOW, .status = 2,
		.itt = 3, .ttt = TAG_NONE, .sns = SNS, .residual = 9 };
	uint8_t bhs[BHS_BYTES];

	pdu_data_in_encode(&pdu, bhs);
	assert_int_equal(bhs[1], 0x80);
	assert_int_equal(bhs[3], 0);
	assert_int_equal(be32_get(bhs + 24), 0);
	assert_int_equal(be32_get(bhs + 28), 0x05060708);
	assert_int_equal(be32_get(bhs + 44), 0);
}

/* RFC 7143 11.8 */
static void test_r2t(void **state)
{
	static const uint8_t wire[BHS_BYTES] = { 0x31, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 3, 0, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 7, 0, 0, 16,
		0, 0, 0, 0, 9 };
	struct pdu_r2t pdu = { .lun = 0x0001000000000000, .itt = 3, .ttt = 4, .sns = SNS, .r2t_sn = 7,
		.offset_bytes = 4096, .desired_bytes = 9 };

	CHECK(r2t, &pdu, wire,
		"Ready To Transfer: itt 00000003 ttt 00000004 lun 0001000000000000 r2tsn 7"
		" offset 4096 desired 9 statsn 16909060 expcmdsn 84281096 maxcmdsn 151653132");
}

/* RFC 7143 11.18, 11.19 */
static void test_nop(void **state)
{
	static const uint8_t out[BHS_BYTES] = { 0x40, 0x80, 0, 0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0,
		0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6 };
	static const uint8_t in[BHS_BYTES] = { 0x20, 0x80, 0, 0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 3, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	struct pdu_nop_out o = { .immediate = true, .data_bytes = 8, .lun = 0x0001000000000000,
		.itt = TAG_NONE, .ttt = 4, .cmd_sn = { 5 }, .exp_stat_sn = { 6 } };
	struct pdu_nop_in i = { .data_bytes = 8, .lun = 0x0001000000000000, .itt = 3, .ttt = TAG_NONE,
		.sns = SNS };

	CHECK(nop_out, &o, out,
		"NOP-Out: itt ffffffff ttt 00000004 lun 0001000000000000 I data 8 cmdsn 5 expstatsn 6");
	CHECK(nop_in, &i, in,
		"NOP-In: itt 00000003 ttt ffffffff lun 0001000000000000 data 8 statsn 16909060"
		" expcmdsn 84281096 maxcmdsn 151653132");
}

/* RFC 7143 11.14, 11.15 */
static void test_logout(void **state)
{
	static const uint8_t request[BHS_BYTES] = { 0x46, 0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 3, 0, 7, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6 };
	static const uint8_t response[BHS_BYTES] = { 0x26, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 3, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0, 0, 2,
		0, 20 };
	struct pdu_logout_request q = { .immediate = true, .reason = LOGOUT_CLOSE_CONNECTION, .itt = 3,
		.cid = 7, .cmd_sn = { 5 }, .exp_stat_sn = { 6 } };
	struct pdu_logout_response r = { .response = LOGOUT_NO_CID, .itt = 3, .sns = SNS,
		.time2wait_s = 2, .time2retain_s = 20 };

	CHECK(logout_request, &q, request,
		"Logout Request: itt 00000003 I close the connection (1) cid 7 cmdsn 5 expstatsn 6");
	CHECK(logout_response, &r, response,
		"Logout Response: itt 00000003 response 1 time2wait 2 time2retain 20"
		" statsn 16909060 expcmdsn 84281096 maxcmdsn 151653132");
}

/* RFC 7143 11.9 */
static void test_async(void **state)
{
	static const uint8_t wire[BHS_BYTES] = { 0x32, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
		0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 2, 0, 0,
		3, 0, 4, 0, 5 };
	struct pdu_async pdu = { .event = ASYNC_DROP_CONNECTION, .lun = 0x0001000000000000, .sns = SNS,
		.parameter1 = 3, .parameter2 = 4, .parameter3 = 5 };

	CHECK(async, &pdu, wire,
		"Asynchronous Message: event 2 vendor 0 lun 0001000000000000 parameters 3 4 5 data 0"
		" statsn 16909060 expcmdsn 84281096 maxcmdsn 151653132");
}

/* RFC 7143 11.16 */
static void test_snack(void **state)
{
	static const uint8_t wire[BHS_BYTES] = { 0x10, 0x83, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
		0, 0, 0, 8 };
	struct pdu_snack pdu = { .type = SNACK_R_DATA, .lun = 0x0001000000000000, .itt = 3, .ttt = 4,
		.exp_stat_sn = { 6 }, .beg_run = 7, .run_length = 8 };

	CHECK(snack, &pdu, wire,
		"SNACK Request: r_data itt 00000003 ttt 00000004 begrun 7 runlength 8 expstatsn 6");
}

/* RFC 7143 11.17 */
static void test_reject(void **state)
{
	static const uint8_t wire[BHS_BYTES] = { 0x3f, 0x80, 4, 0, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 0,
		0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0,
		7 };
	struct pdu_reject pdu = { .reason = REJECT_PROTOCOL_ERROR, .data_bytes = 48, .sns = SNS,
		.data_sn = 7 };

	CHECK(reject, &pdu, wire,
		"Reject: protocol error (0x04) datasn 7 data 48 statsn 16909060 expcmdsn 84281096"
		" maxcmdsn 151653132");
	assert_string_equal(reject_reason_name(0), "unknown reason");
	assert_string_equal(reject_reason_name(0xff), "unknown reason");
}

/* One byte of an otherwise good PDU, and what its decoder says to it. */
struct refusal {
	const char *clause;
	uint8_t wire[BHS_BYTES];
	int reason;
};

#define ITT_NONE [16] = 0xff, [17] = 0xff, [18] = 0xff, [19] = 0xff
#define TTT_NONE [20] = 0xff, [21] = 0xff, [22] = 0xff, [23] = 0xff

static const struct refusal REFUSALS[] = {
	{ "11.10.2: C with F", { [0] = 0x04, [1] = 0xc0 }, REJECT_PROTOCOL_ERROR },
	{ "11.2.1.8: no ITT", { [0] = 0x04, [1] = 0x80, ITT_NONE }, REJECT_PROTOCOL_ERROR },
	{ "11.11.2: C with F", { [0] = 0x24, [1] = 0xc0, TTT_NONE }, REJECT_PROTOCOL_ERROR },
	{ "11.11.4: F with a TTT", { [0] = 0x24, [1] = 0x80 }, REJECT_PROTOCOL_ERROR },
	{ "11.4.1: U and O", { [0] = 0x21, [1] = 0x86 }, REJECT_INVALID_PDU_FIELD },
	{ "11.4.1: u and o", { [0] = 0x21, [1] = 0x98 }, REJECT_INVALID_PDU_FIELD },
	{ "11.2.1.8: no ITT", { [0] = 0x02, [1] = 0x81, ITT_NONE }, REJECT_INVALID_PDU_FIELD },
	{ "11.7.3: S without F", { [0] = 0x25, [1] = 0x01 }, REJECT_PROTOCOL_ERROR },
	{ "11.4.1: U and O", { [0] = 0x25, [1] = 0x87 }, REJECT_INVALID_PDU_FIELD },
	{ "11.8.4: nothing desired", { [0] = 0x31, [1] = 0x80 }, REJECT_INVALID_PDU_FIELD },
	{ "11.8.5: no TTT", { [0] = 0x31, [1] = 0x80, TTT_NONE, [47] = 1 },
		REJECT_INVALID_PDU_FIELD },
	{ "11.18.1: no ITT, not immediate", { [0] = 0x00, [1] = 0x80, ITT_NONE },
		PDU_FORMAT_ERROR },
	{ "11.14.1: reason 3", { [0] = 0x06, [1] = 0x83 }, REJECT_PROTOCOL_ERROR },
	{ "11.2.1.8: no ITT", { [0] = 0x06, [1] = 0x80, ITT_NONE }, REJECT_INVALID_PDU_FIELD },
	{ "11.16.1: type 4", { [0] = 0x10, [1] = 0x84 }, REJECT_PROTOCOL_ERROR },
};

union any {
	struct pdu_text_request text_request;
	struct pdu_text_response text_response;
	struct pdu_scsi_response scsi_response;
	struct pdu_tmf_request tmf_request;
	struct pdu_data_in data_in;
	struct pdu_r2t r2t;
	struct pdu_nop_out nop_out;
	struct pdu_logout_request logout_request;
	struct pdu_snack snack;
};

static int decode_any(const uint8_t *bhs, union any *ret)
{
	switch (bhs_opcode(bhs)) {
	case OP_TEXT_REQUEST:
		return pdu_text_request_decode(bhs, &ret->text_request);
	case OP_TEXT_RESPONSE:
		return pdu_text_response_decode(bhs, &ret->text_response);
	case OP_SCSI_RESPONSE:
		return pdu_scsi_response_decode(bhs, &ret->scsi_response);
	case OP_TMF_REQUEST:
		return pdu_tmf_request_decode(bhs, &ret->tmf_request);
	case OP_DATA_IN:
		return pdu_data_in_decode(bhs, &ret->data_in);
	case OP_R2T:
		return pdu_r2t_decode(bhs, &ret->r2t);
	case OP_NOP_OUT:
		return pdu_nop_out_decode(bhs, &ret->nop_out);
	case OP_LOGOUT_REQUEST:
		return pdu_logout_request_decode(bhs, &ret->logout_request);
	case OP_SNACK:
		return pdu_snack_decode(bhs, &ret->snack);
	default:
		fail_msg("opcode %02x", bhs[0]);
		return -1;
	}
}

static void test_refusals(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(REFUSALS); i++) {
		const struct refusal *row = &REFUSALS[i];
		union any got, untouched;
		char text[200];

		memset(&got, 0x5a, sizeof(got));
		memset(&untouched, 0x5a, sizeof(untouched));
		if (decode_any(row->wire, &got) != row->reason)
			fail_msg("%s: opcode %02x", row->clause, row->wire[0]);
		assert_memory_equal(&got, &untouched, sizeof(got));
		pdu_print(row->wire, NULL, text, sizeof(text));
		assert_memory_equal(text, "invalid ", 8);
	}
}

/* RFC 7143 11: a receiver ignores what is reserved. */
static void test_reserved_is_ignored(void **state)
{
	uint8_t bhs[BHS_BYTES] = { [0] = 0x02, [1] = 0x85, [2] = 0xff, [3] = 0xff, [40] = 0xff };
	struct pdu_tmf_request pdu;

	assert_int_equal(pdu_tmf_request_decode(bhs, &pdu), 0);
	assert_int_equal(pdu.function, TMF_LOGICAL_UNIT_RESET);
}

static void test_names_of_codes(void **state)
{
	assert_string_equal(tmf_function_name(0), "unknown function");
	assert_string_equal(tmf_function_name(12), "QUERY ASYNCHRONOUS EVENT");
	assert_string_equal(tmf_function_name(13), "unknown function");
	assert_string_equal(tmf_function_name(127), "unknown function");
	assert_string_equal(tmf_response_name(255), "function rejected");
	assert_string_equal(tmf_response_name(254), "unknown response");
	assert_string_equal(login_status_name(0x020b), "invalid request during login");
	assert_string_equal(login_status_name(0x0999), "unknown status");
}

/* A line is cut, never run over. */
static void test_print_is_bounded(void **state)
{
	uint8_t bhs[BHS_BYTES] = { 0x25, 0x80 };
	char text[16];

	memset(text, 'x', sizeof(text));
	pdu_print(bhs, NULL, text, 8);
	assert_string_equal(text, "Data-In");
	assert_int_equal(text[8], 'x');
	bhs[0] = 0x3c;
	pdu_print(bhs, NULL, text, sizeof(text));
	assert_string_equal(text, "unknown opcode ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login_request),
		cmocka_unit_test(test_login_response),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_scsi_response),
		cmocka_unit_test(test_tmf),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_data_in_without_status),
		cmocka_unit_test(test_r2t),
		cmocka_unit_test(test_nop),
		cmocka_unit_test(test_logout),
		cmocka_unit_test(test_async),
		cmocka_unit_test(test_snack),
		cmocka_unit_test(test_reject),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_reserved_is_ignored),
		cmocka_unit_test(test_names_of_codes),
		cmocka_unit_test(test_print_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
