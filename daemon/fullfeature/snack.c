/* SPDX-License-Identifier: MIT */
/*
 * SNACK Request (RFC 7143 11.16): what the initiator has not got is sent again, what it has got of a long
 * read is acknowledged. Every run is compared with what was sent and not acknowledged before
 * anything of it is believed; what was forgotten for want of room is rejected as such.
 */
#include "wire/snack.h"

#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/messages.h"

#define ASC_SNACK_REJECTED 0x1113 /* READ ERROR - FAILED RETRANSMISSION REQUEST */

/* Answers of SNACKs that a connection may have waiting to be sent. */
#define WAITING_MAX 512u

/* What was wrong, as a Reject reason and for the log; reason 0: nothing. */
struct verdict {
	uint8_t reason;
	const char *why;
};

static const struct verdict DONE = { 0, NULL };
static const struct verdict NOT_SENT = { REJECT_PROTOCOL_ERROR, "asks for what was never sent" };
static const struct verdict ACKNOWLEDGED = { REJECT_PROTOCOL_ERROR,
	"asks for what is acknowledged" };
static const struct verdict FORGOTTEN = { REJECT_SNACK, "asks for what is no longer kept" };

/* [first, end) of numbers; RFC 7143 11.16.6, 11.16.7: RunLength 0 is all from BegRun on. */
struct run {
	uint32_t first, end;
	bool all; /* BegRun and RunLength 0: whatever is not acknowledged */
};

static struct run run_of(const struct pdu_snack *pdu, uint32_t lowest, uint32_t next)
{
	if (!pdu->beg_run && !pdu->run_length)
		return (struct run){ lowest, next, true };
	return (struct run){ pdu->beg_run,
		pdu->run_length ? pdu->beg_run + pdu->run_length : next, false };
}

/* Serial numbers: the run has to be within [acked, next). */
static struct verdict judge_run(const struct run *run, uint32_t acked, uint32_t next)
{
	uint32_t sent = next - acked;

	if (run->all)
		return DONE;
	if (sn_lt(sn(run->first), sn(acked)))
		return ACKNOWLEDGED;
	if (run->first - acked >= sent || run->end - run->first > sent - (run->first - acked) ||
		run->end == run->first)
		return NOT_SENT;
	return DONE;
}

static struct verdict status(struct conn *conn, const struct pdu_snack *pdu)
{
	const struct retain *retain = &conn->retain;
	struct run run = run_of(pdu, retain->acked.v, conn->stat_sn.v);
	struct verdict v = judge_run(&run, retain->acked.v, conn->stat_sn.v);
	struct retained *r;

	if (v.reason)
		return v;
	if (sn_lt(sn(run.first), retain->forgotten))
		return FORGOTTEN;
	/* What is not in the list is on its way for the first time. */
	list_foreach (r, &conn->retain.list, link) {
		if (r->stat_sn.v - run.first < run.end - run.first)
			retain_again(conn, r);
	}
	return DONE;
}

static struct command *find(struct conn *conn, uint32_t itt)
{
	struct command *c = command_find(conn->session, itt);

	if (!c)
		c = command_find_kept(conn, itt);
	return c && c->conn == conn ? c : NULL;
}

static struct verdict r2ts(struct command *c, const struct run *run)
{
	bool any = run->all;

	for (unsigned i = 0; i < COMMAND_R2T_MAX; i++) {
		struct burst *b = &c->bursts[i];
		if (!b->open || b->r2t_sn < run->first || b->r2t_sn >= run->end)
			continue;
		any = true;
		resend_r2t(b);
	}
	return any ? DONE : ACKNOWLEDGED; /* its data has come */
}

/* R2Ts and Data-In PDUs of a bidirectional command share the numbers: first come all R2Ts. */
static struct verdict data(struct conn *conn, const struct pdu_snack *pdu)
{
	struct command *c = find(conn, pdu->itt);

	if (!c)
		return (struct verdict){ REJECT_PROTOCOL_ERROR, "there is no such task on this connection" };
	bool reads = c->segments.segment_bytes; /* it has sent data */
	uint32_t lowest = reads ? c->acked_sn : 0;
	struct run run = run_of(pdu, lowest, c->data_sn);
	struct verdict v = judge_run(&run, lowest, c->data_sn);

