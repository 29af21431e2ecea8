/* SPDX-License-Identifier: MIT */
/* Logout (RFC 7143 11.14): answered, and the connection is closed when the answer is sent. */
#include "wire/logout_request.h"

#include "fullfeature/messages.h"
#include "session/session.h"
#include "wire/logout_response.h"

static void encode(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	struct pdu_logout_response pdu = {
		.response = (uint8_t)message->arg[1],
		.itt = (uint32_t)message->arg[0],
		.sns = conn_status_sns(conn),
	};

	pdu_logout_response_encode(&pdu, bhs);
}

static void sent(struct tx_message *message, struct conn *conn)
{
	if (message->arg[1] == LOGOUT_CLOSED)
		conn_close(conn, CLOSE_LOGOUT, NULL);
}

static uint8_t judge(const struct conn *conn, const struct pdu_logout_request *request)
{
	switch (request->reason) {
	case LOGOUT_CLOSE_SESSION:
		return LOGOUT_CLOSED;
	case LOGOUT_CLOSE_CONNECTION:
		return request->cid == conn->params.cid ? LOGOUT_CLOSED : LOGOUT_NO_CID;
	default: /* removing a connection for recovery needs ErrorRecoveryLevel 2 */
		return LOGOUT_NO_RECOVERY;
	}
}

void logout_request(struct conn *conn, struct rx_pdu *pdu)
{
	struct pdu_logout_request request;
	int r = pdu_logout_request_decode(pdu->bhs, &request);

	if (r) {
		reject(conn, (uint8_t)r, pdu->bhs, "malformed");
		return;
	}
	struct tx_message *m = tx_message_new(conn, 0);
	if (!m)
		return;
	m->arg[0] = request.itt;
	m->arg[1] = judge(conn, &request);
	m->encode = encode;
	m->after = sent;
	conn->logging_out = m->arg[1] == LOGOUT_CLOSED;
	tx_message_put(conn, m);
}
