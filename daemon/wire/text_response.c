/* SPDX-License-Identifier: MIT */
/* Text Response: see text_response.h. */
#include "wire/text_response.h"

#include <stdio.h>

#include "wire/reject.h"

int pdu_text_response_decode(const uint8_t *bhs, struct pdu_text_response *ret)
{
	struct pdu_text_response t = {
		.final = bhs_final(bhs),
		.continues = bhs[1] & 0x40,
		.data_bytes = bhs_data_bytes(bhs),
		.lun = bhs_lun(bhs),
		.itt = bhs_itt(bhs),
		.ttt = be32_get(bhs + 20),
		.sns = bhs_get_sns(bhs),
	};

	/* RFC 7143 11.11.1, 11.11.2, 11.11.4: F excludes C; with F the TTT is reserved */
	if (t.final && (t.continues || t.ttt != TAG_NONE))
		return REJECT_PROTOCOL_ERROR;
	*ret = t;
	return 0;
}

void pdu_text_response_encode(const struct pdu_text_response *pdu, uint8_t *bhs)
{
	bhs_put(bhs, OP_TEXT_RESPONSE, (uint8_t)(pdu->final << 7 | pdu->continues << 6),
		pdu->data_bytes);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->ttt);
	bhs_put_sns(bhs, &pdu->sns);
}

void pdu_text_response_print(const struct pdu_text_response *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes, "Text Response: itt %08x%s%s ttt %08x data %u " PRI_SNS, pdu->itt,
		pdu->final ? " F" : "", pdu->continues ? " C" : "", pdu->ttt, pdu->data_bytes,
		ARG_SNS(pdu->sns));
}
