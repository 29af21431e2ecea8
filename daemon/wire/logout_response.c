/* SPDX-License-Identifier: MIT */
/* Logout Response: see logout_response.h. */
#include "wire/logout_response.h"

#include <stdio.h>

int pdu_logout_response_decode(const uint8_t *bhs, struct pdu_logout_response *ret)
{
	*ret = (struct pdu_logout_response){
		.response = bhs[2],
		.itt = bhs_itt(bhs),
		.sns = bhs_get_sns(bhs),
		.time2wait_s = be16_get(bhs + 40),
		.time2retain_s = be16_get(bhs + 42),
	};
	return 0;
}

void pdu_logout_response_encode(const struct pdu_logout_response *pdu, uint8_t *bhs)
{
	bhs_put(bhs, OP_LOGOUT_RESPONSE, 0x80, 0);
	bhs[2] = pdu->response;
	be32_put(bhs + 16, pdu->itt);
	bhs_put_sns(bhs, &pdu->sns);
	be16_put(bhs + 40, pdu->time2wait_s);
	be16_put(bhs + 42, pdu->time2retain_s);
}

void pdu_logout_response_print(const struct pdu_logout_response *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"Logout Response: itt %08x response %u time2wait %u time2retain %u " PRI_SNS,
		pdu->itt, pdu->response, pdu->time2wait_s, pdu->time2retain_s, ARG_SNS(pdu->sns));
}
