/* SPDX-License-Identifier: MIT */
/* SCSI Data-Out (RFC 7143 11.7). Every bound on it depends on the task and is the session's. */
#ifndef WIRE_DATA_OUT_H
#define WIRE_DATA_OUT_H

#include "wire/bhs.h"

struct pdu_data_out {
	bool final;
	uint32_t data_bytes;
	uint64_t lun;
	uint32_t itt;
	uint32_t ttt; /* TAG_NONE: unsolicited */
	sn_t exp_stat_sn;
	uint32_t data_sn;
	uint32_t offset_bytes;
};

/* Always 0. */
static inline int pdu_data_out_decode(const uint8_t *bhs, struct pdu_data_out *ret)
{
	*ret = (struct pdu_data_out){
		.final = bhs_final(bhs),
		.data_bytes = bhs_data_bytes(bhs),
		.lun = bhs_lun(bhs),
		.itt = bhs_itt(bhs),
		.ttt = be32_get(bhs + 20),
		.exp_stat_sn = sn(be32_get(bhs + 28)),
		.data_sn = be32_get(bhs + 36),
		.offset_bytes = be32_get(bhs + 40),
	};
	return 0;
}

void pdu_data_out_encode(const struct pdu_data_out *pdu, uint8_t *bhs);
void pdu_data_out_print(const struct pdu_data_out *pdu, char *text, size_t bytes);

#endif
