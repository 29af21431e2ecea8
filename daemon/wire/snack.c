/* SPDX-License-Identifier: MIT */
/* SNACK Request: see snack.h. */
#include "wire/snack.h"

#include <stdio.h>

#include "wire/reject.h"

const char *snack_type_name(uint8_t type)
{
	static const char *const names[] = { "data", "status", "data_ack", "r_data" };

	return type < ARRAY_SIZE(names) ? names[type] : "unknown";
}

int pdu_snack_decode(const uint8_t *bhs, struct pdu_snack *ret)
{
	struct pdu_snack s = {
		.type = bhs[1] & 0x0f,
		.lun = bhs_lun(bhs),
		.itt = bhs_itt(bhs),
		.ttt = be32_get(bhs + 20),
		.exp_stat_sn = sn(be32_get(bhs + 28)),
		.beg_run = be32_get(bhs + 40),
		.run_length = be32_get(bhs + 44),
	};

	/* RFC 7143 11, 11.16.1: all other types are reserved */
	if (s.type > SNACK_R_DATA)
		return REJECT_PROTOCOL_ERROR;
	*ret = s;
	return 0;
}

void pdu_snack_encode(const struct pdu_snack *pdu, uint8_t *bhs)
{
	bhs_put(bhs, OP_SNACK, (uint8_t)(0x80 | (pdu->type & 0x0f)), 0);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->ttt);
	be32_put(bhs + 28, pdu->exp_stat_sn.v);
	be32_put(bhs + 40, pdu->beg_run);
	be32_put(bhs + 44, pdu->run_length);
}

void pdu_snack_print(const struct pdu_snack *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes, "SNACK Request: %s itt %08x ttt %08x begrun %u runlength %u expstatsn %u",
		snack_type_name(pdu->type), pdu->itt,
		pdu->ttt, pdu->beg_run, pdu->run_length, pdu->exp_stat_sn.v);
}
