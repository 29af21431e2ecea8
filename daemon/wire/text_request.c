/* SPDX-License-Identifier: MIT */
/* Text Request: see text_request.h. */
#include "wire/text_request.h"

#include <stdio.h>

#include "wire/reject.h"

int pdu_text_request_decode(const uint8_t *bhs, struct pdu_text_request *ret)
{
	struct pdu_text_request t = {
		.immediate = bhs_immediate(bhs),
		.final = bhs_final(bhs),
		.continues = bhs[1] & 0x40,
		.data_bytes = bhs_data_bytes(bhs),
		.lun = bhs_lun(bhs),
		.itt = bhs_itt(bhs),
		.ttt = be32_get(bhs + 20),
		.cmd_sn = sn(be32_get(bhs + 24)),
		.exp_stat_sn = sn(be32_get(bhs + 28)),
	};

	/* RFC 7143 11.10.2: with C set, F must not be; RFC 7143 11.2.1.8: the ITT is valid */
	if ((t.final && t.continues) || t.itt == TAG_NONE)
		return REJECT_PROTOCOL_ERROR;
	*ret = t;
	return 0;
}

void pdu_text_request_encode(const struct pdu_text_request *pdu, uint8_t *bhs)
{
	bhs_put(bhs, (uint8_t)(OP_TEXT_REQUEST | pdu->immediate << 6),
		(uint8_t)(pdu->final << 7 | pdu->continues << 6), pdu->data_bytes);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->ttt);
	be32_put(bhs + 24, pdu->cmd_sn.v);
	be32_put(bhs + 28, pdu->exp_stat_sn.v);
}

void pdu_text_request_print(const struct pdu_text_request *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"Text Request: itt %08x%s%s%s ttt %08x data %u cmdsn %u expstatsn %u", pdu->itt,
		pdu->immediate ? " I" : "", pdu->final ? " F" : "", pdu->continues ? " C" : "",
		pdu->ttt, pdu->data_bytes, pdu->cmd_sn.v, pdu->exp_stat_sn.v);
}
