/* SPDX-License-Identifier: MIT */
/* NOP-Out: see nop_out.h. */
#include "wire/nop_out.h"

#include <stdio.h>

#include "wire/reject.h"

int pdu_nop_out_decode(const uint8_t *bhs, struct pdu_nop_out *ret)
{
	struct pdu_nop_out n = {
		.immediate = bhs_immediate(bhs),
		.data_bytes = bhs_data_bytes(bhs),
		.lun = bhs_lun(bhs),
		.itt = bhs_itt(bhs),
		.ttt = be32_get(bhs + 20),
		.cmd_sn = sn(be32_get(bhs + 24)),
		.exp_stat_sn = sn(be32_get(bhs + 28)),
	};

	/* RFC 7143 11.18.1: without an ITT the I bit must be set; 7.7: fields that contradict each other */
	if (n.itt == TAG_NONE && !n.immediate)
		return PDU_FORMAT_ERROR;
	*ret = n;
	return 0;
}

void pdu_nop_out_encode(const struct pdu_nop_out *pdu, uint8_t *bhs)
{
	bhs_put(bhs, (uint8_t)(OP_NOP_OUT | pdu->immediate << 6), 0x80, pdu->data_bytes);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->ttt);
	be32_put(bhs + 24, pdu->cmd_sn.v);
	be32_put(bhs + 28, pdu->exp_stat_sn.v);
}

void pdu_nop_out_print(const struct pdu_nop_out *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"NOP-Out: itt %08x ttt %08x lun %016llx%s data %u cmdsn %u expstatsn %u", pdu->itt,
		pdu->ttt, (unsigned long long)pdu->lun, pdu->immediate ? " I" : "", pdu->data_bytes,
		pdu->cmd_sn.v, pdu->exp_stat_sn.v);
}
