/* SPDX-License-Identifier: MIT */
/*
 * Task management (RFC 7143 11.5, 11.6): the library does it, in its own time; the answer goes out
 * when the tasks can no longer touch their device, and after every result that was queued before.
 */
#include <spt/tmf.h>

#include <stdlib.h>

#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/messages.h"
#include "wire/tmf_request.h"
#include "wire/tmf_response.h"

/* That a session may have waiting for the library; RFC 7143 11.6.1: Function rejected above that. */
#define PENDING_MAX 32u

struct tmf {
	struct spt_tmf tmf; /* first */
	struct session *session;
	uint32_t conn; /* number of the one it came on */
	struct pdu_tmf_request request;
	uint64_t start_us;
};

static void encode(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	struct pdu_tmf_response pdu = {
		.response = (uint8_t)message->arg[1],
		.itt = (uint32_t)message->arg[0],
		.sns = conn_status_sns(conn),
	};

	pdu_tmf_response_encode(&pdu, bhs);
}

/* RFC 7143 11.5.1: after TARGET COLD RESET every connection to the target is terminated. */
static void cold_reset_sent(struct tx_message *message, struct conn *conn)
{
	(void)message;
	if (!conn->closing)
		conn->env->ops->cold_reset(conn->session);
}

static void respond(struct conn *conn, const struct pdu_tmf_request *request, uint8_t response)
{
	struct tx_message *m = tx_message_new(conn, 0);

	if (!m)
		return;
	m->arg[0] = request->itt;
	m->arg[1] = response;
	m->encode = encode;
	if (request->function == TMF_TARGET_COLD_RESET && response == TMF_COMPLETE)
		m->after = cold_reset_sent;
	tx_message_put(conn, m);
}

/* RFC 7143 11.5.5: a task that is not there may not have come yet. */
static uint8_t final_response(struct tmf *t)
{
	const struct pdu_tmf_request *r = &t->request;

	if (r->function == TMF_ABORT_TASK && t->tmf.response == SPT_TMF_NO_TASK &&
		order_consider_received(t->session, r->ref_cmd_sn, r->cmd_sn))
		return TMF_COMPLETE;
	return t->tmf.response;
}

static void done(struct spt_tmf *tmf)
{
	struct tmf *t = (struct tmf *)tmf;
	struct session *s = t->session;
	struct conn *conn = session_conn(s, t->conn);

	if (conn) {
		uint8_t response = final_response(t);
		log_notice("%s of LUN %llx by %s (%s): %s, %llu ms", tmf_function_name(t->request.function),
			(unsigned long long)t->request.lun >> 48, conn->params.initiator_name, conn->peer,
			tmf_response_name(response),
			(unsigned long long)(spt_host_now_us(s->env->host) - t->start_us) / 1000);
		respond(conn, &t->request, response);
	}
	free(t);
	session_pending_done(s);
}

/* RFC 7143 11.5.5: the RefCmdSN of an immediate command is the CmdSN of the request. */
static struct spt_task_cookie reference(const struct conn *conn, const struct pdu_tmf_request *r)
{
	const struct command *c = command_find(conn->session, r->referenced_itt);

	if (c && c->immediate && sn_eq(r->ref_cmd_sn, r->cmd_sn))
		return c->task.aux.task;
	return (struct spt_task_cookie){ r->referenced_itt, r->ref_cmd_sn.v };
}

static void start(struct conn *conn, const struct pdu_tmf_request *request)
{
	struct tmf *t = calloc(1, sizeof(*t));

	if (!t) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return;
	}
	t->session = conn->session;
	t->conn = conn->number;
	t->request = *request;
	t->start_us = spt_host_now_us(conn->env->host);
	t->tmf = (struct spt_tmf){
		.session = conn->session->cookie,
		.function = request->function,
		.lun = request->lun,
		.reference = reference(conn, request),
		.done = done,
	};
	conn->session->pending++;
	if (spt_tmf(conn->env->host->context, &t->tmf) < 0) {
		t->tmf.response = SPT_TMF_REJECTED;
		done(&t->tmf);
	}
}

void tmf_request(struct conn *conn, struct rx_pdu *pdu)
{
	struct pdu_tmf_request request;
	int r = pdu_tmf_request_decode(pdu->bhs, &request);

	if (r) {
		reject(conn, (uint8_t)r, pdu->bhs, "malformed");
		return;
	}
	conn->env->counters.tmfs++;
	if (request.function == TMF_TASK_REASSIGN) /* RFC 7143 11.6.1: needs ErrorRecoveryLevel 2 */
		respond(conn, &request, TMF_NO_REASSIGN);
	else if (conn->session->pending >= PENDING_MAX)
		respond(conn, &request, TMF_REJECTED);
	else
		start(conn, &request);
}
