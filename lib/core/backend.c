/* SPDX-License-Identifier: MIT */
/*
 * The backend contract, held in one place: every call into a backend goes through here, and what
 * comes back is checked here. It goes by the channel's way, which layers may have put themselves
 * into. A broken promise is a bug of ours, not of a peer: assert.
 */
#include <assert.h>
#include <errno.h>

#include "core/core.h"
#include "core/removal.h"

void backend_nexus_start(const struct spt_itl *itl, bool reinstated)
{
	const struct channel *c = itl->channel;

	if (c->way.ops->nexus_start)
		c->way.ops->nexus_start(c->way.channel, &itl->session->nexus, reinstated);
}

void backend_nexus_stop(const struct spt_itl *itl)
{
	const struct channel *c = itl->channel;

	assert(list_empty(&itl->tasks) || c->fenced);
	if (c->way.ops->nexus_stop)
		c->way.ops->nexus_stop(c->way.channel, &itl->session->nexus);
}

void backend_judge(struct spt_task *task)
{
	const struct channel *c = task->itl->channel;

	assert(task->state == SPT_TASK_ENTERED);
	if (!c->way.ops->judge) {
		task->out_wanted_bytes = task->expected_out_bytes;
		return;
	}
	c->way.ops->judge(c->way.channel, task);
}

void backend_submit(struct spt_task *task)
{
	const struct channel *c = task->itl->channel;

	assert(task->out_wanted_bytes == task->out_received_bytes);
	assert(task->completions == 0);
	task->state = SPT_TASK_DEVICE;
	if (removal_takes(task))
		return;
	rewrite_prepare(task);
	itl_watch_sense(task);
	c->way.ops->submit(c->way.channel, task);
}

void backend_submit_again(struct spt_task *task)
{
	const struct channel *c = task->itl->channel;

	assert(task->state == SPT_TASK_DEVICE && !task->in.data);
	c->way.ops->submit(c->way.channel, task);
}

void backend_cancel(struct spt_task *task)
{
	const struct channel *c = task->itl->channel;

	assert(task->state == SPT_TASK_DEVICE);
	if (c->way.ops->cancel)
		c->way.ops->cancel(c->way.channel, task);
}

int backend_reset(struct channel *channel, struct spt_reset *reset)
{
	if (!channel->way.ops->reset)
		return -EOPNOTSUPP;
	channel->way.ops->reset(channel->way.channel, reset);
	return 0;
}

/* The promise of fence(): nothing that was to be ended is there any more. */
static void check_fenced(const struct spt_context *context, const struct channel *channel)
{
	const struct spt_task *t;

	list_foreach (t, &context->doomed, doomed_link)
		assert(t->above || t->itl->channel != channel);
	(void)t;
	(void)channel;
}

static bool layer_holds(const struct channel *channel)
{
	return channel->place && channel->device->layers_ops->holds(channel->place);
}

bool backend_fence(struct channel *channel)
{
	struct spt_device *device = channel->device;
	const struct spt_context *context = channel->context;

	/* Where there is no fence the backend's tasks end by themselves; what a layer holds does not. */
	if (!device->ops->fence && !layer_holds(channel))
		return false;
	/* A nexus's own way to the device is nobody else's, and refuses tasks by itself. */
	if (!channel->per_nexus && !atomic_exchange_explicit(&device->fenced, true, memory_order_relaxed))
		spt_device_event(device,
			"fenced: aborted commands did not come back, not even after a reset");
	if (!channel->fenced && channel->only)
		spt_device_event(device, "LUN %u of %s is fenced: aborted commands did not come back, not "
			"even after a reset", channel->only->lun,
			channel->only->session->nexus.initiator_name);
	if (!channel->fenced)
		atomic_fetch_add_explicit(&device->fenced_ways, 1, memory_order_relaxed);
	channel->fenced = true;
	channel->way.ops->fence(channel->way.channel);
	if (device->ops->fence)
		check_fenced(context, channel);
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

void spt_task_pop(struct spt_task *task)
{
	assert(task->completions > 0);
	task->completions--;
}

int spt_task_push(struct spt_task *task, void (*fn)(struct spt_task *, void *), void *arg)
{
	if (task->completions == SPT_TASK_LAYERS)
		return -ENOSPC;
	task->completion[task->completions++] = (struct spt_completion){ .fn = fn, .arg = arg };
	return 0;
}
