/* SPDX-License-Identifier: MIT */
/* The table of opcodes and what it forbids: see bhs.h. */
#include "wire/bhs.h"

#include "wire/reject.h"

#define FFP (PHASE_NORMAL | PHASE_DISCOVERY)

/*
 * RFC 7143 11.2.1.2. A discovery session takes Text Requests and a Logout Request and nothing else
 * (RFC 7143 4.3); what has neither AHS nor data has none in either direction (RFC 7143 11.5.2, 11.6.2, 11.8.1, 11.14.2,
 * 11.15.2); the login phase takes Login Requests and nothing else (RFC 7143 4.2.4, 6.3).
 *
 * columns: from the initiator, I bit, CmdSN, AHS, data segment, phases
 */
#define ROW(opcode, ...) [opcode] = { opcode, __VA_ARGS__ }

static const struct opcode_info OPCODES[0x40] = {
	ROW(OP_NOP_OUT, true, true, true, false, true, PHASE_NORMAL, "NOP-Out"),
	ROW(OP_SCSI_COMMAND, true, true, true, true, true, PHASE_NORMAL, "SCSI Command"),
	ROW(OP_TMF_REQUEST, true, true, true, false, false, PHASE_NORMAL,
		"Task Management Function Request"),
	ROW(OP_LOGIN_REQUEST, true, true, false, false, true, PHASE_LOGIN, "Login Request"),
	ROW(OP_TEXT_REQUEST, true, true, true, false, true, FFP, "Text Request"),
	ROW(OP_DATA_OUT, true, false, false, false, true, PHASE_NORMAL, "Data-Out"),
	ROW(OP_LOGOUT_REQUEST, true, true, true, false, false, FFP, "Logout Request"),
	ROW(OP_SNACK, true, false, false, false, false, PHASE_NORMAL, "SNACK Request"),
	ROW(OP_NOP_IN, false, false, false, false, true, PHASE_NORMAL, "NOP-In"),
	ROW(OP_SCSI_RESPONSE, false, false, false, false, true, PHASE_NORMAL, "SCSI Response"),
	ROW(OP_TMF_RESPONSE, false, false, false, false, false, PHASE_NORMAL,
		"Task Management Function Response"),
	ROW(OP_LOGIN_RESPONSE, false, false, false, false, true, PHASE_LOGIN, "Login Response"),
	ROW(OP_TEXT_RESPONSE, false, false, false, false, true, FFP, "Text Response"),
	ROW(OP_DATA_IN, false, false, false, false, true, PHASE_NORMAL, "Data-In"),
	ROW(OP_LOGOUT_RESPONSE, false, false, false, false, false, FFP, "Logout Response"),
	ROW(OP_R2T, false, false, false, false, false, PHASE_NORMAL, "Ready To Transfer"),
	ROW(OP_ASYNC, false, false, false, false, true, FFP, "Asynchronous Message"),
	ROW(OP_REJECT, false, false, false, false, true, FFP, "Reject"),
};

const struct opcode_info *opcode_info(uint8_t opcode)
{
	if (opcode >= ARRAY_SIZE(OPCODES) || !OPCODES[opcode].name)
		return NULL;
	return &OPCODES[opcode];
}

const char *opcode_name(uint8_t opcode)
{
	const struct opcode_info *info = opcode_info(opcode);

	return info ? info->name : "unknown opcode";
}

int bhs_check(const struct bhs *bhs, enum phase phase)
{
	const struct opcode_info *info = opcode_info(bhs->opcode);

	if (!info)
		return REJECT_COMMAND_NOT_SUPPORTED;
	if (!info->from_initiator || !(info->phases & phase))
		return REJECT_PROTOCOL_ERROR;
	if ((bhs->ahs_bytes && !info->may_ahs) || (bhs->data_bytes && !info->may_data))
		return PDU_FORMAT_ERROR;
	return 0;
}
