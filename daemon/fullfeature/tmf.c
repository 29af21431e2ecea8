/* SPDX-License-Identifier: MIT */
/*
 * Task management (RFC 7143 11.5, 11.6): the library does it, in its own time; the answer goes out
 * when the tasks can no longer touch their device, and after every result that was queued before.
 */
#include "fullfeature/tmf.h"

#include <stdlib.h>

#include "base/list.h"
#include "fullfeature/messages.h"
#include "fullfeature/reassign.h"
#include "session/conn.h"
#include "session/session.h"
#include "wire/tmf_response.h"

/* That a session may have waiting for the library; RFC 7143 11.6.1: Function rejected above that. */
#define PENDING_MAX 32u

static void encode(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	struct pdu_tmf_response pdu = {
		.response = (uint8_t)message->arg[1],
		.additional = (uint32_t)message->arg[2],
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

/*
 * RFC 7144 6.3: I_T NEXUS RESET drops every connection of its session, and nothing is retained: the others at
 * once, this one with the response.
 */
static void nexus_reset_sent(struct tx_message *message, struct conn *conn)
{
	(void)message;
	if (!conn->closing)
		session_end(conn->session, CLOSE_NEXUS_RESET);
}

static void drop_others(const struct conn *conn)
{
	struct conn *each;

	conn->session->doomed = true;
	list_foreach (each, &conn->session->conns, session_link) {
		if (each != conn)
			conn_close(each, CLOSE_NEXUS_RESET, NULL);
	}
}

/* @additional: three bytes of RFC 7144 6.4.1, or NULL. */
static void respond(struct conn *conn, const struct pdu_tmf_request *request, uint8_t response,
	const uint8_t *additional)
{
	struct tx_message *m = tx_message_new(conn, 0);

	if (!m)
		return;
	m->arg[0] = request->itt;
	m->arg[1] = response;
	m->arg[2] = additional ? be24_get(additional) : 0;
	m->encode = encode;
	if (request->function == TMF_TARGET_COLD_RESET && response == TMF_COMPLETE)
		m->after = cold_reset_sent;
	if (request->function == TMF_I_T_NEXUS_RESET && response == TMF_COMPLETE) {
		m->after = nexus_reset_sent;
		drop_others(conn);
	}
	tx_message_put(conn, m);
}

/*
 * RFC 7143 7.11, 11.6.1 b: a task that is not there may not have come yet. (QUERY TASK takes nothing for received: RFC 7144
 * 6.3.3, 6.4.2.)
 */
static uint8_t final_response(struct tmf *t)
{
	const struct pdu_tmf_request *r = &t->request;

	if (r->function == TMF_ABORT_TASK && t->tmf.response == SPT_TMF_NO_TASK &&
		order_consider_received(t->session, r->ref_cmd_sn, r->cmd_sn))
		return TMF_COMPLETE;
	return t->tmf.response;
}

/* Peers decide how many there are: a bound for the log. */
static void log_function(struct tmf *t, const struct conn *conn, uint8_t response)
{
	struct session *s = t->session;
	uint64_t now_us = spt_host_now_us(s->env->host);
	char more[LOG_LIMIT_TEXT];

	if (!log_limit_line(&s->tmf_log, now_us, more))
		return;
	log_notice("%s of LUN %llx by %s (%s): %s, %llu ms%s", tmf_function_name(t->request.function),
		(unsigned long long)t->request.lun >> 48, conn->params.initiator_name, conn->peer,
		tmf_response_name(response), (unsigned long long)(now_us - t->start_us) / 1000, more);
}

static void finish(struct tmf *t)
{
	struct session *s = t->session;

	list_del(&t->in_session);
	free(t);
	session_pending_done(s);
}

static void answer(struct fence_hold *hold)
{
	struct tmf *t = container_of(hold, struct tmf, hold);

	hold->conn->tmfs--;
	respond(hold->conn, &t->request, t->response, t->tmf.additional);
	finish(t);
}

/* RFC 7143 4.2.3.1, RFC 7144 6.5: the functions that may end several tasks. */
static bool ends_several(uint8_t function)
{
	switch (function) {
	case TMF_ABORT_TASK_SET:
	case TMF_CLEAR_TASK_SET:
	case TMF_LOGICAL_UNIT_RESET:
	case TMF_TARGET_WARM_RESET:
	case TMF_TARGET_COLD_RESET:
	case TMF_I_T_NEXUS_RESET:
		return true;
	default:
		return false;
	}
}

static bool is_target_reset(uint8_t function)
{
	return function == TMF_TARGET_WARM_RESET || function == TMF_TARGET_COLD_RESET;
}

static bool concerns_session(uint8_t function)
{
	return is_target_reset(function) || function == TMF_I_T_NEXUS_RESET;
}

/* RFC 7143 4.2.2.3.4 */
static bool is_fenced(uint8_t function)
{
	return ends_several(function) || function == TMF_CLEAR_ACA;
}

static void done(struct spt_tmf *tmf)
{
	struct tmf *t = (struct tmf *)tmf;
	struct session *s = t->session;
	struct conn *conn = session_conn(s, t->conn);

	if (list_in(&t->link))
		tmf_let_go(t);
	if (!conn) {
		if (t->request.function == TMF_I_T_NEXUS_RESET && tmf->response == SPT_TMF_COMPLETE)
			session_end(s, CLOSE_NEXUS_RESET);
		finish(t);
		return;
	}
	t->response = final_response(t);
	log_function(t, conn, t->response);
	t->hold = (struct fence_hold){
		.conn = conn,
		.itl = spt_session_itl(s->env->host->context, s->cookie, t->request.lun),
		.all = concerns_session(t->request.function),
		.fences = is_fenced(t->request.function) && t->response != TMF_NO_LUN,
		.go = answer,
	};
	if (fence_concerns(s))
		fence_pass(s, &t->hold);
	else
		answer(&t->hold);
}

/* RFC 7143 11.5.4, 11.5.5: the RefCmdSN of an immediate command is the CmdSN of the request. */
static struct spt_task_cookie reference(const struct conn *conn, const struct pdu_tmf_request *r)
{
	const struct command *c = command_find(conn->session, r->referenced_itt);

	if (c && c->immediate && sn_eq(r->ref_cmd_sn, r->cmd_sn))
		return c->task.aux.task;
	return (struct spt_task_cookie){ r->referenced_itt, r->ref_cmd_sn.v };
}

static bool spares(const struct spt_tmf *tmf, const struct spt_task *task)
{
	struct tmf *t = (struct tmf *)(uintptr_t)tmf;
	const struct command *c = command_of((struct spt_task *)(uintptr_t)task);

	return c->number >= t->number &&
		!sn_lt(sn(c->task.aux.task.generation), t->request.cmd_sn);
}

void tmf_run(struct tmf *t)
{
	struct session *s = t->session;
	bool plug = is_target_reset(t->request.function);
	sn_t cmd_sn = t->request.cmd_sn;

	s->pending++; /* the session stays, though the answer may be its last */
	s->issuing = t->conn;
	if (spt_tmf(s->env->host->context, &t->tmf) < 0) {
		t->tmf.response = SPT_TMF_REJECTED;
		done(&t->tmf);
	}
	s->issuing = 0;
	/* RFC 7143 4.2.3.3 b: what was sent before a reset of the target and has not come counts as received. */
	if (plug && session_any_conn(s))
		order_plug(s, cmd_sn);
	session_pending_done(s);
}

static void start(struct conn *conn, const struct pdu_tmf_request *request)
{
	struct tmf *t = calloc(1, sizeof(*t));

	if (!t) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return;
	}
	list_init(&t->link);
	t->session = conn->session;
	t->conn = conn->number;
	t->request = *request;
	t->start_us = spt_host_now_us(conn->env->host);
	t->number = conn->session->commands;
	t->tmf = (struct spt_tmf){
		.session = conn->session->cookie,
		.function = request->function,
		.lun = request->lun,
		.reference = reference(conn, request),
		.done = done,
		/* RFC 7144 4.1, 6.3: the functions from QUERY TASK on belong to level 2. */
		.protocol_level_2 = conn->params.protocol_level >= 2,
	};
	list_append(&conn->session->functions, &t->in_session);
	conn->session->pending++;
	conn->tmfs++;
	if (!ends_several(request->function)) {
		tmf_run(t);
		return;
	}
	t->tmf.spares = spares;
	tmf_gather(t);
}

bool tmf_is_function(const struct session *s, uint32_t itt)
{
	const struct tmf *t;

	list_foreach (t, &s->functions, in_session) {
		if (t->request.itt == itt)
			return true;
	}
	return false;
}

/* RFC 7143 11.5.1, RFC 7144 6.3: no function is aborted or queried by another, nor by itself. */
static bool names_function(const struct conn *conn, const struct pdu_tmf_request *r)
{
	bool query = r->function == TMF_QUERY_TASK && conn->params.protocol_level >= 2;

	return (r->function == TMF_ABORT_TASK || query) &&
		(r->referenced_itt == r->itt || tmf_is_function(conn->session, r->referenced_itt));
}

/*
 * What is answered without asking the library; TMF_COMPLETE: nothing. RFC 7143 4.2.2.1: there is always
 * room for one on each connection.
 */
static uint8_t refusal(const struct conn *conn, const struct pdu_tmf_request *request)
{
	const struct session *s = conn->session;
	uint8_t function = request->function;

	if (names_function(conn, request))
		return TMF_REJECTED;
	if (is_target_reset(function) && s->policy.target_reset_response)
		return s->policy.target_reset_response;
	return s->pending >= PENDING_MAX && conn->tmfs ? TMF_REJECTED : TMF_COMPLETE;
}

/* RFC 7143 7.2.2, 11.6: first the response, then the task goes on. */
static void reassign(struct conn *conn, const struct pdu_tmf_request *request)
{
	struct command *c;
	uint8_t response = reassign_judge(conn, request, &c);

	respond(conn, request, response, NULL);
	if (response == TMF_COMPLETE)
		reassign_run(conn, c, request->exp_data_sn);
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
	if (request.function == TMF_TASK_REASSIGN) {
		reassign(conn, &request);
		return;
	}
	uint8_t refused = refusal(conn, &request);
	if (refused)
		respond(conn, &request, refused, NULL);
	else
		start(conn, &request);
}
