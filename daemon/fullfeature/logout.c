/* SPDX-License-Identifier: MIT */
/*
 * Logout (RFC 7143 11.14): of the session, or of a connection, to be closed or to be removed for
 * recovery. The connection may be another than the one that the request came on, and may be gone
 * already. Its own is closed when the answer is sent; another one's answer waits until its commands
 * have ended.
 */
#include "wire/logout_request.h"

#include "base/list.h"
#include "fullfeature/departed.h"
#include "fullfeature/messages.h"
#include "session/session.h"
#include "wire/logout_response.h"
#include "wire/reject.h"

static void encode(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	struct pdu_logout_response pdu = {
		.response = (uint8_t)message->arg[1],
		.itt = (uint32_t)message->arg[0],
		.sns = conn_status_sns(conn),
		/* RFC 7143 11.15.3, 11.15.4 */
		.time2wait_s = conn->session->params.default_time2wait_s,
		.time2retain_s = conn->session->params.default_time2retain_s,
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

static void conn_removed(struct tx_message *message, struct conn *conn)
{
	(void)message;
	conn_close(conn, CLOSE_REMOVED, NULL);
}

static struct tx_message *respond(struct conn *conn, uint32_t itt, uint8_t response)
{
	struct tx_message *m = tx_message_new(conn, 0);

	if (!m)
		return NULL;
	m->arg[0] = itt;
	m->arg[1] = response;
	m->encode = encode;
	tx_message_put(conn, m);
	return m;
}

void logout_respond(struct conn *conn, uint32_t itt, uint8_t response)
{
	respond(conn, itt, response);
}

/* RFC 7143 11.14: nothing more is to be taken from what is logged out. */
static void close_session(struct conn *conn, uint32_t itt)
{
	struct tx_message *m = respond(conn, itt, LOGOUT_CLOSED);
	struct conn *each;

	if (!m)
		return;
	m->after = session_closed;
	list_foreach (each, &conn->session->conns, session_link)
		each->logging_out = true;
}

static void close_own(struct conn *conn, const struct pdu_logout_request *request)
{
	struct tx_message *m = respond(conn, request->itt, LOGOUT_CLOSED);

	if (!m)
		return;
	m->after = request->reason == LOGOUT_RECOVERY ? conn_removed : conn_closed;
	conn->logging_out = true;
}

/* RFC 7143 11.14.5: answered when its commands have ended. */
static void close_other(struct conn *conn, struct conn *other,
	const struct pdu_logout_request *request)
{
	if (request->reason == LOGOUT_RECOVERY) {
		conn_close(other, CLOSE_REMOVED, "from another connection");
		logout_respond(conn, request->itt, LOGOUT_CLOSED);
		return;
	}
	other->logout_waits = true;
	other->logout_conn = conn->number;
	other->logout_itt = request->itt;
	conn_close(other, CLOSE_LOGOUT, "from another connection");
}

static void close_departed(struct conn *conn, struct departed *d,
	const struct pdu_logout_request *request)
{
	if (request->reason == LOGOUT_RECOVERY) {
		departed_log_out(d);
		logout_respond(conn, request->itt, LOGOUT_CLOSED);
		return;
	}
	departed_close(d, conn, request->itt);
}

/* RFC 7143 11.14.3, 11.15.1 */
static void close_connection(struct conn *conn, const struct pdu_logout_request *request)
{
	struct conn *other = session_by_cid(conn->session, request->cid);
	struct departed *d = other ? NULL : departed_find(conn->session, request->cid);

	if (request->reason == LOGOUT_RECOVERY && conn->session->params.error_recovery_level < 2)
		logout_respond(conn, request->itt, LOGOUT_NO_RECOVERY);
	else if (other == conn)
		close_own(conn, request);
	else if (other)
		close_other(conn, other, request);
	else if (d)
		close_departed(conn, d, request);
	else
		logout_respond(conn, request->itt, LOGOUT_NO_CID);
}

void logout_request(struct conn *conn, struct rx_pdu *pdu)
{
	struct pdu_logout_request request;
	int r = pdu_logout_request_decode(pdu->bhs, &request);

	if (r)
		reject(conn, (uint8_t)r, pdu->bhs, "malformed");
	else if (request.reason == LOGOUT_CLOSE_SESSION)
		close_session(conn, request.itt);
	else if (conn->params.session_type == SESSION_DISCOVERY) /* RFC 7143 4.3 */
		reject(conn, REJECT_PROTOCOL_ERROR, pdu->bhs, "a discovery session is only closed as a whole");
	else
		close_connection(conn, &request);
}
