/* SPDX-License-Identifier: MIT */
/* Reject: see reject.h. */
#include "wire/reject.h"

#include <stdio.h>

static const char *const REASONS[] = {
	[REJECT_DATA_DIGEST] = "data digest error",
	[REJECT_SNACK] = "SNACK reject",
	[REJECT_PROTOCOL_ERROR] = "protocol error",
	[REJECT_COMMAND_NOT_SUPPORTED] = "command not supported",
	[REJECT_IMMEDIATE] = "too many immediate commands",
	[REJECT_TASK_IN_PROGRESS] = "task in progress",
	[REJECT_INVALID_DATA_ACK] = "invalid DataACK",
	[REJECT_INVALID_PDU_FIELD] = "invalid PDU field",
	[REJECT_LONG_OPERATION] = "out of resources for a target transfer tag",
	[REJECT_DEPRECATED] = "negotiation reset",
	[REJECT_WAITING_FOR_LOGOUT] = "waiting for logout",
};

const char *reject_reason_name(uint8_t reason)
{
	if (reason >= ARRAY_SIZE(REASONS) || !REASONS[reason])
		return "unknown reason";
	return REASONS[reason];
}

int pdu_reject_decode(const uint8_t *bhs, struct pdu_reject *ret)
{
	*ret = (struct pdu_reject){
		.reason = bhs[2],
		.data_bytes = bhs_data_bytes(bhs),
		.sns = bhs_get_sns(bhs),
		.data_sn = be32_get(bhs + 36),
	};
	return 0;
}

void pdu_reject_encode(const struct pdu_reject *pdu, uint8_t *bhs)
{
	bhs_put(bhs, OP_REJECT, 0x80, pdu->data_bytes);
	bhs[2] = pdu->reason;
	be32_put(bhs + 16, TAG_NONE);
	bhs_put_sns(bhs, &pdu->sns);
	be32_put(bhs + 36, pdu->data_sn);
}

void pdu_reject_print(const struct pdu_reject *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes, "Reject: %s (0x%02x) datasn %u data %u " PRI_SNS,
		reject_reason_name(pdu->reason), pdu->reason, pdu->data_sn, pdu->data_bytes,
		ARG_SNS(pdu->sns));
}
