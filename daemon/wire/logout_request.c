/* SPDX-License-Identifier: MIT */
/* Logout Request: see logout_request.h. */
#include "wire/logout_request.h"

#include <stdio.h>

#include "wire/reject.h"

int pdu_logout_request_decode(const uint8_t *bhs, struct pdu_logout_request *ret)
{
	struct pdu_logout_request l = {
		.immediate = bhs_immediate(bhs),
		.reason = bhs[1] & 0x7f,
		.itt = bhs_itt(bhs),
		.cid = be16_get(bhs + 20),
		.cmd_sn = sn(be32_get(bhs + 24)),
		.exp_stat_sn = sn(be32_get(bhs + 28)),
	};

	/* RFC 7143 11, 11.14.1: all other reason codes are reserved */
	if (l.reason > LOGOUT_RECOVERY)
		return REJECT_PROTOCOL_ERROR;
	/* RFC 7143 11.2.1.8 */
	if (l.itt == TAG_NONE)
		return REJECT_INVALID_PDU_FIELD;
	*ret = l;
	return 0;
}

void pdu_logout_request_encode(const struct pdu_logout_request *pdu, uint8_t *bhs)
{
	bhs_put(bhs, (uint8_t)(OP_LOGOUT_REQUEST | pdu->immediate << 6),
		(uint8_t)(0x80 | (pdu->reason & 0x7f)), 0);
	be32_put(bhs + 16, pdu->itt);
	be16_put(bhs + 20, pdu->cid);
	be32_put(bhs + 24, pdu->cmd_sn.v);
	be32_put(bhs + 28, pdu->exp_stat_sn.v);
}

void pdu_logout_request_print(const struct pdu_logout_request *pdu, char *text, size_t bytes)
{
	static const char *const reasons[] = { "close the session", "close the connection",
		"remove the connection for recovery" };

	snprintf(text, bytes, "Logout Request: itt %08x%s %s (%u) cid %u cmdsn %u expstatsn %u",
		pdu->itt, pdu->immediate ? " I" : "",
		pdu->reason < ARRAY_SIZE(reasons) ? reasons[pdu->reason] : "unknown reason",
		pdu->reason, pdu->cid, pdu->cmd_sn.v, pdu->exp_stat_sn.v);
}
