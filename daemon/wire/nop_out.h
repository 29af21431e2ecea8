/* SPDX-License-Identifier: MIT */
/* NOP-Out (RFC 7143 11.18): a ping, or the answer to ours. */
#ifndef WIRE_NOP_OUT_H
#define WIRE_NOP_OUT_H

#include "wire/bhs.h"

struct pdu_nop_out {
	bool immediate;
	uint32_t data_bytes;
	uint64_t lun;
	uint32_t itt; /* TAG_NONE: wants no answer */
	uint32_t ttt; /* that of the NOP-In it answers, or TAG_NONE */
	sn_t cmd_sn;
	sn_t exp_stat_sn;
};

int pdu_nop_out_decode(const uint8_t *bhs, struct pdu_nop_out *ret);
void pdu_nop_out_encode(const struct pdu_nop_out *pdu, uint8_t *bhs);
void pdu_nop_out_print(const struct pdu_nop_out *pdu, char *text, size_t bytes);

#endif
