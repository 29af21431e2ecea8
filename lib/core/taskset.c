/* SPDX-License-Identifier: MIT */
/*
 * Task sets: which task may be executed now (SAM-5 8.6). There is one for each I_T_L nexus, as a
 * Control mode page with TST 001b says, so it lives on one loop. With none but SIMPLE tasks it
 * costs two comparisons.
 */
#include <assert.h>

#include "core/core.h"

void taskset_add(struct spt_task *task)
{
	struct spt_itl *itl = task->itl;

	list_append(&itl->tasks, &task->lu_link);
	itl->ordered += task->attribute == SPT_ORDERED;
	itl->heads += task->attribute == SPT_HEAD_OF_QUEUE;
}

static bool older_exists(const struct spt_task *task, bool only_ordered)
{
	for (const struct spt_link *l = task->lu_link.prev; l != &task->itl->tasks; l = l->prev) {
		const struct spt_task *t = container_of(l, const struct spt_task, lu_link);
		if (!only_ordered || t->attribute == SPT_ORDERED)
			return true;
	}
	return false;
}

bool taskset_enabled(const struct spt_task *task)
{
	const struct spt_itl *itl = task->itl;

	if (itl->device->flags & SPT_BACKEND_OWN_ORDER)
		return true;
	/* SAM-5 8.6.4: head of queue at once; 8.6.2, 8.6.3: nothing else begins while there is one. */
	if (task->attribute == SPT_HEAD_OF_QUEUE)
		return true;
	if (itl->heads)
		return false;
	if (task->attribute == SPT_ORDERED)
		return !older_exists(task, false);
	return itl->ordered == 0 || !older_exists(task, true);
}

/* The first task that was held back and need not be any longer. */
static struct spt_task *next_enabled(struct spt_itl *itl)
{
	struct spt_task *t;

	list_foreach (t, &itl->tasks, lu_link) {
		if (t->state == SPT_TASK_BLOCKED && !t->aborting && taskset_enabled(t))
			return t;
	}
	return NULL;
}

void taskset_remove(struct spt_task *task)
{
	struct spt_itl *itl = task->itl;

	if (!itl || !list_in(&task->lu_link))
		return;
	list_del(&task->lu_link);
	itl->ordered -= task->attribute == SPT_ORDERED;
	itl->heads -= task->attribute == SPT_HEAD_OF_QUEUE;
	itl->blocked -= task->state == SPT_TASK_BLOCKED;
}

void taskset_wake(struct spt_itl *itl)
{
	struct spt_task *t;

	/* Executing one may finish it and bring us here again: the outer call goes on, looking afresh. */
	if (itl->waking)
		return;
	itl->waking = true;
	while (itl->blocked && (t = next_enabled(itl))) {
		itl->blocked--;
		task_execute(t);
	}
	itl->waking = false;
}
