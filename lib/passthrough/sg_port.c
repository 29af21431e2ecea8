/* SPDX-License-Identifier: MIT */
/*
 * One sg descriptor. Requests go in by write(), results come out by read() when the descriptor is
 * readable; the driver copies payload and sense to the task's memory within that read(), in this
 * thread. So not reading any more is a fence: the driver never looks at our memory then, nor when the
 * descriptor is closed (which would not hold with SG_FLAG_DIRECT_IO, hence indirect transfers). What
 * those may bring of earlier commands is seen to in sg_reserve.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/util.h"
#include "passthrough/opcode_list.h"
#include "passthrough/sg_channel.h"
#include "passthrough/sg_header.h"
#include "passthrough/sg_left.h"

#define HANGUP_POLL_US 20000u
/* A request that the kernel has not given back by then is left behind in its closed descriptor. */
#define HANGUP_LIMIT_US 10000000u

#define TYPE_TAPE          0x01
#define TAPE_RESERVE_BYTES (2 << 20)

static void drop(struct sg_channel *c)
{
	for (size_t i = 0; i < SG_PORTS_MAX; i++) {
		struct sg_new_port *new = &c->ports.new_ports[i];
		sg_reserve_unmap(&new->reserve);
		if (new->fd >= 0)
			close(new->fd);
		new->fd = -1;
	}
}

static int open_new(struct sg_new_port *new, const struct sg_attachment *a, uint32_t reserve_bytes)
{
	new->fd = sg_node_open(a, NULL);
	return new->fd < 0 ? new->fd : sg_reserve_map(&new->reserve, new->fd, reserve_bytes);
}

static int open_fds(struct sg_channel *c, const struct sg_attachment *a)
{
	size_t wanted = MIN((a->depth + SG_PORT_SLOTS - 1) / SG_PORT_SLOTS, c->ports.n);

	for (size_t i = 0; i < wanted; i++) {
		/* One large tape block at a time is moved by memory that is kept for it, and does
		 * not fail when the kernel has no 32 KiB in one piece. */
		bool large = i == 0 && a->device_type == TYPE_TAPE;
		int r = open_new(&c->ports.new_ports[i], a, large ? TAPE_RESERVE_BYTES : 0);
		if (r < 0) {
			drop(c);
			return r;
		}
	}
	return 0;
}

static void use_new(struct sg_port *port, struct sg_new_port *new)
{
	port->watch.fd = new->fd;
	port->hung = false;
	if (spt_host_watch(port->channel->host, &port->watch, SPT_READABLE) < 0) {
		port->watch.fd = -1;
		return;
	}
	port->reserve = new->reserve;
	*new = (struct sg_new_port){ .fd = -1 };
	port->channel->open++;
}

static void use(struct sg_channel *c)
{
	for (size_t i = 0; i < c->ports.n; i++) {
		if (c->ports.new_ports[i].fd >= 0)
			use_new(&c->ports.port[i], &c->ports.new_ports[i]);
	}
	drop(c); /* those that could not be used */
}

static struct sg_port *free_port(const struct sg_channel *c)
{
	for (size_t i = 0; i < c->ports.n; i++) {
		struct sg_port *p = &c->ports.port[i];
		if (p->watch.fd >= 0 && p->in_flight < SG_PORT_SLOTS)
			return p;
	}
	return NULL;
}

static bool has_room(struct sg_channel *c)
{
	return free_port(c) != NULL;
}

static void send(struct sg_channel *c, struct spt_task *task)
{
	struct sg_port *port = free_port(c);
	struct sg_attachment *a = c->attachment;
	uint8_t cdb[sizeof(task->cdb)]; /* the driver takes a copy in write() */
	unsigned slot = 0;
	sg_io_hdr_t h;
	ssize_t n;

	while (port->tasks[slot])
		slot++;
	sg_header_fill(&h, task, task->timeout_ms ? task->timeout_ms : a->timeout_ms[task->cdb[0]],
		(int)slot);
	memcpy(cdb, task->cdb, h.cmd_len);
	opcode_list_widen(&a->limits, cdb, task->in.bytes);
	h.cmdp = cdb;
	bool reserved = sg_reserve_prepare(&port->reserve, &h);
	do
		n = write(port->watch.fd, &h, sizeof(h));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		int err = errno; /* nothing was sent */
		sg_gate_leave(a->gate);
		sg_result_refused(c->device, a, task, err);
		return;
	}
	if (reserved)
		sg_reserve_take(&port->reserve, &h);
	port->tasks[slot] = task;
	port->in_flight++;
	c->in_flight++;
}

/* Its place behind the gate is still taken. */
static struct spt_task *take_slot(struct sg_port *port, int slot)
{
	if (slot < 0 || slot >= (int)SG_PORT_SLOTS || !port->tasks[slot])
		return NULL;
	struct spt_task *task = TAKE(port->tasks[slot]);
	sg_reserve_leave(&port->reserve, slot);
	port->in_flight--;
	port->channel->in_flight--;
	return task;
}

