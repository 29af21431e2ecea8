/* SPDX-License-Identifier: MIT */
/* Task Management Function Response: see tmf_response.h. */
#include "wire/tmf_response.h"

#include <stdio.h>

static const char *const RESPONSES[] = {
	[TMF_COMPLETE] = "function complete",
	[TMF_NO_TASK] = "task does not exist",
	[TMF_NO_LUN] = "LUN does not exist",
	[TMF_STILL_ALLEGIANT] = "task still allegiant",
	[TMF_NO_REASSIGN] = "task allegiance reassignment not supported",
	[TMF_NOT_SUPPORTED] = "function not supported",
	[TMF_NOT_AUTHORIZED] = "function authorization failed",
	[TMF_SUCCEEDED] = "function succeeded",
	[TMF_REJECTED] = "function rejected",
};

const char *tmf_response_name(uint8_t response)
{
	return RESPONSES[response] ? RESPONSES[response] : "unknown response";
}

int pdu_tmf_response_decode(const uint8_t *bhs, struct pdu_tmf_response *ret)
{
	*ret = (struct pdu_tmf_response){
		.response = bhs[2],
		.additional = be24_get(bhs + 8),
		.itt = bhs_itt(bhs),
		.sns = bhs_get_sns(bhs),
	};
	return 0;
}

void pdu_tmf_response_encode(const struct pdu_tmf_response *pdu, uint8_t *bhs)
{
	bhs_put(bhs, OP_TMF_RESPONSE, 0x80, 0);
	bhs[2] = pdu->response;
	be24_put(bhs + 8, pdu->additional);
	be32_put(bhs + 16, pdu->itt);
	bhs_put_sns(bhs, &pdu->sns);
}

void pdu_tmf_response_print(const struct pdu_tmf_response *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"Task Management Function Response: itt %08x %s (%u) additional %06x " PRI_SNS,
		pdu->itt, tmf_response_name(pdu->response), pdu->response, pdu->additional,
		ARG_SNS(pdu->sns));
}
