/* SPDX-License-Identifier: MIT */
/* A loop's way to an sg device: see sg_device.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "passthrough/sg_device.h"
#include "passthrough/sg_header.h"

#define HANGUP_POLL_US 20000u
/* A request that the kernel has not given back by then is left behind in its closed descriptor. */
#define HANGUP_LIMIT_US 10000000u

void sg_channel_enter(struct sg_channel *c)
{
	c->busy++;
}

void sg_channel_leave(struct sg_channel *c)
{
	if (--c->busy > 0 || !c->closing || c->resets || atomic_load(&c->waiter.posted))
		return;
	void (*closed)(void *) = c->closed;
	void *arg = c->closed_arg;
	spt_host_timer_clear(c->host, &c->hangup);
	free(c);
	closed(arg);
}

static struct sg_port *free_port(struct sg_channel *c)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		struct sg_port *p = &c->ports[i];
		if (p->watch.fd >= 0 && p->in_flight < SG_PORT_SLOTS)
			return p;
	}
	return NULL;
}

/*
 * The room that the device gets for data-in: what the initiator has, and more where a READ asks for
 * more. Host adapters take an overrun of their buffer for an error and lose what did fit.
 */
static uint32_t in_room(const struct sg_device *d, const struct spt_task *task)
{
	uint32_t block = atomic_load_explicit(&d->learned.block_bytes, memory_order_relaxed);
	unsigned type = atomic_load_explicit(&d->learned.device_type, memory_order_relaxed);
	uint64_t asked = task->expected_out_bytes ? 0 : sg_read_transfer(task->cdb, type, block);

	if (asked > task->expected_in_bytes && asked <= d->limits.max_transfer_bytes)
		return (uint32_t)asked;
	return task->expected_in_bytes;
}

/* The gate was passed. */
static void start(struct sg_channel *c, struct spt_task *task)
{
	struct sg_port *port = free_port(c);
	uint32_t room = in_room(c->device, task);

	if (!port || (room && !spt_task_take_in(task, room))) {
		sg_gate_leave(c->device->gate);
		spt_task_full(task);
		return;
	}
	sg_port_send(port, task);
}

void sg_channel_pump(struct sg_channel *c, bool woken)
{
	struct sg_gate *gate = c->device->gate;

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
}

static void wake(struct spt_post *post)
{
	struct sg_channel *c = post->arg;

	sg_channel_enter(c);
	sg_gate_woken(c->device->gate, &c->waiter);
	sg_channel_pump(c, true);
	sg_channel_leave(c);
}

/* A device that is away or fenced is told of at once. True: the task was completed. */
static bool refuse(const struct sg_channel *c, struct spt_task *task)
{
	if (c->fenced)
		spt_task_check(task, SPT_KEY_NOT_READY, 0x0400); /* CAUSE NOT REPORTABLE */
	else if (atomic_load_explicit(&c->device->gone, memory_order_relaxed))
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, 0x2500); /* NOT SUPPORTED */
	else
		return false;
	return true;
}

void sg_channel_judge(void *channel, struct spt_task *task)
{
	const struct sg_channel *c = channel;

	if (refuse(c, task) || !pass_judge(&c->device->limits, task))
		return;
	task->out_wanted_bytes = task->expected_out_bytes;
}

void sg_channel_submit(void *channel, struct spt_task *task)
{
	struct sg_channel *c = channel;

	if (refuse(c, task))
		return;
	sg_channel_enter(c);
	if (!c->waiting.first && sg_gate_enter(c->device->gate, c->in_flight, false)) {
		start(c, task);
	} else if (c->waiting.count >= c->device->queue_limit) {
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

	/* One that is at the device stays there: sg has no abort. A reset is the next step. */
	if (!fifo_remove(&c->waiting, task))
		return;
	task->outcome = SPT_ABORTED;
	spt_task_complete(task);
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
	for (size_t i = 0; i < c->n_ports; i++)
		sg_port_close(&c->ports[i]);
	sg_gate_forget(c->device->gate, &c->waiter);
	fail_waiting(c);
	sg_channel_leave(c);
}

static void look_after_hung(struct spt_timer *timer)
{
	struct sg_channel *c = timer->arg;
	bool late = spt_host_now_us(c->host) >= c->hangup_deadline_us;
	unsigned left = 0;

	sg_channel_enter(c);
	for (size_t i = 0; i < c->n_ports; i++) {
		struct sg_port *p = &c->ports[i];
		if (!p->hung || p->watch.fd < 0)
			continue;
		sg_port_read(p);
		if (late || !p->in_flight)
			sg_port_close(p);
		else
			left++;
	}
	if (left)
		spt_host_timer_set(c->host, &c->hangup, HANGUP_POLL_US);
	sg_channel_leave(c);
}

void sg_channel_hung(struct sg_channel *c)
{
	c->hangup_deadline_us = spt_host_now_us(c->host) + HANGUP_LIMIT_US;
	spt_host_timer_set(c->host, &c->hangup, 0);
	sg_gate_forget(c->device->gate, &c->waiter);
	fail_waiting(c);
}

static int open_ports(struct sg_channel *c)
{
	for (size_t i = 0; i < c->n_ports; i++) {
		struct sg_port *p = &c->ports[i];
		p->channel = c;
		p->watch = (struct spt_watch){ .fd = -1, .fn = sg_port_ready, .arg = p };
	}
	for (size_t i = 0; i < c->n_ports; i++) {
		struct sg_port *p = &c->ports[i];
		int fd = sg_node_open(c->device, NULL);
		if (fd < 0)
			return fd;
		p->watch.fd = fd;
		int r = spt_host_watch(c->host, &p->watch, SPT_READABLE);
		if (r < 0) {
			close(fd);
			p->watch.fd = -1;
			return r;
		}
	}
	return 0;
}

int sg_channel_open(void *device, const struct spt_channel_params *params, void **ret_channel)
{
	struct sg_device *d = device;
	size_t n_ports = (d->depth + SG_PORT_SLOTS - 1) / SG_PORT_SLOTS;
	struct sg_channel *c = calloc(1, sizeof(*c) + n_ports * sizeof(c->ports[0]));

	if (!c)
		return -ENOMEM;
	c->device = d;
	c->host = params->host;
	c->n_ports = n_ports;
	c->hangup = (struct spt_timer){ .fn = look_after_hung, .arg = c };
	sg_waiter_init(&c->waiter, c->host, wake, c);
	int r = open_ports(c);
	if (r < 0) {
		for (size_t i = 0; i < n_ports; i++)
			sg_port_close(&c->ports[i]);
		free(c);
		return r;
	}
	*ret_channel = c;
	return 0;
}

void sg_channel_close(void *channel, void (*closed)(void *arg), void *arg)
{
	struct sg_channel *c = channel;

	assert(!c->in_flight && !c->waiting.count);
	sg_channel_enter(c);
	sg_gate_forget(c->device->gate, &c->waiter);
	for (size_t i = 0; i < c->n_ports; i++)
		sg_port_close(&c->ports[i]);
	c->closing = true;
	c->closed = closed;
	c->closed_arg = arg;
	sg_channel_leave(c);
}
