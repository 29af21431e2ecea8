/* SPDX-License-Identifier: MIT */
/* Logout Response (RFC 7143 11.15). */
#ifndef WIRE_LOGOUT_RESPONSE_H
#define WIRE_LOGOUT_RESPONSE_H

#include "wire/bhs.h"

/* RFC 7143 11.15.1. */
enum logout_response_code {
	LOGOUT_CLOSED = 0,
	LOGOUT_NO_CID = 1,
	LOGOUT_NO_RECOVERY = 2, /* connection recovery is not supported */
	LOGOUT_CLEANUP_FAILED = 3,
};

struct pdu_logout_response {
	uint8_t response;
	uint32_t itt;
	struct pdu_sns sns;
	uint16_t time2wait_s;
	uint16_t time2retain_s;
};

int pdu_logout_response_decode(const uint8_t *bhs, struct pdu_logout_response *ret);
void pdu_logout_response_encode(const struct pdu_logout_response *pdu, uint8_t *bhs);
void pdu_logout_response_print(const struct pdu_logout_response *pdu, char *text, size_t bytes);

#endif
