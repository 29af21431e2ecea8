/* SPDX-License-Identifier: MIT */
/*
 * SCSI Data-Out (RFC 7143 11.7). Every number in it is compared with what was asked for before a
 * byte of it is believed: the tag, the offset, the length, DataSN, the F bit. Data that nobody waits
 * for any more (its task was aborted, or refused before the data came) is dropped (RFC 7143 10.7).
 */
#include "wire/data_out.h"

#include <string.h>

#include "fullfeature/command.h"
#include "fullfeature/data_wait.h"
#include "fullfeature/drain.h"
#include "fullfeature/messages.h"

#define ASC_UNEXPECTED_UNSOLICITED 0x0c0c
#define ASC_INCORRECT_AMOUNT       0x0c0d
#define ASC_PROTOCOL_CRC           0x4705 /* PROTOCOL SERVICE CRC ERROR */

/* What a Data-Out means to its command. */
struct meaning {
	struct command *command; /* NULL: nobody waits for it */
	struct burst *burst;     /* NULL: unsolicited */
	struct sequence *sequence;
	bool drop; /* one before it is lost, and so is it */
	uint8_t *where;          /* NULL: nothing to be kept of it */
	uint32_t keep_bytes;     /* how much of it: what goes beyond what is wanted is dropped */
	const char *wrong;       /* or why it is refused */
	uint8_t reason;          /* and the reason of the Reject; of a field that is invalid unless told */
	spt_asc_t spoilt;        /* and what becomes of the command */
};

/* Where the data of @c is collected now; unsolicited data may come before the command's turn. */
static const struct spt_data *collected_in(const struct command *c)
{
	return c->task.state == SPT_TASK_COLLECT ? &c->task.out : &c->task.offered;
}

static void find_place(const struct pdu_data_out *pdu, struct meaning *m)
{
	const struct spt_data *d = collected_in(m->command);

	if (!d->data || pdu->offset_bytes >= d->bytes)
		return;
	m->where = d->data + pdu->offset_bytes;
	m->keep_bytes = MIN(pdu->data_bytes, d->bytes - pdu->offset_bytes);
}

static struct sequence_rules rules_of(const struct command *c, bool exact)
{
	const struct login_params *p = &c->session->params;

	return (struct sequence_rules){
		.in_order = p->data_pdu_in_order,
		.recovers = p->error_recovery_level > 0,
		.exact = exact,
		/* RFC 7143 11.5.1: while a function waits to end the task, the initiator SHOULD end sequences early. */
		.early = c->held_back,
	};
}

static void judge_unsolicited(const struct pdu_data_out *pdu, struct meaning *m)
{
	struct command *c = m->command;
	struct sequence_rules rules = rules_of(c, false);

	m->spoilt = ASC_UNEXPECTED_UNSOLICITED;
	if (!c->unsolicited_open) {
		m->wrong = "unsolicited data that was not announced";
		m->reason = REJECT_PROTOCOL_ERROR;
		return;
	}
	m->sequence = &c->unsolicited;
	m->drop = sequence_judge(m->sequence, &rules, pdu, &m->wrong) == SEQUENCE_DROP;
}

/* DataSequenceInOrder: the oldest R2T is answered first; else any (RFC 7143 11.7.4, 13.19). */
static struct burst *find_burst(struct command *c, uint32_t ttt)
{
	unsigned n = c->session->params.data_sequence_in_order ? 1 : COMMAND_R2T_MAX;

	for (unsigned i = 0; i < n; i++) {
		struct burst *b = &c->bursts[(c->first_burst + i) % COMMAND_R2T_MAX];
		if (b->open && b->told && b->ttt == ttt)
			return b;
	}
	return NULL;
}

static void judge_solicited(const struct pdu_data_out *pdu, struct meaning *m)
{
	struct sequence_rules rules = rules_of(m->command, true);

	m->spoilt = ASC_INCORRECT_AMOUNT;
	m->burst = find_burst(m->command, pdu->ttt);
	if (!m->burst) {
		m->wrong = "Target Transfer Tag that was not given";
		return;
	}
	m->sequence = &m->burst->sequence;
	m->drop = sequence_judge(m->sequence, &rules, pdu, &m->wrong) == SEQUENCE_DROP;
}

/* It comes after all, when it has been asked for again. */
static bool is_overdue(struct command *c, const struct pdu_data_out *pdu)
{
	if (!c->overdue)
		return false;
	if (pdu->ttt == TAG_NONE)
		return !c->unsolicited_open;
	return !find_burst(c, pdu->ttt) && sn_lt(sn(pdu->ttt), sn(c->overdue_ttt));
}

static struct meaning judge(struct conn *conn, const struct pdu_data_out *pdu)
{
	/* RFC 7143 11.17.1, note 2: tags, offsets, numbers and a LUN that do not fit */
	struct meaning m = { .command = command_find(conn->session, pdu->itt), .reason = REJECT_INVALID_PDU_FIELD };
	struct command *c = m.command;

