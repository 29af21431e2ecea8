/* SPDX-License-Identifier: MIT */
/* Text Request (RFC 7143 11.10). */
#ifndef WIRE_TEXT_REQUEST_H
#define WIRE_TEXT_REQUEST_H

#include "wire/bhs.h"

struct pdu_text_request {
	bool immediate;
	bool final;     /* F: the initiator has no more to say */
	bool continues; /* C: the text goes on in the next PDU */
	uint32_t data_bytes;
	uint64_t lun;
	uint32_t itt;
	uint32_t ttt; /* TAG_NONE: the first of a negotiation */
	sn_t cmd_sn;
	sn_t exp_stat_sn;
};

int pdu_text_request_decode(const uint8_t *bhs, struct pdu_text_request *ret);
void pdu_text_request_encode(const struct pdu_text_request *pdu, uint8_t *bhs);
void pdu_text_request_print(const struct pdu_text_request *pdu, char *text, size_t bytes);

#endif
