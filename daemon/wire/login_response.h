/* SPDX-License-Identifier: MIT */
/* Login Response (RFC 7143 11.13) and its status codes. */
#ifndef WIRE_LOGIN_RESPONSE_H
#define WIRE_LOGIN_RESPONSE_H

#include "wire/bhs.h"

/* RFC 7143 11.13.5: Status-Class in the high byte, Status-Detail in the low one. */
enum login_status {
	LOGIN_SUCCESS = 0x0000,
	LOGIN_MOVED_TEMPORARILY = 0x0101,
	LOGIN_MOVED_PERMANENTLY = 0x0102,
	LOGIN_INITIATOR_ERROR = 0x0200,
	LOGIN_AUTHENTICATION_FAILURE = 0x0201,
	LOGIN_FORBIDDEN = 0x0202,
	LOGIN_NOT_FOUND = 0x0203,
	LOGIN_REMOVED = 0x0204,
	LOGIN_UNSUPPORTED_VERSION = 0x0205,
	LOGIN_TOO_MANY_CONNECTIONS = 0x0206,
	LOGIN_MISSING_PARAMETER = 0x0207,
	LOGIN_CANNOT_INCLUDE = 0x0208,
	LOGIN_SESSION_TYPE = 0x0209,
	LOGIN_NO_SESSION = 0x020a,
	LOGIN_INVALID_REQUEST = 0x020b,
	LOGIN_TARGET_ERROR = 0x0300,
	LOGIN_SERVICE_UNAVAILABLE = 0x0301,
	LOGIN_OUT_OF_RESOURCES = 0x0302,
};

struct pdu_login_response {
	bool transit;   /* T */
	bool continues; /* C */
	uint8_t csg;
	uint8_t nsg;
	uint8_t version_max;
	uint8_t version_active;
	uint32_t data_bytes;
	uint8_t isid[6];
	uint16_t tsih;
	uint32_t itt;
	struct pdu_sns sns;
	uint16_t status; /* enum login_status */
};

/* "target not found"; never NULL. */
const char *login_status_name(uint16_t status);
int pdu_login_response_decode(const uint8_t *bhs, struct pdu_login_response *ret);
void pdu_login_response_encode(const struct pdu_login_response *pdu, uint8_t *bhs);
void pdu_login_response_print(const struct pdu_login_response *pdu, char *text, size_t bytes);

#endif
