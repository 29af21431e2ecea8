/* SPDX-License-Identifier: MIT */
/* SCSI Data-In (RFC 7143 11.7), which may carry the status of its command. */
#ifndef WIRE_DATA_IN_H
#define WIRE_DATA_IN_H

#include "wire/bhs.h"
#include "wire/scsi_response.h"

struct pdu_data_in {
	bool final;
	bool acknowledge;       /* A: asks for a DataACK SNACK; ErrorRecoveryLevel above 0 */
	bool has_status;        /* S: status, residual and sns.stat_sn are valid */
	uint8_t residual_flags; /* RESIDUAL_UNDERFLOW or RESIDUAL_OVERFLOW, with has_status */
	uint8_t status;
	uint32_t data_bytes;
	uint64_t lun; /* with ttt; else zero */
	uint32_t itt;
	uint32_t ttt; /* with acknowledge; else TAG_NONE */
	struct pdu_sns sns;
	uint32_t data_sn;
	uint32_t offset_bytes;
	uint32_t residual;
};

static inline void pdu_data_in_encode(const struct pdu_data_in *pdu, uint8_t *bhs)
{
	uint8_t flags = (uint8_t)(pdu->final << 7 | pdu->acknowledge << 6 | pdu->has_status);

	if (pdu->has_status)
		flags |= pdu->residual_flags & (RESIDUAL_UNDERFLOW | RESIDUAL_OVERFLOW);
	bhs_put(bhs, OP_DATA_IN, flags, pdu->data_bytes);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->ttt);
	bhs_put_sns(bhs, &pdu->sns);
	be32_put(bhs + 36, pdu->data_sn);
	be32_put(bhs + 40, pdu->offset_bytes);
	if (pdu->has_status) {
		bhs[3] = pdu->status;
		be32_put(bhs + 44, pdu->residual);
	} else {
		be32_put(bhs + 24, 0);
	}
}

int pdu_data_in_decode(const uint8_t *bhs, struct pdu_data_in *ret);
void pdu_data_in_print(const struct pdu_data_in *pdu, char *text, size_t bytes);

#endif
