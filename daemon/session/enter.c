/* SPDX-License-Identifier: MIT */
/* The login phase of a connection: carries Login PDUs between the socket and the login machine. */
#include <string.h>

#include "session/conn.h"
#include "session/session.h"

static void encode_reply(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	(void)conn;
	memcpy(bhs, message->data + message->data_bytes, BHS_BYTES);
}

static void close_refused(struct tx_message *message, struct conn *conn)
{
	(void)message;
	/* While tx_drop() gives items back the connection is closing already, for a better reason. */
	conn_close(conn, CLOSE_LOGIN_REFUSED, "%s", login_reason(conn->login));
}

static void send_reply(struct conn *conn, void (*after)(struct tx_message *, struct conn *))
{
	struct login_message *reply = login_reply(conn->login);
	uint32_t bytes = reply->response.data_bytes;
	/* The header is made now, while the login knows it, and kept behind the text. */
	struct tx_message *m = tx_message_new(conn, bytes + BHS_BYTES);

	if (!m)
		return;
	/* Those of the session that it is in, or about to join: what they say holds for all connections. */
	const struct session *s =
		conn->session || !conn->joins ? conn->session : session_by_id(conn->env, conn->joins);
	if (s) {
		reply->response.sns.exp_cmd_sn = s->exp_cmd_sn;
		reply->response.sns.max_cmd_sn = s->max_cmd_sn;
	}
	m->data_bytes = bytes;
	if (bytes)
		memcpy(m->data, reply->text, bytes);
	pdu_login_response_encode(&reply->response, m->data + bytes);
	m->item.plain = true;
	m->encode = encode_reply;
	m->after = after;
	tx_message_put(conn, m);
}

static void enter_full_feature(struct conn *conn)
{
	struct session_env *env = conn->env;

	conn->params = *login_params(conn->login);
	conn->stat_sn = conn->params.stat_sn;
	retain_init(conn);
	/* RFC 7143 13.19: one R2T at a time, where what is lost is asked for again in order */
	if (conn->params.error_recovery_level && conn->params.data_sequence_in_order)
		conn->params.max_outstanding_r2t = 1;
	if (conn->number == 1)
		conn->session->params = conn->params;
	env->counters.logins++;
	log_info("login from %s: %s at %s%s%s, session %llu, connection %u", conn->peer, conn->params.initiator_name,
		conn->params.session_type == SESSION_DISCOVERY ? "discovery"
							       : conn->params.target_name,
		conn->params.user[0] ? ", user " : "", conn->params.user,
		(unsigned long long)conn->session->id, conn->params.cid);
	login_free(TAKE(conn->login));
	conn_watch(conn);
	env->ops->login_over(conn);
	conn_keepalive_start(conn);
}

/*
 * A failed guess is answered late. Until then the connection is no login any more: those of others
 * do not wait for its place. Its one timer, the login's deadline, becomes that of the answer.
 */
static void refuse(struct conn *conn)
{
	struct session_env *env = conn->env;
	uint64_t delay_us = 0;

	rx_pause(conn, RX_REFUSED);
	if (login_status(conn->login) == LOGIN_AUTHENTICATION_FAILURE)
		delay_us = env->ops->auth_failed(conn);
	if (!delay_us) {
		send_reply(conn, close_refused);
		return;
	}
	conn->refusing = true;
	env->ops->login_over(conn);
	spt_host_timer_set(env->host, &conn->timer, delay_us);
}

static void act(struct conn *conn, enum login_action action)
{
	struct login_target target;

	while (!conn->closing) {
		switch (action) {
		case LOGIN_REPLY:
			send_reply(conn, NULL);
			return;
		case LOGIN_ASK_TARGET:
			memset(&target, 0, sizeof(target));
			if (!conn->env->ops->find_target(conn, login_question(conn->login), &target)) {
				conn->joining = true;
				rx_pause(conn, RX_JOINING);
				return;
			}
			action = login_answer_target(conn->login, &target);
			break;
		case LOGIN_ASK_SESSION:
			conn->joining = true;
			rx_pause(conn, RX_JOINING);
			conn->env->ops->join(conn);
			return;
		case LOGIN_REPLY_DONE:
			send_reply(conn, NULL);
			enter_full_feature(conn);
			return;
		case LOGIN_REPLY_CLOSE:
			refuse(conn);
			return;
		}
	}
}

void conn_arrived(struct conn *conn)
{
	conn->joining = false;
	rx_resume(conn, RX_JOINING);
	act(conn, LOGIN_ASK_TARGET);
}

void conn_joined(struct conn *conn, enum login_status status, const char *reason,
	struct session *session)
{
	struct login_session answer = {
		.status = status,
		.reason = reason,
		.tsih = session ? session->params.tsih : 0,
	};

	conn->joining = false;
	if (session) {
		session_add(session, conn);
		if (conn->number == 1) { /* RFC 7143 11.12.8 */
			session->exp_cmd_sn = login_params(conn->login)->cmd_sn;
			session->max_cmd_sn = sn_add(session->exp_cmd_sn, session->window - 1);
		}
	}
	rx_resume(conn, RX_JOINING);
	act(conn, login_answer_session(conn->login, &answer));
}

void conn_login_pdu(struct conn *conn, struct rx_pdu *pdu)
{
	struct pdu_login_request request;

	if (bhs_opcode(pdu->bhs) != OP_LOGIN_REQUEST) {
		/* RFC 7143 4.2.4: the first PDU has to be a Login Request; answer only who has begun one. */
		if (login_started(conn->login))
			act(conn, login_refuse(conn->login, LOGIN_INVALID_REQUEST, "PDU that is no Login Request"));
		else
			conn_close(conn, CLOSE_NOT_LOGIN, "%s", opcode_name(bhs_opcode(pdu->bhs)));
		return;
	}
	if (pdu->discarded) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return;
	}
	pdu_login_request_decode(pdu->bhs, &request);
	enum login_action action = login_request(conn->login, &request, pdu->data);
	/* RFC 7143 11.13.5: who has come in before the end began is told; nobody else is let in */
	if (conn->env->draining)
		action = login_refuse(conn->login, LOGIN_SERVICE_UNAVAILABLE, "the daemon ends");
	act(conn, action);
}

void conn_login_deadline(struct conn *conn)
{
	if (conn->refusing && !conn->refused && !conn->closing) {
		conn->refused = true;
		send_reply(conn, close_refused);
		spt_host_timer_set(conn->env->host, &conn->timer, conn->env->login_timeout_us);
		return;
	}
	conn_close(conn, CLOSE_LOGIN_DEADLINE, "%llu s",
		(unsigned long long)conn->env->login_timeout_us / 1000000);
}
