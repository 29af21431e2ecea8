/* SPDX-License-Identifier: MIT */
/* Data for a command that has its result already: see drain.h. */
#include "fullfeature/drain.h"

#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/data_wait.h"
#include "fullfeature/messages.h"

bool drain_begin(struct command *c)
{
	/* Over a connection that is gone nothing will come. */
	if (!c->conn || c->conn->closing)
		return false;
	/* RFC 7143 4.2.3.3: what another initiator ends is told at once; its data MAY be waited for. */
	if (!c->early && c->task.status == SPT_TASK_ABORTED)
		return false;
	/* A Data-Out that is just coming in is received into the task's buffer. */
	spt_task_hold(&c->task, c->users > 0);
	data_wait_note(c);
	return true;
}

void drain_poll(struct command *c)
{
	/* A function that is about to end it has waited for what R2Ts have asked for, no more. */
	if (c->held_back && !c->open_bursts)
		tmf_poll(c->session);
	else if (!c->unsolicited_open && !c->open_bursts && !c->early)
		spt_task_let_go(&c->task);
}

void drain_over(struct command *c)
{
	command_forget_sequences(c);
	drain_poll(c);
}

void drain_data_out(struct conn *conn, const struct pdu_data_out *pdu)
{
	struct command *c = command_find(conn->session, pdu->itt);

	/* RFC 7143 4.2.5.1: it comes on the command's connection. What is late for a command that waits for data is nothing to it. */
	if (!c || c->conn != conn || c->task.state == SPT_TASK_ENTERED || c->task.state == SPT_TASK_COLLECT)
		return;
	if (pdu->final)
		data_out_end_sequence(c, pdu->ttt);
	if (c->task.state != SPT_TASK_HELD)
		return; /* at its device, and nothing of this was wanted */
	data_wait_note(c);
	drain_poll(c);
}