	if (v.reason || run.first == run.end)
		return v;
	if (!reads)
		return r2ts(c, &run);
	if (c->ended || run.first < c->segments.first_sn)
		return FORGOTTEN;
	/* RFC 7143 11.16.3: who takes less in a PDU than then needs an R-Data SNACK */
	if (c->segments.segment_bytes > tx_segment_bytes(&conn->params))
		return (struct verdict){ REJECT_PROTOCOL_ERROR, "MaxRecvDataSegmentLength has changed" };
	resend_data(c, conn, run.first, run.end);
	return DONE;
}

/* RFC 7143 11.16.2 */
static struct verdict data_ack(struct conn *conn, const struct pdu_snack *pdu)
{
	const struct verdict invalid = { REJECT_INVALID_DATA_ACK, "acknowledges what was not sent" };
	/* The tag that a Data-In with A was sent with is its command's. */
	struct command *c = find(conn, pdu->ttt);

	if (!c || c->task.aux.lun != pdu->lun || pdu->run_length || !c->sent_bytes ||
		pdu->beg_run < c->acked_sn || pdu->beg_run > c->data_sn)
		return invalid;
	if (!c->ended)
		command_data_acked(c, pdu->beg_run);
	return DONE;
}

static struct verdict r_data(struct conn *conn, const struct pdu_snack *pdu)
{
	struct command *c = find(conn, pdu->itt);

	/* RFC 7143 11.16.5: the SNACK Tag comes back with the response, and 0 and FFFFFFFFh are none */
	if (!c || pdu->beg_run || pdu->run_length || pdu->ttt == TAG_NONE || !pdu->ttt)
		return (struct verdict){ REJECT_PROTOCOL_ERROR,
			"no such task on this connection, or BegRun, RunLength or SNACK Tag of R-Data wrong" };
	if (c->task.state != SPT_TASK_DONE && !c->ended)
		return NOT_SENT;
	if (c->data_lost)
		return FORGOTTEN;
	if (!resend_all(c, conn))
		return (struct verdict){ REJECT_SNACK, "all of it is on its way again already" };
	c->snack_tag = pdu->ttt;
	return DONE;
}

static struct verdict (*const TYPES[])(struct conn *, const struct pdu_snack *) = {
	[SNACK_DATA] = data,
	[SNACK_STATUS] = status,
	[SNACK_DATA_ACK] = data_ack,
	[SNACK_R_DATA] = r_data,
};

/*
 * RFC 7143 7.8 a.1: a command whose data is lost for good must not end well. What it has not sent is sent all the same, so
 * that its numbers are as ever; if its status has been sent the initiator knows what to make of that (a.2).
 */
static void fail(struct conn *conn, uint32_t itt)
{
	struct command *c = find(conn, itt);

	if (c && c->sent_bytes && !c->answered && c->task.state == SPT_TASK_DONE && c->task.outcome == SPT_COMPLETED)
		spt_task_overrule(&c->task, SPT_KEY_ABORTED_COMMAND, ASC_SNACK_REJECTED);
}

void snack(struct conn *conn, struct rx_pdu *rx)
{
	struct pdu_snack pdu;
	struct verdict v;
	int r = pdu_snack_decode(rx->bhs, &pdu);

	if (!r)
		conn->env->counters.snacks[pdu.type]++;
	if (r)
		v = (struct verdict){ (uint8_t)r, "no such type" };
	else if (!conn->params.error_recovery_level)
		v = (struct verdict){ REJECT_PROTOCOL_ERROR, "the session has ErrorRecoveryLevel 0" };
	else if (conn->tx.n_items >= WAITING_MAX && pdu.type != SNACK_DATA_ACK)
		v = (struct verdict){ REJECT_SNACK, "too much is waiting to be sent" };
	else
		v = TYPES[pdu.type](conn, &pdu);
	if (!v.reason)
		return;
	if (v.reason == REJECT_SNACK && (pdu.type == SNACK_DATA || pdu.type == SNACK_R_DATA))
		fail(conn, pdu.itt);
	const struct command *c = v.reason == REJECT_PROTOCOL_ERROR && !r && pdu.type == SNACK_DATA ?
		find(conn, pdu.itt) : NULL;
	reject_run(conn, v.reason, rx->bhs, v.why, c ? c->data_sn : 0);
}
