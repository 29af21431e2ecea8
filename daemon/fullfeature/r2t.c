/* SPDX-License-Identifier: MIT */
/*
 * Ready To Transfer (RFC 7143 11.8): asks for what a write still needs, in bursts of at most
 * MaxBurstLength, up to MaxOutstandingR2T of them at a time; hands the data to the library when it
 * is all there.
 */
#include "wire/r2t.h"

#include <assert.h>

#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/messages.h"

/* Recovery R2Ts that a command may need before its data is given up. */
#define RECOVERIES_MAX 32u

static void fill(struct tx_item *item, struct conn *conn, struct tx_frame *frame)
{
	struct burst *b = container_of(item, struct burst, tx);
	struct pdu_r2t pdu = {
		.lun = b->command->task.aux.lun,
		.itt = b->command->task.aux.task.tag,
		.ttt = b->ttt,
		.sns = conn_sns(conn),
		.r2t_sn = b->r2t_sn,
		.offset_bytes = b->sequence.offset_bytes,
		.desired_bytes = b->sequence.bytes,
	};

	b->stat_sn = pdu.sns.stat_sn;
	pdu_r2t_encode(&pdu, frame->head);
}

static void sent(struct tx_item *item, struct conn *conn)
{
	struct burst *b = container_of(item, struct burst, tx);

	(void)conn;
	b->told = true;
	command_unuse(b->command);
}

/* NULL: those that are not open are about to be told again all the same. */
static struct burst *free_burst(struct command *c)
{
	for (unsigned i = 0; i < COMMAND_R2T_MAX; i++) {
		struct burst *b =
			&c->bursts[(c->first_burst + c->open_bursts + i) % COMMAND_R2T_MAX];
		if (!b->open && !b->queued)
			return b;
	}
	return NULL;
}

static void tell(struct burst *b, uint32_t offset_bytes, uint32_t bytes)
{
	struct command *c = b->command;

	b->tx = (struct tx_item){ .fill = fill, .sent = sent };
	b->told = false;
	b->ttt = conn_take_ttt(c->conn);
	b->r2t_sn = c->data_sn++; /* RFC 7143 4.2.2.4, 11.8.2: from 0, with the Data-In PDUs */
	sequence_init(&b->sequence, offset_bytes, bytes);
	c->users++;
	tx_put(c->conn, &b->tx);
}

/* The oldest one that is open may not be where the last oldest was. */
static void open_burst(struct command *c, struct burst *b)
{
	b->command = c;
	b->open = true;
	while (!c->bursts[c->first_burst].open)
		c->first_burst = (c->first_burst + 1) % COMMAND_R2T_MAX;
}

static bool ask(struct command *c)
{
	struct burst *b = free_burst(c);
	uint32_t bytes = MIN(c->task.out_wanted_bytes - c->solicited_bytes,
		c->conn->params.max_burst_bytes);

	if (!b)
		return false;
	open_burst(c, b);
	c->open_bursts++;
	tell(b, c->solicited_bytes, bytes);
	c->solicited_bytes += bytes;
	return true;
}

static void fill_again(struct tx_item *item, struct conn *conn, struct tx_frame *frame)
{
	struct burst *b = container_of(item, struct burst, tx);
	sn_t stat_sn = b->stat_sn;

	/* RFC 7143 11.16: an exact replica, but for ExpCmdSN and MaxCmdSN. */
	fill(item, conn, frame);
	be32_put(frame->head + 24, stat_sn.v);
	b->stat_sn = stat_sn;
}

static void sent_again(struct tx_item *item, struct conn *conn)
{
	struct burst *b = container_of(item, struct burst, tx);

	(void)conn;
	b->queued = false;
	/* Its place may be what was missing. */
	if (!b->open && !b->command->dead && b->command->task.state == SPT_TASK_COLLECT)
		r2t_continue(b->command);
	command_unuse(b->command);
}

void resend_r2t(struct burst *b)
{
	if (!b->told || b->queued)
		return; /* it is on its way */
	b->tx = (struct tx_item){ .fill = fill_again, .sent = sent_again };
	b->queued = true;
	b->command->users++;
	tx_put(b->command->conn, &b->tx);
}

/* @b is in the transmit queue: another one takes its place. */
static struct burst *replace(struct burst *b)
{
	struct command *c = b->command;
	struct burst *other = free_burst(c);

	if (!other)
		return NULL;
	b->open = false;
	open_burst(c, other);
	return other;
}

bool r2t_reassign(struct burst *b)
{
	struct sequence s = b->sequence;

	if (b->queued && !(b = replace(b)))
		return false;
	sequence_deinit(&s);
	tell(b, s.offset_bytes + s.done_bytes, s.bytes - s.done_bytes);
	return true;
}

bool r2t_recover(struct burst *b)
{
	struct command *c = b->command;

	if (++c->recoveries > RECOVERIES_MAX || !r2t_reassign(b))
		return false;
	c->session->env->counters.recovery_r2ts++;
	return true;
}

void r2t_continue(struct command *c)
{
	struct conn *conn = c->conn;

	if (c->unsolicited_open || !conn || conn->closing)
		return;
	if (c->held_back) {
		tmf_poll(c->session);
		return;
	}
	if (c->failed) {
		/* RFC 7143 7.8: not before all the data that was asked for has come. */
		if (c->open_bursts == 0)
			spt_task_refuse(&c->task, SPT_KEY_ABORTED_COMMAND, c->failed);
		return;
	}
	if (c->collected_bytes >= c->task.out_wanted_bytes) {
		c->task.aux.sequence_offset_bytes = 0;
		c->task.aux.is_final = true;
		int r = spt_task_data(&c->task, c->task.out_wanted_bytes);
		assert(r == 0);
		(void)r;
		return;
	}
	/* RFC 7143 13.17 */
	unsigned limit = MIN((unsigned)conn->params.max_outstanding_r2t, COMMAND_R2T_MAX);
	while (c->open_bursts < limit && c->solicited_bytes < c->task.out_wanted_bytes && ask(c))
		;
}
