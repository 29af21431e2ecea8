/* SPDX-License-Identifier: MIT */
/*
 * The backend contract, held in one place: every call into a backend goes through here, and what
 * comes back is checked here. A broken promise is a bug of ours, not of a peer: assert.
 */
#include <assert.h>
#include <errno.h>

#include "core/core.h"

void backend_judge(struct spt_task *task)
{
	const struct channel *c = task->itl->channel;

	assert(task->state == SPT_TASK_ENTERED);
	if (!c->device->ops->judge) {
		task->out_wanted_bytes = task->expected_out_bytes;
		return;
	}
	c->device->ops->judge(c->state, task);
}

void backend_submit(struct spt_task *task)
{
	const struct channel *c = task->itl->channel;

	assert(task->out_wanted_bytes == task->out_received_bytes);
	assert(task->completions == 0);
	task->state = SPT_TASK_DEVICE;
	c->device->ops->submit(c->state, task);
}

void backend_cancel(struct spt_task *task)
{
	const struct channel *c = task->itl->channel;

	assert(task->state == SPT_TASK_DEVICE);
	if (c->device->ops->cancel)
		c->device->ops->cancel(c->state, task);
}

int backend_reset(struct channel *channel, struct spt_reset *reset)
{
	if (!channel->device->ops->reset)
		return -EOPNOTSUPP;
	channel->device->ops->reset(channel->state, reset);
	return 0;
}

bool backend_fence(struct channel *channel)
{
	struct spt_device *device = channel->device;

	if (!device->ops->fence)
		return false;
	atomic_store_explicit(&device->fenced, true, memory_order_relaxed);
	device->ops->fence(channel->state);
	return true;
}

/* What a completed task must look like. */
static void check_result(const struct spt_task *task)
{
	assert(task->state == SPT_TASK_DEVICE || task->state == SPT_TASK_ENTERED ||
		task->state == SPT_TASK_COLLECT);
	assert(task->in.bytes <= task->expected_in_bytes);
	assert(task->in.bytes == 0 || task->in.data);
	assert(task->sense_bytes <= SPT_SENSE_MAX);
	(void)task;
}

void spt_task_complete(struct spt_task *task)
{
	if (task->completions > 0) {
		struct spt_completion *top = &task->completion[--task->completions];
		top->fn(task, top->arg);
		return;
	}
	check_result(task);
	task_finish(task);
}

int spt_task_push(struct spt_task *task, void (*fn)(struct spt_task *, void *), void *arg)
{
	if (task->completions == SPT_TASK_LAYERS)
		return -ENOSPC;
	task->completion[task->completions++] = (struct spt_completion){ .fn = fn, .arg = arg };
	return 0;
}
