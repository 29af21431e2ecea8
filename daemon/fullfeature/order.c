/* SPDX-License-Identifier: MIT */
/*
 * Command ordering (RFC 7143 4.2.2.1): PDUs that carry CmdSN take effect in its order, whatever the
 * order they came in; immediate ones at once. What came before its turn is held; a SCSI command
 * among them is in the task table already, so that it can be aborted while it waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/farewell.h"
#include "fullfeature/messages.h"

/* Immediate commands that a session may have outstanding; RFC 7143 11.17.1 reason 6 above that. */
#define IMMEDIATE_MAX 64u

/* Data of PDUs that wait for their turn, that a session may have; RFC 7143 11.17.1 reason 10 above that. */
#define HELD_MAX_BYTES (1u << 20)

struct held {
	struct spt_link link;
	struct session *session;
	struct conn *conn; /* that it came on; NULL: nothing came */
	sn_t cmd_sn;
	bool empty;     /* nothing is left to be done when its turn comes */
	uint32_t itt;   /* of a SCSI command: found through the task table, if it still lives */
	bool is_command;
	uint8_t bhs[BHS_BYTES];
	uint32_t data_bytes;
	uint8_t data[];
};

/* The place of @cmd_sn among the held, or NULL when there is one with this number already. */
static struct spt_link *place_for(struct session *s, sn_t cmd_sn)
{
	struct spt_link *l;

	for (l = s->held.prev; l != &s->held; l = l->prev) {
		const struct held *h = container_of(l, struct held, link);
		if (sn_eq(h->cmd_sn, cmd_sn))
			return NULL;
		if (sn_lt(h->cmd_sn, cmd_sn))
			break;
	}
	return l->next;
}

static struct held *hold(struct session *s, sn_t cmd_sn, uint32_t data_bytes)
{
	struct spt_link *before = place_for(s, cmd_sn);

	if (!before)
		return NULL;
	struct held *h = calloc(1, sizeof(*h) + data_bytes);
	if (!h)
		return NULL;
	h->session = s;
	h->cmd_sn = cmd_sn;
	h->data_bytes = data_bytes;
	s->held_bytes += data_bytes;
	list_add_before(before, &h->link);
	return h;
}

static void held_free(struct held *h)
{
	list_del(&h->link);
	h->session->held_bytes -= h->data_bytes;
	free(h);
}

static void run_held(struct held *h)
{
	struct rx_pdu pdu = {
		.bhs = h->bhs,
		.ahs = h->bhs,
		.data = h->data_bytes ? h->data : NULL,
		.data_bytes = h->data_bytes,
	};

	if (h->empty)
		return;
	if (h->is_command) {
		struct command *c = command_find(h->session, h->itt);
		/* Aborted meanwhile, and the tag may be another command's by now. */
		if (c && c->early && c->task.aux.task.generation == h->cmd_sn.v)
			command_turn(c);
		return;
	}
	dispatch(h->conn, &pdu);
}

static void advance(struct session *s)
{
	s->exp_cmd_sn = sn_add(s->exp_cmd_sn, 1);
	session_window_move(s);
	tmf_poll(s);
}

/*
 * RFC 7143 7.3: the CmdSN of a PDU that is rejected is not received; the gap is the initiator's to
 * close. @rejects: how many there had been before the PDU was handled.
 */
static bool received(struct conn *conn, unsigned rejects)
{
	if (conn->rejects != rejects)
		return false;
	advance(conn->session);
	return true;
}

/* Those whose turn has come. */
static void run_ready(struct session *s)
{
	struct held *h;
	bool going = true;

	while (going && (h = list_first(&s->held, struct held, link)) &&
		sn_eq(h->cmd_sn, s->exp_cmd_sn) && !(h->conn && h->conn->closing)) {
		unsigned rejects = h->conn ? h->conn->rejects : 0;
		list_del(&h->link);
		run_held(h);
		if (h->conn)
			going = received(h->conn, rejects);
		else
			advance(s);
		held_free(h);
	}
}