	/* RFC 7143 4.2.5.1: it comes on the command's connection. */
	if (!c || c->conn != conn || (c->task.state != SPT_TASK_COLLECT && c->task.state != SPT_TASK_ENTERED) ||
		is_overdue(c, pdu)) {
		m.command = NULL;
		return m;
	}
	if (pdu->ttt == TAG_NONE)
		judge_unsolicited(pdu, &m);
	else
		judge_solicited(pdu, &m);
	/* RFC 7143 4.2.5.3, 11.7.4: with a Target Transfer Tag its LUN is the command's; else it is reserved. */
	if (!m.wrong && m.burst && pdu->lun != c->task.aux.lun)
		m.wrong = "the LUN is not that of the command";
	if (!m.wrong && !m.drop)
		find_place(pdu, &m);
	return m;
}

uint8_t *data_out_place(struct conn *conn, struct rx_pdu *rx)
{
	struct pdu_data_out pdu;

	pdu_data_out_decode(rx->bhs, &pdu);
	struct meaning m = judge(conn, &pdu);
	if (!m.where || m.keep_bytes < pdu.data_bytes)
		return NULL;
	/* Until the data is there the command's buffer stays, even if it is aborted meanwhile. */
	m.command->users++;
	rx->placer = m.command;
	return m.where;
}

void data_out_dropped(struct rx_pdu *rx)
{
	struct command *c = TAKE(rx->placer);

	if (c)
		command_unuse(c);
}

static void close_burst(struct command *c, struct burst *b)
{
	sequence_deinit(&b->sequence);
	b->open = false;
	c->open_bursts--;
	while (c->open_bursts && !c->bursts[c->first_burst].open)
		c->first_burst = (c->first_burst + 1) % COMMAND_R2T_MAX;
}

/* What is missing of the unsolicited data is asked for like the rest. */
void data_out_end_unsolicited(struct command *c)
{
	sequence_deinit(&c->unsolicited);
	c->unsolicited_open = false;
	c->solicited_bytes = c->collected_bytes;
}

void data_out_end_sequence(struct command *c, uint32_t ttt)
{
	struct burst *b = ttt == TAG_NONE ? NULL : find_burst(c, ttt);

	if (b)
		close_burst(c, b);
	else if (ttt == TAG_NONE && c->unsolicited_open)
		data_out_end_unsolicited(c);
}

/* RFC 7143 11.7.1: with F the sequence is over. False: it is not all there, and nothing will bring the rest. */
static bool end_sequence(struct meaning *m)
{
	struct command *c = m->command;
	bool recovers = c->session->params.error_recovery_level > 0;

	if (!m->burst) {
		bool whole = !m->sequence->broken && !m->sequence->ahead.n;
		data_out_end_unsolicited(c);
		return whole || recovers;
	}
	if (c->held_back && !sequence_complete(m->sequence))
		command_spoil(c, ASC_INCORRECT_AMOUNT);
	/* RFC 7143 7.8: a recovery R2T, or the end of the task. */
	if (sequence_complete(m->sequence) || c->failed) {
		close_burst(c, m->burst);
		return true;
	}
	if (recovers && r2t_recover(m->burst))
		return true;
	close_burst(c, m->burst);
	return false;
}

/* The numbers of a PDU that was as it should be; what became of its data is noted. */
static bool account(struct meaning *m, const struct pdu_data_out *pdu, bool lost)
{
	struct command *c = m->command;

	if (lost || m->drop)
		sequence_lose(m->sequence, pdu);
	else
		c->collected_bytes += sequence_take(m->sequence, pdu);
	c->session->bytes_out += pdu->data_bytes;
	return !pdu->final || end_sequence(m);
}

/* RFC 7143 7.3, 7.8: without recovery all that was asked for is waited for, and then the task ends by its response. */
static bool keep(struct meaning *m, const struct rx_pdu *rx)
{
	bool lost = rx->digest_error || rx->discarded;

	if (lost && m->command->session->params.error_recovery_level > 0)
		return false;
	if (lost)
		command_spoil(m->command, rx->digest_error ? ASC_PROTOCOL_CRC : ASC_INCORRECT_AMOUNT);
	else if (m->keep_bytes && m->where != rx->data)
		memcpy(m->where, rx->data, m->keep_bytes);
	return true;
}

static void take(struct conn *conn, struct rx_pdu *rx, const struct pdu_data_out *pdu,
	struct meaning *m)
{
	struct command *c = m->command;

	data_wait_note(c);
	if (!account(m, pdu, !keep(m, rx))) {
		reject(conn, REJECT_PROTOCOL_ERROR, rx->bhs, "the sequence ends before all of it has come");
		spt_task_refuse(&c->task, SPT_KEY_ABORTED_COMMAND,
			rx->digest_error ? ASC_PROTOCOL_CRC : m->spoilt);
		return;
	}
	if (c->task.state == SPT_TASK_COLLECT)
		r2t_continue(c);
}

void data_out(struct conn *conn, struct rx_pdu *rx)
{
	struct pdu_data_out pdu;

	pdu_data_out_decode(rx->bhs, &pdu);
	struct command *placer = TAKE(rx->placer);
	struct meaning m = judge(conn, &pdu);
	if (!m.command) {
		conn->env->counters.data_discarded++;
		drain_data_out(conn, &pdu);
	} else if (m.wrong) {
		reject(conn, m.reason, rx->bhs, m.wrong);
		if (pdu.final)
			data_out_end_sequence(m.command, pdu.ttt);
		spt_task_refuse(&m.command->task, SPT_KEY_ABORTED_COMMAND, m.spoilt);
	} else {
		take(conn, rx, &pdu, &m);
	}
	if (placer)
		command_unuse(placer);
}
