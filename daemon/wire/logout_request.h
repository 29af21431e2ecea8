/* SPDX-License-Identifier: MIT */
/* Logout Request (RFC 7143 11.14). */
#ifndef WIRE_LOGOUT_REQUEST_H
#define WIRE_LOGOUT_REQUEST_H

#include "wire/bhs.h"

/* RFC 7143 11.14.1. */
enum logout_reason {
	LOGOUT_CLOSE_SESSION = 0,
	LOGOUT_CLOSE_CONNECTION = 1,
	LOGOUT_RECOVERY = 2, /* remove the connection for recovery */
};

struct pdu_logout_request {
	bool immediate;
	uint8_t reason;
	uint32_t itt;
	uint16_t cid; /* not with LOGOUT_CLOSE_SESSION */
	sn_t cmd_sn;
	sn_t exp_stat_sn;
};

int pdu_logout_request_decode(const uint8_t *bhs, struct pdu_logout_request *ret);
void pdu_logout_request_encode(const struct pdu_logout_request *pdu, uint8_t *bhs);
void pdu_logout_request_print(const struct pdu_logout_request *pdu, char *text, size_t bytes);

#endif
