/* SPDX-License-Identifier: MIT */
/*
 * Logout (RFC 7143 11.14): of the session, or of a connection, which may be another than the one that
 * the request came on. Its own is closed when the answer is sent.
 */
#include "wire/logout_request.h"

#include "base/list.h"
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

static void session_closed(struct tx_message *message, struct conn *conn)
{
	(void)message;
	if (!conn->closing)
		session_end(conn->session, CLOSE_LOGOUT);
}

static void conn_closed(struct tx_message *message, struct conn *conn)
{
	(void)message;
	conn_close(conn, CLOSE_LOGOUT, NULL);
}

static uint8_t judge(const struct conn *conn, const struct pdu_logout_request *request)
{
	switch (request->reason) {
	case LOGOUT_CLOSE_SESSION:
		return LOGOUT_CLOSED;
	case LOGOUT_CLOSE_CONNECTION:
		return session_by_cid(conn->session, request->cid) ? LOGOUT_CLOSED : LOGOUT_NO_CID;
	default: /* removing a connection for recovery needs ErrorRecoveryLevel 2 */
		return LOGOUT_NO_RECOVERY;
	}
}

/* RFC 7143 11.14: nothing more is to be taken from what is logged out. */
static void close_session(struct conn *conn, struct tx_message *response)
{
	struct conn *each;

	response->after = session_closed;
	list_foreach (each, &conn->session->conns, session_link)
		each->logging_out = true;
}

static void close_connection(struct conn *conn, uint16_t cid, struct tx_message *response)
{
	struct conn *other = session_by_cid(conn->session, cid);

	if (other != conn) {
		conn_close(other, CLOSE_LOGOUT, "from another connection");
		return;
	}
	response->after = conn_closed;
	conn->logging_out = true;
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
	if (m->arg[1] == LOGOUT_CLOSED && request.reason == LOGOUT_CLOSE_SESSION)
		close_session(conn, m);
	else if (m->arg[1] == LOGOUT_CLOSED)
		close_connection(conn, request.cid, m);
	tx_message_put(conn, m);
}
