/* SPDX-License-Identifier: MIT */
/*
 * SCSI Data-Out (RFC 7143 11.7). Every number in it is compared with what was asked for before a
 * byte of it is believed: the tag, the offset, the length, DataSN, the F bit. Data that nobody waits
 * for any more (its task was aborted, or refused before the data came) is dropped.
 */
#include "wire/data_out.h"

#include <string.h>

#include "fullfeature/command.h"
#include "fullfeature/messages.h"

#define ASC_UNEXPECTED_UNSOLICITED 0x0c0c
#define ASC_INCORRECT_AMOUNT       0x0c0d
#define ASC_PROTOCOL_CRC           0x4705 /* PROTOCOL SERVICE CRC ERROR */

/* What a Data-Out means to its command. */
struct meaning {
	struct command *command; /* NULL: nobody waits for it */
	struct burst *burst;     /* NULL: unsolicited */
	uint8_t *where;          /* NULL: nothing to be kept of it */
	uint32_t keep_bytes;     /* how much of it: what goes beyond what is wanted is dropped */
	const char *wrong;       /* or why it is refused */
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

static void judge_unsolicited(const struct pdu_data_out *pdu, struct meaning *m)
{
	const struct command *c = m->command;

	m->spoilt = ASC_UNEXPECTED_UNSOLICITED;
	if (!c->unsolicited_open)
		m->wrong = "unsolicited data that was not announced";
	else if (pdu->data_sn != c->unsolicited_sn)
		m->wrong = "DataSN out of order";
	else if (pdu->offset_bytes != c->collected_bytes)
		m->wrong = "buffer offset not where the last PDU ended";
	else if (pdu->data_bytes > c->unsolicited_limit_bytes - c->collected_bytes)
		m->wrong = "more unsolicited data than FirstBurstLength or the expected length";
}

static void judge_solicited(const struct pdu_data_out *pdu, struct meaning *m)
{
	struct command *c = m->command;
	struct burst *b = &c->bursts[c->first_burst];

	m->spoilt = ASC_INCORRECT_AMOUNT;
	/* DataSequenceInOrder: the oldest R2T is answered first. */
	if (!b->open || !b->told || b->ttt != pdu->ttt) {
		m->wrong = "Target Transfer Tag that was not given";
		return;
	}
	m->burst = b;
	if (pdu->data_sn != b->data_sn)
		m->wrong = "DataSN out of order";
	else if (pdu->offset_bytes != b->offset_bytes + b->done_bytes)
		m->wrong = "buffer offset not where the last PDU ended";
	else if (pdu->data_bytes > b->bytes - b->done_bytes)
		m->wrong = "more data than the R2T asked for";
	/* RFC 7143 11.5.1: while a function waits to end the task, the initiator SHOULD end sequences early. */
	else if (pdu->final != (pdu->data_bytes == b->bytes - b->done_bytes) &&
		!(pdu->final && c->held_back))
		m->wrong = "F bit where the R2T's data does not end";
}

static struct meaning judge(struct conn *conn, const struct pdu_data_out *pdu)
{
	struct meaning m = { .command = command_find(conn->session, pdu->itt) };
	const struct command *c = m.command;

	if (!c || (c->task.state != SPT_TASK_COLLECT && c->task.state != SPT_TASK_ENTERED)) {
		m.command = NULL;
		return m;
	}
	if (pdu->ttt == TAG_NONE)
		judge_unsolicited(pdu, &m);
	else
		judge_solicited(pdu, &m);
	if (!m.wrong)
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

/* The numbers of a PDU that was as it should be. */
static void account(struct meaning *m, const struct pdu_data_out *pdu)
{
	struct command *c = m->command;
	struct burst *b = m->burst;

	c->collected_bytes += pdu->data_bytes;
	c->session->bytes_out += pdu->data_bytes;
	if (!b) {
		c->unsolicited_sn++;
		if (pdu->final) {
			c->unsolicited_open = false;
			c->solicited_bytes = c->collected_bytes;
		}
		return;
	}
	b->data_sn++;
	b->done_bytes += pdu->data_bytes;
	if (b->done_bytes < b->bytes && pdu->final)
		command_spoil(c, ASC_INCORRECT_AMOUNT);
	if (b->done_bytes == b->bytes || pdu->final) {
		b->open = false;
		c->open_bursts--;
		c->first_burst = (c->first_burst + 1) % COMMAND_R2T_MAX;
	}
}

void data_out(struct conn *conn, struct rx_pdu *rx)
{
	struct pdu_data_out pdu;

	pdu_data_out_decode(rx->bhs, &pdu);
	struct command *placer = TAKE(rx->placer);
	struct meaning m = judge(conn, &pdu);
	if (!m.command) {
		conn->env->counters.data_discarded++;
	} else if (m.wrong) {
		/* ErrorRecoveryLevel 0: what is lost is not asked for again. */
		reject(conn, REJECT_PROTOCOL_ERROR, rx->bhs, m.wrong);
		spt_task_refuse(&m.command->task, SPT_KEY_ABORTED_COMMAND, m.spoilt);
	} else {
		if (rx->digest_error)
			command_spoil(m.command, ASC_PROTOCOL_CRC);
		else if (rx->discarded)
			command_spoil(m.command, ASC_INCORRECT_AMOUNT);
		else if (m.keep_bytes && m.where != rx->data)
			memcpy(m.where, rx->data, m.keep_bytes);
		account(&m, &pdu);
		if (m.command->task.state == SPT_TASK_COLLECT)
			r2t_continue(m.command);
	}
	if (placer)
		command_unuse(placer);
}
