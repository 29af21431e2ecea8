/* SPDX-License-Identifier: MIT */
/* SCSI Data-In: see data_in.h. */
#include "wire/data_in.h"

#include <stdio.h>

#include "wire/reject.h"

int pdu_data_in_decode(const uint8_t *bhs, struct pdu_data_in *ret)
{
	struct pdu_data_in d = {
		.final = bhs_final(bhs),
		.acknowledge = bhs[1] & 0x40,
		.has_status = bhs[1] & 0x01,
		.data_bytes = bhs_data_bytes(bhs),
		.lun = bhs_lun(bhs),
		.itt = bhs_itt(bhs),
		.ttt = be32_get(bhs + 20),
		.sns = bhs_get_sns(bhs),
		.data_sn = be32_get(bhs + 36),
		.offset_bytes = be32_get(bhs + 40),
	};

	/* RFC 7143 11.7.3: status only with the last PDU of the sequence */
	if (d.has_status && !d.final)
		return REJECT_PROTOCOL_ERROR;
	if (d.has_status) {
		d.residual_flags = bhs[1] & (RESIDUAL_UNDERFLOW | RESIDUAL_OVERFLOW);
		d.status = bhs[3];
		d.residual = be32_get(bhs + 44);
	}
	/* RFC 7143 11.4.1: U and O exclude each other */
	if (d.residual_flags == (RESIDUAL_UNDERFLOW | RESIDUAL_OVERFLOW))
		return REJECT_INVALID_PDU_FIELD;
	*ret = d;
	return 0;
}

void pdu_data_in_print(const struct pdu_data_in *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"Data-In: itt %08x ttt %08x lun %016llx%s%s%s status %02x%s%s residual %u datasn %u"
		" offset %u data %u " PRI_SNS,
		pdu->itt, pdu->ttt, (unsigned long long)pdu->lun, pdu->final ? " F" : "",
		pdu->acknowledge ? " A" : "", pdu->has_status ? " S" : "", pdu->status,
		pdu->residual_flags & RESIDUAL_UNDERFLOW ? " U" : "",
		pdu->residual_flags & RESIDUAL_OVERFLOW ? " O" : "", pdu->residual, pdu->data_sn,
		pdu->offset_bytes, pdu->data_bytes, ARG_SNS(pdu->sns));
}
