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

static void fill(struct tx_item *item, struct conn *conn, struct tx_frame *frame)
{
	const struct burst *b = container_of(item, struct burst, tx);
	struct pdu_r2t pdu = {
		.lun = b->command->task.aux.lun,
		.itt = b->command->task.aux.task.tag,
		.ttt = b->ttt,
		.sns = conn_sns(conn),
		.r2t_sn = b->r2t_sn,
		.offset_bytes = b->offset_bytes,
		.desired_bytes = b->bytes,
	};

	pdu_r2t_encode(&pdu, frame->head);
}

static void sent(struct tx_item *item, struct conn *conn)
{
	struct burst *b = container_of(item, struct burst, tx);

	(void)conn;
	b->told = true;
	command_unuse(b->command);
}

static void ask(struct command *c)
{
	struct conn *conn = c->conn;
	const struct login_params *p = &conn->params;
	struct burst *b = &c->bursts[(c->first_burst + c->open_bursts) % COMMAND_R2T_MAX];

	assert(!b->open);
	*b = (struct burst){
		.tx = { .fill = fill, .sent = sent },
		.command = c,
		.open = true,
		.ttt = conn_take_ttt(conn),
		.offset_bytes = c->solicited_bytes,
		.bytes = MIN(c->task.out_wanted_bytes - c->solicited_bytes, p->max_burst_bytes),
		.r2t_sn = c->data_sn++,
	};
	c->solicited_bytes += b->bytes;
	c->open_bursts++;
	c->users++;
	tx_put(conn, &b->tx);
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
	unsigned limit = MIN((unsigned)conn->params.max_outstanding_r2t, COMMAND_R2T_MAX);
	while (c->open_bursts < limit && c->solicited_bytes < c->task.out_wanted_bytes)
		ask(c);
}
