/* SPDX-License-Identifier: MIT */
/* Task Management Function Response (RFC 7143 11.6). */
#ifndef WIRE_TMF_RESPONSE_H
#define WIRE_TMF_RESPONSE_H

#include "wire/bhs.h"

/* RFC 7143 11.6.1, RFC 7144 6.4. */
enum tmf_response_code {
	TMF_COMPLETE = 0,
	TMF_NO_TASK = 1,
	TMF_NO_LUN = 2,
	TMF_STILL_ALLEGIANT = 3,
	TMF_NO_REASSIGN = 4,
	TMF_NOT_SUPPORTED = 5,
	TMF_NOT_AUTHORIZED = 6,
	TMF_SUCCEEDED = 7, /* RFC 7144 6.4.2: a query found what it asked for */
	TMF_REJECTED = 255,
};

struct pdu_tmf_response {
	uint8_t response;
	uint32_t additional; /* RFC 7144 6.4.1: Additional Response Information, 24 bits */
	uint32_t itt;
	struct pdu_sns sns;
};

const char *tmf_response_name(uint8_t response);
int pdu_tmf_response_decode(const uint8_t *bhs, struct pdu_tmf_response *ret);
void pdu_tmf_response_encode(const struct pdu_tmf_response *pdu, uint8_t *bhs);
void pdu_tmf_response_print(const struct pdu_tmf_response *pdu, char *text, size_t bytes);

#endif
