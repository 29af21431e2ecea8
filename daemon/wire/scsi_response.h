/* SPDX-License-Identifier: MIT */
/* SCSI Response (RFC 7143 11.4). Its data segment is SenseLength, sense and response data. */
#ifndef WIRE_SCSI_RESPONSE_H
#define WIRE_SCSI_RESPONSE_H

#include "wire/bhs.h"

/* RFC 7143 11.4.3. */
enum scsi_response_code {
	RESPONSE_COMPLETED = 0x00,
	RESPONSE_TARGET_FAILURE = 0x01,
};

/* RFC 7143 11.4.1; bits of byte 1. */
enum {
	RESIDUAL_UNDERFLOW = 0x02,      /* U */
	RESIDUAL_OVERFLOW = 0x04,       /* O */
	BIDI_RESIDUAL_UNDERFLOW = 0x08, /* u */
	BIDI_RESIDUAL_OVERFLOW = 0x10,  /* o */
};

struct pdu_scsi_response {
	uint8_t residual_flags;
	uint8_t response;
	uint8_t status;
	uint16_t status_qualifier; /* RFC 7144 5.2.1; zero below protocol level 2 */
	uint32_t data_bytes;
	uint32_t itt;
	uint32_t snack_tag;
	struct pdu_sns sns;
	uint32_t exp_data_sn; /* number of Data-In PDUs sent for the command */
	uint32_t bidi_residual;
	uint32_t residual;
};

static inline void pdu_scsi_response_encode(const struct pdu_scsi_response *pdu, uint8_t *bhs)
{
	bhs_put(bhs, OP_SCSI_RESPONSE, 0x80 | (pdu->residual_flags & 0x1e), pdu->data_bytes);
	bhs[2] = pdu->response;
	bhs[3] = pdu->status;
	be16_put(bhs + 8, pdu->status_qualifier);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->snack_tag);
	bhs_put_sns(bhs, &pdu->sns);
	be32_put(bhs + 36, pdu->exp_data_sn);
	be32_put(bhs + 40, pdu->bidi_residual);
	be32_put(bhs + 44, pdu->residual);
}

int pdu_scsi_response_decode(const uint8_t *bhs, struct pdu_scsi_response *ret);
void pdu_scsi_response_print(const struct pdu_scsi_response *pdu, char *text, size_t bytes);

#endif
