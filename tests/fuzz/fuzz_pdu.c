/* SPDX-License-Identifier: MIT */
/*
 * A header and the AHS that it says it has: every decoder and printer; what a decoder takes is
 * encoded, decoded and encoded again to the same bytes.
 */
#include <string.h>

#include "fuzz.h"

#include "wire/async.h"
#include "wire/data_in.h"
#include "wire/data_out.h"
#include "wire/digest.h"
#include "wire/login_request.h"
#include "wire/login_response.h"
#include "wire/logout_request.h"
#include "wire/logout_response.h"
#include "wire/nop_in.h"
#include "wire/nop_out.h"
#include "wire/print.h"
#include "wire/r2t.h"
#include "wire/scsi_command.h"
#include "wire/scsi_response.h"
#include "wire/snack.h"
#include "wire/text_request.h"
#include "wire/text_response.h"
#include "wire/tmf_request.h"
#include "wire/tmf_response.h"

#define ROUND_TRIP(name)                                                                           \
	static void trip_##name(const uint8_t *bhs)                                                \
	{                                                                                          \
		uint8_t one[BHS_BYTES], two[BHS_BYTES];                                            \
		struct pdu_##name pdu;                                                             \
		int r = pdu_##name##_decode(bhs, &pdu);                                            \
		CHECK(r >= 0);                                                                     \
		if (r)                                                                             \
			return;                                                                    \
		pdu_##name##_encode(&pdu, one);                                                    \
		CHECK(bhs_data_bytes(one) == bhs_data_bytes(bhs) || !bhs_data_bytes(one));         \
		CHECK(!pdu_##name##_decode(one, &pdu));                                            \
		pdu_##name##_encode(&pdu, two);                                                    \
		CHECK(!memcmp(one, two, BHS_BYTES));                                               \
	}

ROUND_TRIP(async)
ROUND_TRIP(data_in)
ROUND_TRIP(data_out)
ROUND_TRIP(login_request)
ROUND_TRIP(login_response)
ROUND_TRIP(logout_request)
ROUND_TRIP(logout_response)
ROUND_TRIP(nop_in)
ROUND_TRIP(nop_out)
ROUND_TRIP(r2t)
ROUND_TRIP(reject)
ROUND_TRIP(scsi_response)
ROUND_TRIP(snack)
ROUND_TRIP(text_request)
ROUND_TRIP(text_response)
ROUND_TRIP(tmf_request)
ROUND_TRIP(tmf_response)

static void (*const TRIPS[])(const uint8_t *bhs) = {
	trip_async, trip_data_in, trip_data_out, trip_login_request, trip_login_response,
	trip_logout_request, trip_logout_response, trip_nop_in, trip_nop_out, trip_r2t, trip_reject,
	trip_scsi_response, trip_snack, trip_text_request, trip_text_response, trip_tmf_request,
	trip_tmf_response,
};

static void trip_scsi_command(const uint8_t *bhs, const uint8_t *ahs)
{
	uint8_t one[BHS_BYTES], two[BHS_BYTES], ahs_one[AHS_MAX_BYTES], ahs_two[AHS_MAX_BYTES];
	uint8_t cdb[PDU_CDB_MAX];
	struct pdu_scsi_command pdu;
	int r = pdu_scsi_command_decode(bhs, ahs, &pdu);

	CHECK(r >= 0);
	if (r)
		return;
	CHECK(pdu_scsi_command_cdb(&pdu, cdb) <= PDU_CDB_MAX);
	CHECK(pdu.data_bytes <= pdu_scsi_command_out_bytes(&pdu));
	uint32_t n = pdu_scsi_command_encode(&pdu, one, ahs_one);
	CHECK(n == bhs_ahs_bytes(one) && n <= bhs_ahs_bytes(bhs));
	CHECK(!pdu_scsi_command_decode(one, ahs_one, &pdu));
	CHECK(pdu_scsi_command_encode(&pdu, two, ahs_two) == n);
	CHECK(!memcmp(one, two, BHS_BYTES) && !memcmp(ahs_one, ahs_two, n));
}

/* The engine and the table agree on any bytes, however they are cut. */
static void check_digest(const uint8_t *data, size_t size)
{
	size_t cut = size ? data[0] % size : 0;
	crc32c_t whole = crc32c_add_portable(crc32c_begin(), data, size);
	crc32c_t parts = crc32c_add(crc32c_add(crc32c_begin(), data, cut), data + cut, size - cut);
	uint8_t wire[DIGEST_BYTES];

	crc32c_put(whole, wire);
	CHECK(crc32c_equal(parts, wire));
}

static void check_header(const uint8_t *data)
{
	static const enum phase phases[] = { PHASE_LOGIN, PHASE_NORMAL, PHASE_DISCOVERY };
	struct bhs bhs = bhs_decode(data);

	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		int r = bhs_check(&bhs, phases[i]);

		CHECK(r >= 0);
		CHECK(r || opcode_info(bhs.opcode)->from_initiator);
		CHECK(r || !bhs.ahs_bytes || opcode_info(bhs.opcode)->may_ahs);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512];

	check_digest(data, size);
	if (size < BHS_BYTES || size - BHS_BYTES < bhs_ahs_bytes(data))
		return 0;
	/* exactly the bytes that the header says are there */
	size_t ahs_bytes = bhs_ahs_bytes(data);
	uint8_t *ahs = malloc(ahs_bytes + !ahs_bytes);
	CHECK(ahs);
	memcpy(ahs, data + BHS_BYTES, ahs_bytes);
	check_header(data);
	for (size_t i = 0; i < ARRAY_SIZE(TRIPS); i++)
		TRIPS[i](data);
	trip_scsi_command(data, ahs);
	memset(text, 'x', sizeof(text));
	pdu_print(data, ahs, text, sizeof(text));
	CHECK(memchr(text, 0, sizeof(text)));
	CHECK(!strchr(text, '\n') && strlen(text) < 400);
	pdu_print(data, NULL, text, 1);
	CHECK(!text[0]);
	free(ahs);
	return 0;
}
