/* SPDX-License-Identifier: MIT */
/* SCSI Data-Out: see data_out.h. */
#include "wire/data_out.h"

#include <stdio.h>

void pdu_data_out_encode(const struct pdu_data_out *pdu, uint8_t *bhs)
{
	bhs_put(bhs, OP_DATA_OUT, (uint8_t)(pdu->final << 7), pdu->data_bytes);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->ttt);
	be32_put(bhs + 28, pdu->exp_stat_sn.v);
	be32_put(bhs + 36, pdu->data_sn);
	be32_put(bhs + 40, pdu->offset_bytes);
}

void pdu_data_out_print(const struct pdu_data_out *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"Data-Out: itt %08x ttt %08x lun %016llx%s datasn %u offset %u data %u expstatsn %u",
		pdu->itt, pdu->ttt, (unsigned long long)pdu->lun, pdu->final ? " F" : "",
		pdu->data_sn, pdu->offset_bytes, pdu->data_bytes, pdu->exp_stat_sn.v);
}
