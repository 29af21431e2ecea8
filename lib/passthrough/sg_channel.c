/* SPDX-License-Identifier: MIT */
/* A loop's way to a device: see sg_channel.h. */
#include "passthrough/sg_channel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/util.h"
#include "passthrough/opcode_list.h"
#include "passthrough/sg_header.h"
#include "passthrough/sg_left.h"

#define COLLECT_POLL_US 100000u

void sg_channel_enter(struct sg_channel *c)
{
	c->busy++;
}

/* Nothing leads to the device any longer: the kernel can forget it, and it is looked for. */
static void look_for_device(struct sg_channel *c)
{
	if (c->attachment && sg_attachment_gone(c->attachment) && !c->in_flight &&
		!atomic_load(&c->waiter.posted))
		sg_attachment_unref(TAKE(c->attachment));
	sg_return_start(&c->way_back);
}

void sg_channel_leave(struct sg_channel *c)
{
	if (--c->busy > 0)
		return;
	if (!c->closing) {
		if (!c->open && !c->fenced)
			look_for_device(c);
		return;
	}
	if (c->resets || c->in_flight || c->way_back.working || atomic_load(&c->waiter.posted))
		return;
	void (*closed)(void *) = c->closed;
	void *arg = c->closed_arg;
	sg_ports_deinit(c);
	sg_return_stop(&c->way_back);
	sg_attachment_unref(c->attachment);
	free(c);
	closed(arg);
}

/*
 * The room that the device gets for data-in: what the initiator has, and more where a READ asks for
 * more, or a list is to be looked through. Host adapters take an overrun of their buffer for an error and lose what did fit.
 */
static uint32_t in_room(const struct sg_channel *c, const struct spt_task *task)
{
	uint32_t block = atomic_load_explicit(&c->device->learned.block_bytes, memory_order_relaxed);
	unsigned type = atomic_load_explicit(&c->device->learned.device_type, memory_order_relaxed);
	uint64_t asked = task->expected_out_bytes ? 0 : sg_read_transfer(task->cdb, type, block);

	if (!asked && task->expected_in_bytes)
		asked = opcode_list_room(&c->attachment->limits, task->cdb);

	if (asked > task->expected_in_bytes && asked <= c->attachment->limits.max_transfer_bytes)
		return (uint32_t)asked;
	return task->expected_in_bytes;
}

/* The gate was passed. */
static void start(struct sg_channel *c, struct spt_task *task)
{
	uint32_t room = in_room(c, task);

	if (!c->way->has_room(c) || (room && !spt_task_take_in(task, room))) {
		sg_gate_leave(c->attachment->gate);
		spt_task_full(task);
		return;
	}
	c->way->send(c, task);
}

/* The kernel does not say when something of a descriptor that is not read is back: it is asked. */
static void collect(struct sg_channel *c)
{
	if (c->waiting.first && sg_left_collect(c->attachment->gate))
		spt_host_timer_set(c->host, &c->collect, COLLECT_POLL_US);
}

static void collect_again(struct spt_timer *timer)
{
	struct sg_channel *c = timer->arg;

	sg_channel_enter(c);
	collect(c);
	sg_channel_leave(c);
}

void sg_channel_pump(struct sg_channel *c, bool woken)
{
	struct sg_gate *gate = c->attachment->gate;

	while (c->waiting.first) {
		if (!sg_gate_enter(gate, c->in_flight, woken)) {
			if (!sg_gate_wait(gate, &c->waiter))
				break;
			woken = true;
			continue;
		}
		woken = false;
		start(c, fifo_take(&c->waiting));
	}
	sg_gate_kick(gate);
	if (atomic_load(&gate->n_left))
		collect(c);
}

static void wake(struct spt_post *post)
{
	struct sg_channel *c = post->arg;

	sg_channel_enter(c);
	sg_gate_woken(c->attachment->gate, &c->waiter);
	if (c->open)
		sg_channel_pump(c, true);
	else
		sg_gate_kick(c->attachment->gate); /* it is somebody else's turn */
	sg_channel_leave(c);
}

static bool ready(const struct sg_channel *c)
{
	return c->open && !sg_attachment_gone(c->attachment);
}

/* A device that is away or fenced is told of at once. True: the task was completed. */
static bool refuse(const struct sg_channel *c, struct spt_task *task)
{
	if (c->fenced)
		spt_task_check(task, SPT_KEY_NOT_READY, 0x0400); /* CAUSE NOT REPORTABLE */
	else if (!ready(c))
		sg_absent_answer(c->device, task, sg_device_present(c->device));
	else
		return false;
	return true;
}

void sg_channel_judge(void *channel, struct spt_task *task)
{
	const struct sg_channel *c = channel;

	if (!c->fenced && !ready(c) && sg_absent_submits(task))
		return;
	if (refuse(c, task) || !pass_judge(&c->attachment->limits, task))
		return;
	task->out_wanted_bytes = task->expected_out_bytes;
}

