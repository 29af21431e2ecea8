/* SPDX-License-Identifier: MIT */
/* NOP-In (RFC 7143 11.19): the answer to a ping, a ping of ours, or news about the window. */
#ifndef WIRE_NOP_IN_H
#define WIRE_NOP_IN_H

#include "wire/bhs.h"

struct pdu_nop_in {
	uint32_t data_bytes;
	uint64_t lun;
	uint32_t itt; /* that of the NOP-Out it answers, or TAG_NONE */
	uint32_t ttt; /* not TAG_NONE: wants an answer */
	struct pdu_sns sns; /* with itt TAG_NONE StatSN is not used up */
};

int pdu_nop_in_decode(const uint8_t *bhs, struct pdu_nop_in *ret);
void pdu_nop_in_encode(const struct pdu_nop_in *pdu, uint8_t *bhs);
void pdu_nop_in_print(const struct pdu_nop_in *pdu, char *text, size_t bytes);

#endif
