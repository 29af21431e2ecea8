/* SPDX-License-Identifier: MIT */
/* Ready To Transfer: see r2t.h. */
#include "wire/r2t.h"

#include <stdio.h>

#include "wire/reject.h"

int pdu_r2t_decode(const uint8_t *bhs, struct pdu_r2t *ret)
{
	struct pdu_r2t r = {
		.lun = bhs_lun(bhs),
		.itt = bhs_itt(bhs),
		.ttt = be32_get(bhs + 20),
		.sns = bhs_get_sns(bhs),
		.r2t_sn = be32_get(bhs + 36),
		.offset_bytes = be32_get(bhs + 40),
		.desired_bytes = be32_get(bhs + 44),
	};

	/* RFC 7143 11.8.4: the length is not zero; 11.8.5: the TTT is not the reserved value */
	if (!r.desired_bytes || r.ttt == TAG_NONE)
		return REJECT_INVALID_PDU_FIELD;
	*ret = r;
	return 0;
}

void pdu_r2t_print(const struct pdu_r2t *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"Ready To Transfer: itt %08x ttt %08x lun %016llx r2tsn %u offset %u desired %u " PRI_SNS,
		pdu->itt, pdu->ttt, (unsigned long long)pdu->lun, pdu->r2t_sn, pdu->offset_bytes,
		pdu->desired_bytes, ARG_SNS(pdu->sns));
}
