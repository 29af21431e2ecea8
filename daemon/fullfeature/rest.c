/* SPDX-License-Identifier: MIT */
/* Is anything of a session under way? For one that is to leave its loop (session/transfer.h). */
#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/data_wait.h"
#include "fullfeature/messages.h"
#include "session/session.h"

static void look(struct spt_task *task, void *arg)
{
	bool *wants = arg;

	/* Its data; or the commands before it. */
	*wants |= task->state == SPT_TASK_COLLECT || task->state == SPT_TASK_HELD ||
		task->state == SPT_TASK_ENTERED;
}

/* A function may wait for data or commands, and a fence for acknowledgements. */
bool rest_wants_more(const struct session *s)
{
	bool wants = !list_empty(&s->held) || !list_empty(&s->tmfs) || s->fence.state != FENCE_DOWN;

	spt_session_each_task(s->env->host->context, s->cookie, look, &wants);
	return wants;
}

bool rest_reached(const struct session *s)
{
	return list_empty(&s->held) && list_empty(&s->tmfs) && list_empty(&s->functions) &&
		list_empty(&s->departed) && s->fence.state == FENCE_DOWN && list_empty(&s->fence.held) &&
		!s->logouts && !spt_session_tasks(s->env->host->context, s->cookie);
}

/* Timers and calls that found nothing to do yet, or will not. */
void rest_leave(struct session *s)
{
	spt_host_undefer(s->env->host, &s->tmf_poll);
	spt_host_undefer(s->env->host, &s->logout_poll);
	fence_drop(s);
	data_wait_drop(s);
	s->data_watched = false;
	spt_host_timer_clear(s->env->host, &s->farewell);
}
