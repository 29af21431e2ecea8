/* SPDX-License-Identifier: MIT */
/* Data that does not come: see data_wait.h. */
#include "fullfeature/data_wait.h"

#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/drain.h"
#include "fullfeature/messages.h"

#define ASC_INITIATOR_RESPONSE_TIMEOUT 0x4b06

/* How often it is asked for again without anything coming. */
#define TRIES_MAX 3u

static void look(struct spt_timer *timer);

static void arm(struct session *s)
{
	s->data_timer.fn = look;
	s->data_timer.arg = s;
	s->data_watched = true;
	spt_host_timer_set(s->env->host, &s->data_timer, s->policy.data_out_wait_us / 4 + 1);
}

void data_wait_note(struct command *c)
{
	struct session *s = c->session;

	c->heard_us = spt_host_now_us(s->env->host);
	c->silences = 0;
	if (!s->data_watched && s->policy.data_out_wait_us)
		arm(s);
}

/* What a function holds back, or waits for a connection, has deadlines of its own. */
static bool waits(const struct command *c)
{
	/* RFC 7143 4.2.2.1: one before it is missing, and what came with it takes memory. */
	bool behind_gap = c->task.state == SPT_TASK_ENTERED;

	if (c->dead || !c->conn || c->conn->closing || c->held_back)
		return false;
	return behind_gap || ((c->task.state == SPT_TASK_COLLECT || c->task.state == SPT_TASK_HELD) &&
		(c->unsolicited_open || c->open_bursts));
}

/* While we do not read, or a long PDU is coming, the connection tells. */
static uint64_t heard_us(const struct command *c, uint64_t now_us)
{
	const struct conn *conn = c->conn;

	if (conn->rx.paused || conn->tx.n_items)
		return now_us;
	return conn->rx.in_body ? MAX(c->heard_us, conn->last_rx_us) : c->heard_us;
}

struct silent {
	struct spt_link list; /* struct command.spare, which nobody else uses while the command lives */
	uint64_t now_us;
	bool any;
};

static void judge(struct spt_task *task, void *arg)
{
	struct command *c = command_of(task);
	struct silent *silent = arg;

	if (!waits(c))
		return;
	silent->any = true;
	if (silent->now_us - heard_us(c, silent->now_us) < c->session->policy.data_out_wait_us)
		return;
	c->users++;
	list_append(&silent->list, &c->spare);
}

/* False: that is not possible, or not any more. */
static bool ask_again(struct command *c)
{
	/* Which command is missing, only the initiator knows; of what is dropped nothing is needed. */
	if (c->task.state != SPT_TASK_COLLECT)
		return false;
	if (!c->session->params.error_recovery_level || ++c->silences > TRIES_MAX)
		return false;
	c->heard_us = spt_host_now_us(c->session->env->host);
	c->overdue = true;
	c->overdue_ttt = c->conn->next_ttt;
	if (c->unsolicited_open)
		data_out_end_unsolicited(c);
	for (unsigned i = 0; c->open_bursts && i < COMMAND_R2T_MAX; i++) {
		struct burst *b = &c->bursts[i];
		if (b->open && b->told && !r2t_recover(b))
			return false;
	}
	r2t_continue(c);
	return true;
}

static void give_up(struct command *c)
{
	c->users--; /* ours: what it collects is not in use */
	c->session->env->counters.data_timeouts++;
	if (c->task.state == SPT_TASK_HELD) {
		drain_over(c);
		return;
	}
	command_forget_sequences(c);
	spt_task_refuse(&c->task, SPT_KEY_ABORTED_COMMAND, ASC_INITIATOR_RESPONSE_TIMEOUT);
}

static void look(struct spt_timer *timer)
{
	struct session *s = timer->arg;
	struct silent silent = { .now_us = spt_host_now_us(s->env->host) };
	struct command *c;

	list_init(&silent.list);
	s->data_watched = false;
	spt_session_each_task(s->env->host->context, s->cookie, judge, &silent);
	while ((c = list_first(&silent.list, struct command, spare))) {
		list_del(&c->spare);
		if (waits(c) && !ask_again(c))
			give_up(c);
		else
			command_unuse(c);
	}
	if (silent.any && !s->ending && !s->data_watched)
		arm(s);
}

void data_wait_drop(struct session *s)
{
	spt_host_timer_clear(s->env->host, &s->data_timer);
}
