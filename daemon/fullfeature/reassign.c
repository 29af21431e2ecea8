/* SPDX-License-Identifier: MIT */
/* Commands find another connection: see reassign.h. */
#include "fullfeature/reassign.h"

#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/data_wait.h"
#include "fullfeature/departed.h"
#include "fullfeature/drain.h"
#include "fullfeature/tmf.h"
#include "wire/tmf_response.h"

/* RFC 7143 11.5.6: the data before this number needs not to be sent again; other values are ignored. */
static bool acknowledges(const struct command *c, uint32_t exp_data_sn)
{
	return exp_data_sn && exp_data_sn >= c->acked_sn && exp_data_sn <= c->data_sn;
}

/* RFC 7143 11.5.1: what has a tag and no allegiance that could change: functions, negotiations, logouts. */
static bool is_no_command(const struct session *s, const struct pdu_tmf_request *r)
{
	const uint32_t itt = r->referenced_itt;
	const struct departed *d;
	const struct conn *conn;

	list_foreach (conn, &s->conns, session_link) {
		if ((conn->text.ttt != TAG_NONE && conn->text.itt == itt) ||
			(conn->logout.waits && conn->logout.itt == itt))
			return true;
	}
	list_foreach (d, &s->departed, link) {
		if (d->logout_waits && d->logout_itt == itt)
			return true;
	}
	return itt == r->itt || tmf_is_function(s, itt);
}

uint8_t reassign_judge(const struct conn *conn, const struct pdu_tmf_request *r,
	struct command **ret)
{
	struct session *s = conn->session;

	if (s->params.error_recovery_level < 2)
		return TMF_NO_REASSIGN;
	if (!r->immediate) /* RFC 7143 11.5.1 */
		return TMF_REJECTED;
	if (is_no_command(s, r))
		return TMF_REJECTED;
	struct command *c = command_find(s, r->referenced_itt);
	if (!c)
		c = departed_find_done(s, r->referenced_itt);
	if (!c || (!c->ended && c->task.aborting))
		return TMF_NO_TASK;
	/* RFC 7143 7.2.2: the connection that it had must have been logged out. */
	if (c->conn || !c->departed || !c->departed->logged_out)
		return TMF_STILL_ALLEGIANT;
	/* Its data was given up for want of room: it cannot be brought to its end. */
	bool all_there = acknowledges(c, r->exp_data_sn) && r->exp_data_sn == c->data_sn;
	if (c->data_lost && !all_there)
		return TMF_NO_TASK;
	*ret = c;
	return TMF_COMPLETE;
}

/* What is missing is asked for; what unsolicited data was to come will not. */
static void resume_collecting(struct command *c)
{
	if (c->unsolicited_open)
		data_out_end_unsolicited(c);
	for (unsigned i = 0; c->open_bursts && i < COMMAND_R2T_MAX; i++) {
		if (c->bursts[i].open)
			r2t_reassign(&c->bursts[i]);
	}
	data_wait_note(c);
	r2t_continue(c);
}

void reassign_run(struct conn *conn, struct command *c, uint32_t exp_data_sn)
{
	bool done = c->ended || c->task.state == SPT_TASK_DONE;

	conn->env->counters.reassigned++;
	departed_let_go(c);
	c->conn = conn;
	c->snack_tag = 0; /* RFC 7143 7.2.2: that of the old connection is deleted */
	if (!done) {
		if (c->task.state == SPT_TASK_COLLECT)
			resume_collecting(c);
		else if (c->task.state == SPT_TASK_HELD)
			drain_over(c); /* what was on the way was on the way to the old connection */
		return;
	}
	/* The status gets a number of the new connection. */
	c->answered = false;
	if (acknowledges(c, exp_data_sn))
		command_data_acked(c, exp_data_sn);
	command_rewind(c);
	command_send(c, conn);
}