void sg_channel_submit(void *channel, struct spt_task *task)
{
	struct sg_channel *c = channel;

	if (refuse(c, task))
		return;
	sg_channel_enter(c);
	if (!c->waiting.first && sg_gate_enter(c->attachment->gate, c->in_flight, false)) {
		start(c, task);
	} else if (c->waiting.count >= c->device->settings.queue_limit) {
		spt_task_full(task);
	} else {
		fifo_append(&c->waiting, task);
		sg_channel_pump(c, false);
	}
	sg_channel_leave(c);
}

void sg_channel_cancel(void *channel, struct spt_task *task)
{
	struct sg_channel *c = channel;

	/* One that is at the device stays there: there is no abort. A reset is the next step. */
	if (!fifo_remove(&c->waiting, task) && !(c->way->recall && c->way->recall(c, task)))
		return;
	sg_channel_enter(c);
	/* A loop that stands still from here on must not be the one who is woken (sync/loop.h). */
	if (!c->waiting.first && c->attachment)
		sg_gate_forget(c->attachment->gate, &c->waiter);
	task->outcome = SPT_ABORTED;
	spt_task_complete(task);
	sg_channel_leave(c);
}

static void forget_gate(struct sg_channel *c)
{
	spt_host_timer_clear(c->host, &c->collect);
	if (c->attachment)
		sg_gate_forget(c->attachment->gate, &c->waiter);
}

static void fail_waiting(struct sg_channel *c)
{
	struct spt_task *task;

	while ((task = fifo_take(&c->waiting))) {
		bool refused = refuse(c, task);
		assert(refused);
		(void)refused;
	}
}

void sg_channel_fence(void *channel)
{
	struct sg_channel *c = channel;

	sg_channel_enter(c);
	c->fenced = true;
	c->way->give_up(c);
	forget_gate(c);
	fail_waiting(c);
	sg_channel_leave(c);
}

void sg_channel_lost(struct sg_channel *c)
{
	sg_device_gone(c->device, c->attachment);
	forget_gate(c);
	fail_waiting(c);
}

static struct sg_channel *channel_of(struct sg_return *r)
{
	return container_of(r, struct sg_channel, way_back);
}

static int way_open(struct sg_return *r, struct sg_attachment *a)
{
	struct sg_channel *c = channel_of(r);

	int e = c->way->open(c, a);
	/* The others are told, or they would find out one by one. */
	if (e == -ENODEV || e == -ENXIO || e == -ENOENT)
		sg_device_gone(r->device, a);
	return e;
}

/* It is wanted no longer, or something of the old attachment is still on its way: then in a
 * second. */
static bool usable(const struct sg_channel *c)
{
	return !c->closing && !c->fenced && !c->open && !c->in_flight &&
		!atomic_load(&c->waiter.posted);
}

static void way_back(struct sg_return *r, struct sg_attachment *a)
{
	struct sg_channel *c = channel_of(r);

	sg_channel_enter(c);
	if (a && usable(c)) {
		assert(!c->waiting.count);
		sg_attachment_unref(c->attachment);
		c->attachment = a;
		c->way->use(c);
	} else if (a) {
		c->way->drop(c);
		sg_attachment_unref(a);
	}
	sg_channel_leave(c);
}

static const struct sg_return_ops WAY_BACK = { .open = way_open, .back = way_back };

static void tell_left(const struct sg_device *d, const struct sg_attachment *a)
{
	unsigned left = sg_left_collect(a->gate);

	if (left)
		spt_device_event(d->handle,
			"%u of its %u places are taken by commands that were given up and are not back",
			left, a->gate->limit);
}

/* At once, so that the first command finds it open; otherwise it looks for the device. */
static void open_now(struct sg_channel *c)
{
	struct sg_attachment *a = sg_device_attachment(c->device);

	if (a)
		tell_left(c->device, a);
	if (a && way_open(&c->way_back, a) < 0) {
		sg_attachment_unref(a);
		a = NULL;
	}
	way_back(&c->way_back, a);
}

int sg_channel_open(void *device, const struct spt_channel_params *params, void **ret_channel)
{
	struct sg_device *d = device;
	struct sg_channel *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->device = d;
	c->host = params->host;
	c->way = d->bsg ? &BSG_WAY : &SG_WAY;
	if (!d->bsg && sg_ports_init(c, sg_wanted_depth(d)) < 0) {
		free(c);
		return -ENOMEM;
	}
	sg_waiter_init(&c->waiter, c->host, wake, c);
	c->collect = (struct spt_timer){ .fn = collect_again, .arg = c };
	sg_return_init(&c->way_back, &WAY_BACK, d, c->host);
	open_now(c);
	*ret_channel = c;
	return 0;
}

void sg_channel_close(void *channel, void (*closed)(void *arg), void *arg)
{
	struct sg_channel *c = channel;

	assert(!c->waiting.count);
	sg_channel_enter(c);
	forget_gate(c);
	c->way->give_up(c);
	c->closing = true;
	c->closed = closed;
	c->closed_arg = arg;
	sg_channel_leave(c);
}
