/* SPDX-License-Identifier: MIT */
/* Login Request (RFC 7143 11.12). Its rules are those of the login stages: see login/login.h. */
#ifndef WIRE_LOGIN_REQUEST_H
#define WIRE_LOGIN_REQUEST_H

#include "wire/bhs.h"

/* RFC 7143 11.12.3. */
enum login_stage {
	STAGE_SECURITY = 0,
	STAGE_OPERATIONAL = 1,
	STAGE_FULL_FEATURE = 3,
};

struct pdu_login_request {
	bool transit;   /* T */
	bool continues; /* C */
	uint8_t csg;
	uint8_t nsg;
	uint8_t version_max;
	uint8_t version_min;
	uint16_t ahs_bytes;
	uint32_t data_bytes;
	uint8_t isid[6];
	uint16_t tsih;
	uint32_t itt;
	uint16_t cid;
	sn_t cmd_sn;
	sn_t exp_stat_sn;
};

/* Always 0: what is wrong in a Login Request is answered by a Login Response, by login/. */
int pdu_login_request_decode(const uint8_t *bhs, struct pdu_login_request *ret);
void pdu_login_request_encode(const struct pdu_login_request *pdu, uint8_t *bhs);
void pdu_login_request_print(const struct pdu_login_request *pdu, char *text, size_t bytes);

#endif
