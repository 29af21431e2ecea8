/* SPDX-License-Identifier: MIT */
/* Login Response: see login_response.h. */
#include "wire/login_response.h"

#include <stdio.h>

/* RFC 7143 11.13.5. */
static const struct {
	uint16_t status;
	const char *name;
} STATUSES[] = {
	{ LOGIN_SUCCESS, "success" },
	{ LOGIN_MOVED_TEMPORARILY, "target moved temporarily" },
	{ LOGIN_MOVED_PERMANENTLY, "target moved permanently" },
	{ LOGIN_INITIATOR_ERROR, "initiator error" },
	{ LOGIN_AUTHENTICATION_FAILURE, "authentication failure" },
	{ LOGIN_FORBIDDEN, "authorization failure" },
	{ LOGIN_NOT_FOUND, "target not found" },
	{ LOGIN_REMOVED, "target removed" },
	{ LOGIN_UNSUPPORTED_VERSION, "unsupported version" },
	{ LOGIN_TOO_MANY_CONNECTIONS, "too many connections" },
	{ LOGIN_MISSING_PARAMETER, "missing parameter" },
	{ LOGIN_CANNOT_INCLUDE, "cannot include in session" },
	{ LOGIN_SESSION_TYPE, "session type not supported" },
	{ LOGIN_NO_SESSION, "session does not exist" },
	{ LOGIN_INVALID_REQUEST, "invalid request during login" },
	{ LOGIN_TARGET_ERROR, "target error" },
	{ LOGIN_SERVICE_UNAVAILABLE, "service unavailable" },
	{ LOGIN_OUT_OF_RESOURCES, "out of resources" },
};

const char *login_status_name(uint16_t status)
{
	for (size_t i = 0; i < ARRAY_SIZE(STATUSES); i++) {
		if (STATUSES[i].status == status)
			return STATUSES[i].name;
	}
	return "unknown status";
}

int pdu_login_response_decode(const uint8_t *bhs, struct pdu_login_response *ret)
{
	*ret = (struct pdu_login_response){
		.transit = bhs[1] & 0x80,
		.continues = bhs[1] & 0x40,
		.csg = (bhs[1] >> 2) & 3,
		.nsg = bhs[1] & 3,
		.version_max = bhs[2],
		.version_active = bhs[3],
		.data_bytes = bhs_data_bytes(bhs),
		.tsih = be16_get(bhs + 14),
		.itt = bhs_itt(bhs),
		.sns = bhs_get_sns(bhs),
		.status = be16_get(bhs + 36),
	};
	memcpy(ret->isid, bhs + 8, sizeof(ret->isid));
	return 0;
}

void pdu_login_response_encode(const struct pdu_login_response *pdu, uint8_t *bhs)
{
	uint8_t flags = (uint8_t)(pdu->transit << 7 | pdu->continues << 6 | (pdu->csg & 3) << 2 |
		(pdu->nsg & 3));

	bhs_put(bhs, OP_LOGIN_RESPONSE, flags, pdu->data_bytes);
	bhs[2] = pdu->version_max;
	bhs[3] = pdu->version_active;
	memcpy(bhs + 8, pdu->isid, sizeof(pdu->isid));
	be16_put(bhs + 14, pdu->tsih);
	be32_put(bhs + 16, pdu->itt);
	bhs_put_sns(bhs, &pdu->sns);
	be16_put(bhs + 36, pdu->status);
}

void pdu_login_response_print(const struct pdu_login_response *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"Login Response: itt %08x%s%s csg %u nsg %u status 0x%04x %s tsih %u data %u " PRI_SNS,
		pdu->itt, pdu->transit ? " T" : "", pdu->continues ? " C" : "", pdu->csg, pdu->nsg,
		pdu->status, login_status_name(pdu->status), pdu->tsih, pdu->data_bytes,
		ARG_SNS(pdu->sns));
}
