/* SPDX-License-Identifier: MIT */
/* Asynchronous Messages (RFC 7143 11.9): what the initiator is told without having asked. */
#include "fullfeature/async.h"

#include <string.h>

#include "base/be.h"
#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/messages.h"
#include "session/session.h"

/* SCSI events of a session that are not sent yet. What comes above that is not told: the condition itself waits. */
#define EVENTS_MAX 64u

static void encode(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	struct pdu_async pdu = {
		.event = (uint8_t)message->arg[0],
		.lun = message->arg[1],
		.data_bytes = message->data_bytes,
		.sns = conn_status_sns(conn),
		.parameter1 = (uint16_t)message->arg[2],
		.parameter2 = (uint16_t)message->arg[3],
		.parameter3 = (uint16_t)message->arg[4],
	};

	pdu_async_encode(&pdu, bhs);
}

static struct tx_message *message_new(struct conn *conn, const struct pdu_async *pdu,
	void (*after)(struct tx_message *message, struct conn *conn))
{
	struct tx_message *m = tx_message_new(conn, pdu->data_bytes);

	if (!m)
		return NULL;
	m->arg[0] = pdu->event;
	m->arg[1] = pdu->lun;
	m->arg[2] = pdu->parameter1;
	m->arg[3] = pdu->parameter2;
	m->arg[4] = pdu->parameter3;
	m->encode = encode;
	m->after = after;
	return m;
}

bool async_put(struct conn *conn, const struct pdu_async *pdu,
	void (*after)(struct tx_message *message, struct conn *conn))
{
	struct tx_message *m = message_new(conn, pdu, after);

	if (m)
		tx_message_put(conn, m);
	return m;
}

static void event_sent(struct tx_message *message, struct conn *conn)
{
	(void)message;
	conn->session->events--;
}

/* RFC 7143 11.9.1, 11.9.3, 11.9.4: the LUN, SenseLength and sense data. */
void async_attention(struct session *s, uint64_t lun, const uint8_t *sense, size_t bytes)
{
	struct conn *conn = session_any_conn(s);
	const struct pdu_async pdu = { .event = ASYNC_SCSI_EVENT, .lun = lun, .data_bytes = (uint32_t)bytes + 2 };

	if (!conn || s->events == EVENTS_MAX)
		return;
	struct tx_message *m = message_new(conn, &pdu, event_sent);
	if (!m)
		return;
	be16_put(m->data, (uint16_t)bytes);
	memcpy(m->data + 2, sense, bytes);
	s->events++;
	tx_message_put(conn, m);
}

/*
 * RFC 7143 4.2.3.4 b, d: who loses tasks to a fast abort, once that has begun, stops sending their data, but for the
 * connection that asked for it. What was on its way is received and dropped, so that no tag has to be kept until it is
 * acknowledged (c, g).
 */
struct loss {
	const struct spt_itl *itl;
	/* Has a command before @number on the same connection at the same LUN been found already? */
	const struct command *first;
};

static bool is_lost(const struct loss *loss, const struct command *c)
{
	if (c->dead || !c->conn || c->conn->closing || c->conn->number == c->session->issuing)
		return false;
	return c->task.aborting && c->task.itl == loss->itl;
}

static void find_first(struct spt_task *task, void *arg)
{
	struct command *c = command_of(task);
	struct loss *loss = arg;

	if (is_lost(loss, c) && c->conn == loss->first->conn &&
		c->task.itl == loss->first->task.itl && c->number < loss->first->number)
		loss->first = c;
}

/* One message for each connection and logical unit: for the oldest of its tasks. */
static void tell(struct spt_task *task, void *arg)
{
	struct command *c = command_of(task);
	struct loss loss = *(struct loss *)arg;
	const struct pdu_async pdu = { .event = ASYNC_TASKS_TERMINATED, .lun = task->aux.lun };

	if (!is_lost(&loss, c))
		return;
	loss.first = c;
	spt_session_each_task(c->session->env->host->context, c->session->cookie, find_first, &loss);
	if (loss.first == c)
		async_put(c->conn, &pdu, NULL);
}

void async_tasks_terminated(struct session *s, const struct spt_itl *itl)
{
	struct loss loss = { .itl = itl };

	/* RFC 7143 4.2.3.5: whatever the session has that issued the function */
	if (s->params.task_reporting == REPORTING_FAST_ABORT)
		spt_session_each_task(s->env->host->context, s->cookie, tell, &loss);
}

/* That the connection goes is our doing, and the initiator may not know. */
static bool dropped_by_us(enum close_reason reason)
{
	switch (reason) {
	case CLOSE_PROTOCOL_ERROR:
	case CLOSE_PDU_TOO_LONG:
	case CLOSE_HEADER_DIGEST:
	case CLOSE_NOP_TIMEOUT:
	case CLOSE_SEND_STALLED:
	case CLOSE_FENCE_TIMEOUT:
	case CLOSE_NO_MEMORY:
		return true;
	default:
		return false;
	}
}

void async_conn_dropped(struct conn *conn)
{
	const struct session *s = conn->session;
	struct conn *other = session_any_conn(s);
	/* RFC 7143 11.9.1 */
	const struct pdu_async pdu = {
		.event = ASYNC_DROP_CONNECTION,
		.parameter1 = conn->cid,
		.parameter2 = s->params.default_time2wait_s,
		.parameter3 = s->params.default_time2retain_s,
	};

	if (other && s->params.error_recovery_level && dropped_by_us(conn->close_reason))
		async_put(other, &pdu, NULL);
}

void async_recv_limit(struct session *s, uint32_t recv_limit_bytes, uint64_t wait_us)
{
	/* RFC 7143 11.9.1 */
	const struct pdu_async pdu = {
		.event = ASYNC_NEGOTIATE,
		.parameter3 = (uint16_t)MIN(wait_us / 1000000 + 1, (uint64_t)UINT16_MAX),
	};
	struct conn *conn;

	list_foreach (conn, &s->conns, session_link) {
		if (conn->closing || conn->params.recv_limit_bytes == recv_limit_bytes)
			continue;
		conn->params.recv_limit_bytes = recv_limit_bytes;
		conn->params.asked_to_negotiate = true;
		async_put(conn, &pdu, NULL);
	}
}
