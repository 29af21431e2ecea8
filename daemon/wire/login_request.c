/* SPDX-License-Identifier: MIT */
/* Login Request: see login_request.h. */
#include "wire/login_request.h"

#include <stdio.h>

int pdu_login_request_decode(const uint8_t *bhs, struct pdu_login_request *ret)
{
	*ret = (struct pdu_login_request){
		.transit = bhs[1] & 0x80,
		.continues = bhs[1] & 0x40,
		.csg = (bhs[1] >> 2) & 3,
		.nsg = bhs[1] & 3,
		.version_max = bhs[2],
		.version_min = bhs[3],
		.ahs_bytes = (uint16_t)bhs_ahs_bytes(bhs),
		.data_bytes = bhs_data_bytes(bhs),
		.tsih = be16_get(bhs + 14),
		.itt = bhs_itt(bhs),
		.cid = be16_get(bhs + 20),
		.cmd_sn = sn(be32_get(bhs + 24)),
		.exp_stat_sn = sn(be32_get(bhs + 28)),
	};
	memcpy(ret->isid, bhs + 8, sizeof(ret->isid));
	return 0;
}

void pdu_login_request_encode(const struct pdu_login_request *pdu, uint8_t *bhs)
{
	uint8_t flags = (uint8_t)(pdu->transit << 7 | pdu->continues << 6 | (pdu->csg & 3) << 2 |
		(pdu->nsg & 3));

	/* RFC 7143 11.12: a Login Request is always immediate */
	bhs_put(bhs, OP_LOGIN_REQUEST | 0x40, flags, pdu->data_bytes);
	bhs[2] = pdu->version_max;
	bhs[3] = pdu->version_min;
	bhs[4] = (uint8_t)(pdu->ahs_bytes / 4);
	memcpy(bhs + 8, pdu->isid, sizeof(pdu->isid));
	be16_put(bhs + 14, pdu->tsih);
	be32_put(bhs + 16, pdu->itt);
	be16_put(bhs + 20, pdu->cid);
	be32_put(bhs + 24, pdu->cmd_sn.v);
	be32_put(bhs + 28, pdu->exp_stat_sn.v);
}

void pdu_login_request_print(const struct pdu_login_request *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"Login Request: itt %08x%s%s csg %u nsg %u version %u..%u"
		" isid %02x%02x%02x%02x%02x%02x tsih %u cid %u data %u cmdsn %u expstatsn %u",
		pdu->itt, pdu->transit ? " T" : "", pdu->continues ? " C" : "", pdu->csg, pdu->nsg,
		pdu->version_min, pdu->version_max, pdu->isid[0], pdu->isid[1], pdu->isid[2],
		pdu->isid[3], pdu->isid[4], pdu->isid[5], pdu->tsih, pdu->cid, pdu->data_bytes,
		pdu->cmd_sn.v, pdu->exp_stat_sn.v);
}
