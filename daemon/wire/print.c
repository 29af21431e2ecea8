/* SPDX-License-Identifier: MIT */
/* Any PDU as a line: see print.h. A row for each message ties its decoder to its printer. */
#include "wire/print.h"

#include <stdio.h>

#include "wire/async.h"
#include "wire/data_in.h"
#include "wire/data_out.h"
#include "wire/login_request.h"
#include "wire/login_response.h"
#include "wire/logout_request.h"
#include "wire/logout_response.h"
#include "wire/nop_in.h"
#include "wire/nop_out.h"
#include "wire/r2t.h"
#include "wire/reject.h"
#include "wire/scsi_command.h"
#include "wire/scsi_response.h"
#include "wire/snack.h"
#include "wire/text_request.h"
#include "wire/text_response.h"
#include "wire/tmf_request.h"
#include "wire/tmf_response.h"

typedef bool (*print_fn)(const uint8_t *bhs, const uint8_t *ahs, char *text, size_t bytes);

#define PRINTER(name)                                                                              \
	static bool print_##name(const uint8_t *bhs, const uint8_t *ahs, char *text, size_t bytes) \
	{                                                                                          \
		struct pdu_##name pdu;                                                             \
		if (pdu_##name##_decode(bhs, &pdu))                                                \
			return false;                                                              \
		pdu_##name##_print(&pdu, text, bytes);                                             \
		return true;                                                                       \
	}

PRINTER(async)
PRINTER(data_in)
PRINTER(data_out)
PRINTER(login_request)
PRINTER(login_response)
PRINTER(logout_request)
PRINTER(logout_response)
PRINTER(nop_in)
PRINTER(nop_out)
PRINTER(r2t)
PRINTER(reject)
PRINTER(scsi_response)
PRINTER(snack)
PRINTER(text_request)
PRINTER(text_response)
PRINTER(tmf_request)
PRINTER(tmf_response)

static bool print_scsi_command(const uint8_t *bhs, const uint8_t *ahs, char *text, size_t bytes)
{
	struct pdu_scsi_command pdu;

	if ((!ahs && bhs_ahs_bytes(bhs)) || pdu_scsi_command_decode(bhs, ahs, &pdu))
		return false;
	pdu_scsi_command_print(&pdu, text, bytes);
	return true;
}

static const print_fn PRINTERS[0x40] = {
	[OP_NOP_OUT] = print_nop_out,
	[OP_SCSI_COMMAND] = print_scsi_command,
	[OP_TMF_REQUEST] = print_tmf_request,
	[OP_LOGIN_REQUEST] = print_login_request,
	[OP_TEXT_REQUEST] = print_text_request,
	[OP_DATA_OUT] = print_data_out,
	[OP_LOGOUT_REQUEST] = print_logout_request,
	[OP_SNACK] = print_snack,
	[OP_NOP_IN] = print_nop_in,
	[OP_SCSI_RESPONSE] = print_scsi_response,
	[OP_TMF_RESPONSE] = print_tmf_response,
	[OP_LOGIN_RESPONSE] = print_login_response,
	[OP_TEXT_RESPONSE] = print_text_response,
	[OP_DATA_IN] = print_data_in,
	[OP_LOGOUT_RESPONSE] = print_logout_response,
	[OP_R2T] = print_r2t,
	[OP_ASYNC] = print_async,
	[OP_REJECT] = print_reject,
};

void pdu_print(const uint8_t *bhs, const uint8_t *ahs, char *text, size_t bytes)
{
	print_fn print = PRINTERS[bhs_opcode(bhs)];

	if (print && print(bhs, ahs, text, bytes))
		return;
	snprintf(text, bytes, "%s%s (0x%02x): itt %08x flags %02x ahs %u data %u",
		print ? "invalid " : "", opcode_name(bhs_opcode(bhs)), bhs_opcode(bhs),
		bhs_itt(bhs), bhs[1], bhs_ahs_bytes(bhs), bhs_data_bytes(bhs));
}