static void complete(struct sg_port *port, const sg_io_hdr_t *h)
{
	struct sg_channel *c = port->channel;
	struct spt_task *task = take_slot(port, h->pack_id);

	if (!task)
		return;
	sg_gate_leave(c->attachment->gate);
	const struct sg_result r = {
		.status = h->status,
		.host_status = h->host_status,
		.driver_status = h->driver_status,
		.sense_bytes = h->sb_len_wr,
		.in_left = h->resid,
		.out_left = h->resid,
	};
	sg_result(c->device, c->attachment, task, &r);
}

static void close_port(struct sg_port *port);

/* Takes what is done; completes the tasks. */
static void read_port(struct sg_port *port)
{
	while (port->in_flight && port->watch.fd >= 0) {
		sg_io_hdr_t h = { .interface_id = 'S', .pack_id = -1 };
		ssize_t n = read(port->watch.fd, &h, sizeof(h));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && h.pack_id < 0) {
			close_port(port); /* EPERM and the like: no result will come out of it */
			return;
		}
		if (n < 0)
			h.host_status = 0x07; /* the header came, its payload did not: ERROR */
		complete(port, &h);
	}
}

/* The descriptor is not ours any more: it is not read, so nothing can touch the tasks any more. */
static int take_fd(struct sg_port *port)
{
	int fd = port->watch.fd;

	if (!port->hung)
		spt_host_unwatch(port->channel->host, &port->watch);
	port->watch.fd = -1;
	sg_reserve_unmap(&port->reserve);
	port->channel->open--;
	return fd;
}

static void end_tasks(struct sg_port *port)
{
	for (unsigned i = 0; i < SG_PORT_SLOTS; i++) {
		struct spt_task *task = take_slot(port, (int)i);
		if (task)
			sg_result_lost(task);
	}
}

/* No result will come out of it. */
static void close_port(struct sg_port *port)
{
	if (port->watch.fd < 0)
		return;
	close(take_fd(port));
	for (unsigned n = port->in_flight; n > 0; n--)
		sg_gate_leave(port->channel->attachment->gate);
	end_tasks(port);
}

/* The device has them still, and shall be used again. */
static void leave_port(struct sg_port *port)
{
	if (port->watch.fd < 0)
		return;
	if (!port->in_flight || port->hung) {
		close_port(port);
		return;
	}
	sg_left_add(port->channel->attachment->gate, take_fd(port), port->in_flight);
	end_tasks(port);
}

static void give_up(struct sg_channel *c)
{
	for (size_t i = 0; i < c->ports.n; i++)
		leave_port(&c->ports.port[i]);
}

static void look_after_hung(struct spt_timer *timer)
{
	struct sg_channel *c = timer->arg;
	bool late = spt_host_now_us(c->host) >= c->ports.hangup_deadline_us;
	unsigned left = 0;

	sg_channel_enter(c);
	for (size_t i = 0; i < c->ports.n; i++) {
		struct sg_port *p = &c->ports.port[i];
		if (!p->hung || p->watch.fd < 0)
			continue;
		read_port(p);
		if (late || !p->in_flight)
			close_port(p);
		else
			left++;
	}
	if (left)
		spt_host_timer_set(c->host, &c->ports.hangup, HANGUP_POLL_US);
	sg_channel_leave(c);
}

static void hang(struct sg_port *port)
{
	struct sg_channel *c = port->channel;

	spt_host_unwatch(c->host, &port->watch);
	port->hung = true;
	c->ports.hangup_deadline_us = spt_host_now_us(c->host) + HANGUP_LIMIT_US;
	spt_host_timer_set(c->host, &c->ports.hangup, 0);
	sg_channel_lost(c);
}

static void port_ready(struct spt_watch *watch, unsigned ready)
{
	struct sg_port *port = watch->arg;
	struct sg_channel *c = port->channel;
	unsigned before = port->in_flight;

	sg_channel_enter(c);
	/* What ends now is looked at by ourselves below: no need to be woken for it. */
	sg_gate_forget(c->attachment->gate, &c->waiter);
	read_port(port);
	/* Readable and nothing to read: it may have been hung up. */
	if (port->in_flight == before && port->watch.fd >= 0 && !port->hung &&
		sg_hung_up(port->watch.fd))
		hang(port);
	if (c->open)
		sg_channel_pump(c, false);
	sg_channel_leave(c);
}

int sg_ports_init(struct sg_channel *c, unsigned depth)
{
	struct sg_ports *p = &c->ports;

	p->n = (depth + SG_PORT_SLOTS - 1) / SG_PORT_SLOTS;
	p->port = calloc(p->n, sizeof(*p->port));
	if (!p->port)
		return -ENOMEM;
	p->hangup = (struct spt_timer){ .fn = look_after_hung, .arg = c };
	for (size_t i = 0; i < SG_PORTS_MAX; i++)
		p->new_ports[i].fd = -1;
	for (size_t i = 0; i < p->n; i++) {
		p->port[i].channel = c;
		p->port[i].watch = (struct spt_watch){
			.fd = -1,
			.fn = port_ready,
			.arg = &p->port[i],
		};
	}
	return 0;
}

void sg_ports_deinit(struct sg_channel *c)
{
	if (c->ports.port)
		spt_host_timer_clear(c->host, &c->ports.hangup);
	free(c->ports.port);
}

const struct sg_way SG_WAY = {
	.open = open_fds,
	.use = use,
	.drop = drop,
	.has_room = has_room,
	.send = send,
	.give_up = give_up,
};
