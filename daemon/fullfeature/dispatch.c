/* SPDX-License-Identifier: MIT */
/* From a whole PDU to the file that handles it. */
#include <assert.h>
#include <stdlib.h>

#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/data_wait.h"
#include "fullfeature/departed.h"
#include "fullfeature/fence.h"
#include "fullfeature/fullfeature.h"
#include "fullfeature/messages.h"
#include "session/session.h"

static void (*const HANDLERS[])(struct conn *, struct rx_pdu *) = {
	[OP_NOP_OUT] = nop_out,
	[OP_TMF_REQUEST] = tmf_request,
	[OP_TEXT_REQUEST] = text_request,
	[OP_DATA_OUT] = data_out,
	[OP_LOGOUT_REQUEST] = logout_request,
	[OP_SNACK] = snack,
};

void dispatch(struct conn *conn, struct rx_pdu *pdu)
{
	uint8_t opcode = bhs_opcode(pdu->bhs);

	/* SCSI Commands are order.c's; nothing else passes bhs_check(). */
	assert(opcode < ARRAY_SIZE(HANDLERS) && HANDLERS[opcode]);
	HANDLERS[opcode](conn, pdu);
}

static enum phase phase_of(const struct conn *conn)
{
	return conn->params.session_type == SESSION_DISCOVERY ? PHASE_DISCOVERY : PHASE_NORMAL;
}

static void pdu(struct conn *conn, struct rx_pdu *pdu)
{
	struct bhs bhs = bhs_decode(pdu->bhs);
	int r = bhs_check(&bhs, phase_of(conn));

	retain_ack(conn, sn(be32_get(pdu->bhs + 28)));
	if (conn->fence.waits)
		fence_poll(conn->session);
	if (conn->logging_out)
		return; /* RFC 7143 11.14: nothing may follow a Logout Request */
	if (bhs.opcode == OP_LOGIN_REQUEST) {
		/* RFC 7143 4.2.4: the login is over for this connection; who begins another is lost. */
		conn_close(conn, CLOSE_PROTOCOL_ERROR, "Login Request in full feature phase");
		return;
	}
	if (r) {
		/* RFC 7143 7.7, 7.13: nothing of it is done. */
		refuse_pdu(conn, r, pdu->bhs, "not legal here");
		return;
	}
	/* RFC 7143 7.8: rejected and treated as if it had not come; Data-Out has more to it. */
	if (pdu->digest_error) {
		conn->env->counters.data_digest_errors++;
		reject(conn, REJECT_DATA_DIGEST, pdu->bhs, "data digest error");
	}
	if (opcode_info(bhs.opcode)->takes_cmd_sn) {
		if (!pdu->digest_error)
			order_pdu(conn, pdu);
	} else if (!pdu->digest_error || bhs.opcode == OP_DATA_OUT) {
		dispatch(conn, pdu);
	}
}

static uint8_t *place(struct conn *conn, struct rx_pdu *pdu)
{
	switch (bhs_opcode(pdu->bhs)) {
	case OP_DATA_OUT:
		return data_out_place(conn, pdu);
	case OP_SCSI_COMMAND:
		return command_place(conn, pdu);
	default:
		return NULL;
	}
}

static void dropped(struct conn *conn, struct rx_pdu *pdu)
{
	(void)conn;
	data_out_dropped(pdu);
}

/* The session was to be closed, and its connection that would have said so is gone. */
static bool logged_out(const struct conn *lost)
{
	const struct conn *conn;
	bool all = lost->logging_out && lost->close_reason != CLOSE_LOGOUT;

	list_foreach (conn, &lost->session->conns, session_link)
		all = all && conn->logging_out;
	return all;
}

static void conn_lost(struct conn *conn)
{
	struct session *s = conn->session;
	bool meant = conn->replaced || conn->close_reason == CLOSE_LOGOUT ||
		conn->close_reason == CLOSE_CONN_REINSTATED;

	fence_conn_lost(s, conn);
	logout_conn_lost(conn);
	order_drop_conn(conn);
	departed_lost(conn);
	async_conn_dropped(conn);
	if (s->n_conns && logged_out(conn))
		session_end(s, CLOSE_LOGOUT);
	/*
	 * RFC 7143 7.14: to go on with the others takes recovery within a connection, which can fill the gap
	 * in CmdSN that it has left; otherwise the session has failed.
	 */
	if (s->n_conns && !meant && s->params.error_recovery_level == 0)
		session_end(s, CLOSE_SESSION_FAILED);
}

static void conn_reinstated(struct session *session, uint16_t cid)
{
	struct departed *d = departed_find(session, cid);
	struct conn *conn;

	if (d)
		departed_log_out(d);
	/* One that has closed in this very turn of the loop is still there. */
	list_foreach (conn, &session->conns, session_link) {
		if (conn->cid == cid && conn->closing)
			conn->replaced = true;
	}
}

static void session_ending(struct session *session)
{
	order_drop(session);
	fence_drop(session);
	data_wait_drop(session);
	spt_host_undefer(session->env->host, &session->logout_poll);
	departed_drop(session);
}

static size_t tidy(struct session_env *env)
{
	return spares_age(&env->commands) * sizeof(struct command);
}

const struct phase_ops FULLFEATURE = {
	.place = place,
	.pdu = pdu,
	.dropped = dropped,
	.conn_lost = conn_lost,
	.conn_reinstated = conn_reinstated,
	.wants_more = rest_wants_more,
	.at_rest = rest_reached,
	.session_leaves = rest_leave,
	.session_ending = session_ending,
	.tasks_terminated = async_tasks_terminated,
	.attention = async_attention,
	.tidy = tidy,
};

void fullfeature_deinit(struct session_env *env)
{
	spares_free(&env->commands);
}
