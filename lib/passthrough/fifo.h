/* SPDX-License-Identifier: MIT */
/*
 * Tasks that wait in front of a device, first in first out, linked through task->backend. A channel
 * owns one; the tasks in it are the backend's.
 */
#ifndef PASSTHROUGH_FIFO_H
#define PASSTHROUGH_FIFO_H

#include <stdbool.h>
#include <stddef.h>

#include <spt/task.h>

struct fifo {
	struct spt_task *first, *last;
	unsigned count;
};

static inline struct spt_task *fifo_next(const struct spt_task *task)
{
	return task->backend;
}

static inline void fifo_append(struct fifo *f, struct spt_task *task)
{
	task->backend = NULL;
	if (f->last)
		f->last->backend = task;
	else
		f->first = task;
	f->last = task;
	f->count++;
}

static inline struct spt_task *fifo_take(struct fifo *f)
{
	struct spt_task *task = f->first;

	if (!task)
		return NULL;
	f->first = fifo_next(task);
	if (!f->first)
		f->last = NULL;
	f->count--;
	task->backend = NULL;
	return task;
}

/* Takes @task out; false: it is not there. */
static inline bool fifo_remove(struct fifo *f, struct spt_task *task)
{
	struct spt_task *before = NULL, *t = f->first;

	while (t && t != task) {
		before = t;
		t = fifo_next(t);
	}
	if (!t)
		return false;
	if (before)
		before->backend = task->backend;
	else
		f->first = fifo_next(task);
	if (f->last == task)
		f->last = before;
	f->count--;
	task->backend = NULL;
	return true;
}

#endif
