/* SPDX-License-Identifier: MIT */
/* Text Response (RFC 7143 11.11). */
#ifndef WIRE_TEXT_RESPONSE_H
#define WIRE_TEXT_RESPONSE_H

#include "wire/bhs.h"

struct pdu_text_response {
	bool final;
	bool continues;
	uint32_t data_bytes;
	uint64_t lun;
	uint32_t itt;
	uint32_t ttt; /* TAG_NONE with F; anything else without */
	struct pdu_sns sns;
};

int pdu_text_response_decode(const uint8_t *bhs, struct pdu_text_response *ret);
void pdu_text_response_encode(const struct pdu_text_response *pdu, uint8_t *bhs);
void pdu_text_response_print(const struct pdu_text_response *pdu, char *text, size_t bytes);

#endif
