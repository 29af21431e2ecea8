/* SPDX-License-Identifier: MIT */
/*
 * Logout (RFC 7143 11.14): of the session, or of a connection, to be closed or to be removed for
 * recovery. The connection may be another than the one that the request came on, and may be gone
 * already. Commands of what is closed are terminated, and the answer waits until they have left their
 * device, but not for ever; its own connection is closed when the answer is sent.
 */
#include "wire/logout_request.h"

#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/departed.h"
#include "fullfeature/messages.h"
#include "session/session.h"
#include "wire/logout_response.h"
#include "wire/reject.h"

/* How long commands may take to leave their device: a frozen one does not keep an initiator from going. */
#define CLEANUP_S 3u

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

static void respond_and_close(struct conn *conn, uint8_t response)
{
	struct tx_message *m = respond(conn, conn->logout.itt, response);

	if (!m)
		return;
	if (conn->logout.reason == LOGOUT_CLOSE_SESSION)
		m->after = session_closed;
	else
		m->after = conn->logout.reason == LOGOUT_RECOVERY ? conn_removed : conn_closed;
}

struct scope {
	const struct conn *conn; /* NULL: the whole session */
	bool pending;
};

static struct scope scope_of(const struct conn *conn)
{
	return (struct scope){ .conn = conn->logout.reason == LOGOUT_CLOSE_SESSION ? NULL : conn };
}

static bool is_pending(const struct command *c, const struct scope *scope)
{
	return !c->dead && c->task.state != SPT_TASK_DONE && (!scope->conn || c->conn == scope->conn);
}

static bool terminate(struct spt_task *task, void *arg)
{
	return is_pending(command_of(task), arg);
}

static void look(struct spt_task *task, void *arg)
{
	struct scope *scope = arg;

	scope->pending |= is_pending(command_of(task), scope);
}

static bool is_over(const struct conn *conn)
{
	const struct session *s = conn->session;
	struct scope scope = scope_of(conn);

	spt_session_each_task(s->env->host->context, s->cookie, look, &scope);
	return !scope.pending;
}

static void stop_waiting(struct conn *conn)
{
	if (!conn->logout.waits)
		return;
	conn->logout.waits = false;
	conn->session->logouts--;
	spt_host_timer_clear(conn->env->host, &conn->logout.timer);
}

static void poll(struct spt_post *post)
{
	struct session *s = post->arg;
	struct conn *conn;

	list_foreach (conn, &s->conns, session_link) {
		if (!conn->logout.waits || conn->closing || !is_over(conn))
			continue;
		stop_waiting(conn);
		respond_and_close(conn, LOGOUT_CLOSED);
	}
}

void logout_poll(struct session *s)
{
	s->logout_poll.fn = poll;
	s->logout_poll.arg = s;
	spt_host_defer(s->env->host, &s->logout_poll);
}

void logout_conn_lost(struct conn *conn)
{
	stop_waiting(conn);
}

/* RFC 7143 11.15.1: a device has not given a command back. It may not see another of the session. */
static void waited_enough(struct spt_timer *timer)
{
	struct conn *conn = timer->arg;

	stop_waiting(conn);
	log_notice("logout of %s at %s, session %llu: commands have not left their device in %u s",
		conn->params.initiator_name, conn->params.target_name, (unsigned long long)conn->session->id, CLEANUP_S);
	if (!conn->closing)
		respond_and_close(conn, LOGOUT_CLEANUP_FAILED);
}

/* RFC 7143 11.14: pending commands are terminated, and then comes the response. */
static void terminate_and_respond(struct conn *conn)
{
	struct session *s = conn->session;
	struct scope scope = scope_of(conn);

	if (!s->has_nexus || is_over(conn)) {
		respond_and_close(conn, LOGOUT_CLOSED);
		return;
	}
	order_drop_conn(conn);
	conn->logout.waits = true;
	s->logouts++;
	conn->logout.timer.fn = waited_enough;
	conn->logout.timer.arg = conn;
	spt_host_timer_set(conn->env->host, &conn->logout.timer, CLEANUP_S * 1000000ull);
	spt_session_abort(s->env->host->context, s->cookie, terminate, &scope);
	logout_poll(s);
}

/* RFC 7143 11.14: nothing more is to be taken from what is logged out. */
static void close_session(struct conn *conn, const struct pdu_logout_request *request)
{
	struct conn *each;

	conn->logout.reason = request->reason;
	conn->logout.itt = request->itt;
	list_foreach (each, &conn->session->conns, session_link)
		each->logging_out = true;
	terminate_and_respond(conn);
}

static void close_own(struct conn *conn, const struct pdu_logout_request *request)
{
	conn->logout.reason = request->reason;
	conn->logout.itt = request->itt;
	conn->logging_out = true;
	if (request->reason == LOGOUT_RECOVERY)
		respond_and_close(conn, LOGOUT_CLOSED);
	else
		terminate_and_respond(conn);
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
		close_session(conn, &request);
	else if (conn->params.session_type == SESSION_DISCOVERY) /* RFC 7143 4.3 */
		reject(conn, REJECT_PROTOCOL_ERROR, pdu->bhs, "a discovery session is only closed as a whole");
	else
		close_connection(conn, &request);
}
