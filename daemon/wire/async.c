/* SPDX-License-Identifier: MIT */
/* Asynchronous Message: see async.h. */
#include "wire/async.h"

#include <stdio.h>

int pdu_async_decode(const uint8_t *bhs, struct pdu_async *ret)
{
	*ret = (struct pdu_async){
		.event = bhs[36],
		.vendor_code = bhs[37],
		.data_bytes = bhs_data_bytes(bhs),
		.lun = bhs_lun(bhs),
		.sns = bhs_get_sns(bhs),
		.parameter1 = be16_get(bhs + 38),
		.parameter2 = be16_get(bhs + 40),
		.parameter3 = be16_get(bhs + 42),
	};
	return 0;
}

void pdu_async_encode(const struct pdu_async *pdu, uint8_t *bhs)
{
	bhs_put(bhs, OP_ASYNC, 0x80, pdu->data_bytes);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, TAG_NONE);
	bhs_put_sns(bhs, &pdu->sns);
	bhs[36] = pdu->event;
	bhs[37] = pdu->vendor_code;
	be16_put(bhs + 38, pdu->parameter1);
	be16_put(bhs + 40, pdu->parameter2);
	be16_put(bhs + 42, pdu->parameter3);
}

void pdu_async_print(const struct pdu_async *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"Asynchronous Message: event %u vendor %u lun %016llx parameters %u %u %u data %u " PRI_SNS,
		pdu->event, pdu->vendor_code, (unsigned long long)pdu->lun, pdu->parameter1,
		pdu->parameter2, pdu->parameter3, pdu->data_bytes, ARG_SNS(pdu->sns));
}
