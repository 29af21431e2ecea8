/* SPDX-License-Identifier: MIT */
/* Ready To Transfer (RFC 7143 11.8). */
#ifndef WIRE_R2T_H
#define WIRE_R2T_H

#include "wire/bhs.h"

struct pdu_r2t {
	uint64_t lun;
	uint32_t itt;
	uint32_t ttt; /* never TAG_NONE */
	struct pdu_sns sns; /* StatSN: the next one; the R2T does not use it up */
	uint32_t r2t_sn;
	uint32_t offset_bytes;
	uint32_t desired_bytes; /* never zero, never over MaxBurstLength */
};

static inline void pdu_r2t_encode(const struct pdu_r2t *pdu, uint8_t *bhs)
{
	bhs_put(bhs, OP_R2T, 0x80, 0);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->ttt);
	bhs_put_sns(bhs, &pdu->sns);
	be32_put(bhs + 36, pdu->r2t_sn);
	be32_put(bhs + 40, pdu->offset_bytes);
	be32_put(bhs + 44, pdu->desired_bytes);
}

int pdu_r2t_decode(const uint8_t *bhs, struct pdu_r2t *ret);
void pdu_r2t_print(const struct pdu_r2t *pdu, char *text, size_t bytes);

#endif
