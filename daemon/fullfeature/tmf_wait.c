/* SPDX-License-Identifier: MIT */
/*
 * What a function that ends several tasks waits for before it acts (RFC 7143 4.2.3.3, 4.2.3.4), with a deadline:
 *
 *   commands of the session that are older and have not come (its CmdSN is not yet next), unless
 *     the function is a reset of the target: then they count as received
 *   data that R2Ts have asked for, unless TaskReporting is FastAbort. Commands that the function is about to end
 *     ask for no more meanwhile, and are not executed
 */
#include "fullfeature/tmf.h"

#include <stdlib.h>

#include "base/list.h"
#include "fullfeature/drain.h"
#include "fullfeature/messages.h"
#include "session/conn.h"
#include "session/session.h"

static bool of_target(const struct tmf *t)
{
	return t->request.function == TMF_TARGET_WARM_RESET ||
		t->request.function == TMF_TARGET_COLD_RESET;
}

bool tmf_concerns(struct tmf *t, const struct command *c)
{
	/* RFC 7143 4.2.3.2: an older command may come later; a later one with the number of the function may not be older. */
	bool older = c->number < t->number ||
		sn_lt(sn(c->task.aux.task.generation), t->request.cmd_sn);

	return older && spt_tmf_concerns(t->session->env->host->context, &t->tmf, &c->task);
}

static void hold_back(struct spt_task *task, void *arg)
{
	struct command *c = command_of(task);

	if (!c->dead && tmf_concerns(arg, c))
		c->held_back++;
}

struct look {
	struct tmf *tmf;
	bool data_missing;
};

/* Wanted, or to be dropped. */
static bool takes_data(const struct spt_task *task)
{
	return task->state == SPT_TASK_COLLECT || task->state == SPT_TASK_HELD;
}

static void look_for_data(struct spt_task *task, void *arg)
{
	const struct command *c = command_of(task);
	struct look *look = arg;

	look->data_missing |= !c->dead && c->open_bursts && takes_data(task) && tmf_concerns(look->tmf, c);
}

static void each_command(const struct tmf *t, void (*fn)(struct spt_task *, void *), void *arg)
{
	spt_session_each_task(t->session->env->host->context, t->session->cookie, fn, arg);
}

static bool complete(struct tmf *t)
{
	const struct session *s = t->session;
	struct look look = { .tmf = t };

	if (!of_target(t) && sn_lt(s->exp_cmd_sn, t->request.cmd_sn))
		return false;
	if (s->params.task_reporting == REPORTING_FAST_ABORT)
		return true;
	each_command(t, look_for_data, &look);
	return !look.data_missing;
}

static void go(struct tmf *t)
{
	t->waiting = false;
	spt_host_timer_clear(t->session->env->host, &t->timer);
	tmf_run(t);
}

static struct tmf *next_complete(const struct session *s)
{
	struct tmf *t;

	list_foreach (t, &s->tmfs, link) {
		if (t->waiting && complete(t))
			return t;
	}
	return NULL;
}

static void poll(struct spt_post *post)
{
	struct session *s = post->arg;
	struct tmf *t;

	while ((t = next_complete(s)))
		go(t);
}

void tmf_poll(struct session *s)
{
	if (list_empty(&s->tmfs) || s->ending)
		return;
	if (!s->tmf_poll.fn)
		s->tmf_poll = (struct spt_post){ .fn = poll, .arg = s };
	spt_host_defer(s->env->host, &s->tmf_poll);
}

/* RFC 7143 leaves open for how long; who does not send what he was asked for has lost it. */
static void waited_enough(struct spt_timer *timer)
{
	go(timer->arg);
}

void tmf_gather(struct tmf *t)
{
	struct session *s = t->session;

	list_append(&s->tmfs, &t->link);
	each_command(t, hold_back, t);
	if (complete(t)) {
		tmf_run(t);
		return;
	}
	t->waiting = true;
	t->timer = (struct spt_timer){ .fn = waited_enough, .arg = t };
	spt_host_timer_set(s->env->host, &t->timer, s->policy.abort_data_wait_us);
}

struct idle {
	struct tmf *tmf;
	struct spt_link list; /* struct command.spare, which nobody else uses while the command lives */
};

static void go_on(struct spt_task *task, void *arg)
{
	struct command *c = command_of(task);
	struct idle *idle = arg;

	if (c->dead || !c->held_back || !tmf_concerns(idle->tmf, c) || --c->held_back ||
		!takes_data(task))
		return;
	c->users++;
	list_append(&idle->list, &c->spare);
}

void tmf_let_go(struct tmf *t)
{
	struct idle idle = { .tmf = t };
	struct command *c;

	list_del(&t->link);
	list_init(&idle.list);
	each_command(t, go_on, &idle);
	while ((c = list_first(&idle.list, struct command, spare))) {
		list_del(&c->spare);
		if (!c->dead && c->task.state == SPT_TASK_HELD)
			drain_poll(c);
		else if (!c->dead)
			r2t_continue(c);
		command_unuse(c);
	}
}

void tmf_command_new(struct command *c)
{
	struct tmf *t;

	list_foreach (t, &c->session->tmfs, link)
		c->held_back += tmf_concerns(t, c);
}

void tmf_drop(struct session *s)
{
	struct tmf *t, *next;

	spt_host_undefer(s->env->host, &s->tmf_poll);
	list_foreach_safe (t, next, &s->tmfs, link) {
		if (!t->waiting)
			continue; /* the library's */
		spt_host_timer_clear(s->env->host, &t->timer);
		list_del(&t->link);
		list_del(&t->in_session);
		free(t);
		session_pending_done(s);
	}
}
