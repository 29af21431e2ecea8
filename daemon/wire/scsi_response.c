/* SPDX-License-Identifier: MIT */
/* SCSI Response: see scsi_response.h. */
#include "wire/scsi_response.h"

#include <stdio.h>

#include "wire/reject.h"

int pdu_scsi_response_decode(const uint8_t *bhs, struct pdu_scsi_response *ret)
{
	struct pdu_scsi_response r = {
		.residual_flags = bhs[1] & 0x1e,
		.response = bhs[2],
		.status = bhs[3],
		.status_qualifier = be16_get(bhs + 8),
		.data_bytes = bhs_data_bytes(bhs),
		.itt = bhs_itt(bhs),
		.snack_tag = be32_get(bhs + 20),
		.sns = bhs_get_sns(bhs),
		.exp_data_sn = be32_get(bhs + 36),
		.bidi_residual = be32_get(bhs + 40),
		.residual = be32_get(bhs + 44),
	};
	uint8_t one = r.residual_flags & (RESIDUAL_UNDERFLOW | RESIDUAL_OVERFLOW);
	uint8_t two = r.residual_flags & (BIDI_RESIDUAL_UNDERFLOW | BIDI_RESIDUAL_OVERFLOW);

	/* RFC 7143 11.4.1: U and O exclude each other, and so do u and o */
	if (one == (RESIDUAL_UNDERFLOW | RESIDUAL_OVERFLOW) ||
		two == (BIDI_RESIDUAL_UNDERFLOW | BIDI_RESIDUAL_OVERFLOW))
		return REJECT_INVALID_PDU_FIELD;
	*ret = r;
	return 0;
}

void pdu_scsi_response_print(const struct pdu_scsi_response *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"SCSI Response: itt %08x response %02x status %02x%s%s residual %u%s%s bidi %u"
		" expdatasn %u data %u " PRI_SNS,
		pdu->itt, pdu->response, pdu->status,
		pdu->residual_flags & RESIDUAL_UNDERFLOW ? " U" : "",
		pdu->residual_flags & RESIDUAL_OVERFLOW ? " O" : "", pdu->residual,
		pdu->residual_flags & BIDI_RESIDUAL_UNDERFLOW ? " u" : "",
		pdu->residual_flags & BIDI_RESIDUAL_OVERFLOW ? " o" : "", pdu->bidi_residual,
		pdu->exp_data_sn, pdu->data_bytes, ARG_SNS(pdu->sns));
}
