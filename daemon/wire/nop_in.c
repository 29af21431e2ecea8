/* SPDX-License-Identifier: MIT */
/* NOP-In: see nop_in.h. */
#include "wire/nop_in.h"

#include <stdio.h>

int pdu_nop_in_decode(const uint8_t *bhs, struct pdu_nop_in *ret)
{
	*ret = (struct pdu_nop_in){
		.data_bytes = bhs_data_bytes(bhs),
		.lun = bhs_lun(bhs),
		.itt = bhs_itt(bhs),
		.ttt = be32_get(bhs + 20),
		.sns = bhs_get_sns(bhs),
	};
	return 0;
}

void pdu_nop_in_encode(const struct pdu_nop_in *pdu, uint8_t *bhs)
{
	bhs_put(bhs, OP_NOP_IN, 0x80, pdu->data_bytes);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->ttt);
	bhs_put_sns(bhs, &pdu->sns);
}

void pdu_nop_in_print(const struct pdu_nop_in *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes, "NOP-In: itt %08x ttt %08x lun %016llx data %u " PRI_SNS, pdu->itt,
		pdu->ttt, (unsigned long long)pdu->lun, pdu->data_bytes, ARG_SNS(pdu->sns));
}