/* @waits: its turn has not come. False: it was rejected. */
static bool scsi_command(struct conn *conn, struct rx_pdu *pdu, bool waits)
{
	struct session *s = conn->session;
	struct command *c;

	/* RFC 7143 4.2.2.1: there is always room for one on each connection. */
	if (bhs_immediate(pdu->bhs) && s->immediate >= IMMEDIATE_MAX && conn->immediate) {
		reject(conn, REJECT_IMMEDIATE, pdu->bhs, "too many immediate commands");
		return false;
	}
	int r = command_new(conn, pdu, waits, &c);
	if (r > 0)
		refuse_pdu(conn, r, pdu->bhs, "malformed or not as negotiated");
	else if (r < 0)
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
	else if (!waits)
		command_start(c, pdu->data);
	return r == 0;
}

static void run_now(struct conn *conn, struct rx_pdu *pdu)
{
	if (bhs_opcode(pdu->bhs) == OP_SCSI_COMMAND)
		scsi_command(conn, pdu, false);
	else
		dispatch(conn, pdu);
}

static void hold_pdu(struct conn *conn, struct rx_pdu *pdu, sn_t cmd_sn)
{
	bool is_command = bhs_opcode(pdu->bhs) == OP_SCSI_COMMAND;
	uint32_t bytes = is_command || pdu->discarded ? 0 : pdu->data_bytes;

	if (!place_for(conn->session, cmd_sn))
		return; /* RFC 7143 4.2.2.1, 7.2.1: a duplicate is ignored */
	if (conn->session->held_bytes + bytes > HELD_MAX_BYTES) {
		reject(conn, REJECT_LONG_OPERATION, pdu->bhs, "too much data before its turn");
		return;
	}
	struct held *h = hold(conn->session, cmd_sn, bytes);
	if (!h) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return;
	}
	h->conn = conn;
	h->is_command = is_command;
	h->itt = bhs_itt(pdu->bhs);
	memcpy(h->bhs, pdu->bhs, BHS_BYTES);
	if (bytes)
		memcpy(h->data, pdu->data, bytes);
	if (is_command && !scsi_command(conn, pdu, true))
		held_free(h);
}

void order_pdu(struct conn *conn, struct rx_pdu *pdu)
{
	struct session *s = conn->session;
	sn_t cmd_sn = sn(be32_get(pdu->bhs + 24));

	if (bhs_immediate(pdu->bhs)) {
		run_now(conn, pdu);
		return;
	}
	/* RFC 7143 4.2.2.1: MUST silently ignore a non-immediate command outside the window. */
	if (sn_lt(cmd_sn, s->exp_cmd_sn) || sn_lt(s->max_cmd_sn, cmd_sn))
		return;
	if (!sn_eq(cmd_sn, s->exp_cmd_sn)) {
		hold_pdu(conn, pdu, cmd_sn);
		return;
	}
	unsigned rejects = conn->rejects;
	run_now(conn, pdu);
	if (received(conn, rejects))
		run_ready(s);
}

bool order_consider_received(struct session *s, sn_t cmd_sn, sn_t before)
{
	if (sn_lt(cmd_sn, s->exp_cmd_sn) || sn_lt(s->max_cmd_sn, cmd_sn) || !sn_lt(cmd_sn, before))
		return false;
	if (sn_eq(cmd_sn, s->exp_cmd_sn)) {
		advance(s);
		run_ready(s);
		return true;
	}
	struct held *h = hold(s, cmd_sn, 0);
	if (h)
		h->empty = true;
	return true;
}

void order_drop_conn(struct conn *conn)
{
	struct held *h, *next;

	list_foreach_safe (h, next, &conn->session->held, link) {
		if (h->conn == conn)
			held_free(h);
	}
}

void order_plug(struct session *s, sn_t before)
{
	/* RFC 7143 4.2.2.1: nothing was sent beyond the window; an immediate request may say any number. */
	if (sn_lt(sn_add(s->max_cmd_sn, 1), before))
		return;
	while (order_consider_received(s, s->exp_cmd_sn, before))
		;
}

/* RFC 7143 7.15: what waits for its turn ends with its session. */
void order_drop(struct session *s)
{
	struct held *h;

	tmf_drop(s);
	farewell_over(s);
	while ((h = list_first(&s->held, struct held, link)))
		held_free(h);
}
