/* SPDX-License-Identifier: MIT */
/*
 * One sg descriptor. Requests go in by write(), results come out by read() when the descriptor is
 * readable; the driver copies payload and sense to the task's memory within that read(), in this
 * thread. So closing the descriptor is a fence: the driver then ends its requests without looking
 * at our memory (which would not hold with SG_FLAG_DIRECT_IO, hence indirect transfers).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/util.h"
#include "passthrough/sg_device.h"
#include "passthrough/sg_header.h"

int sg_node_open(const struct sg_device *device, struct spt_error *error)
{
	const struct sg_identity *id = &device->identity;
	struct sg_scsi_id now;
	AUTO_FD int fd = open(device->node, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		int e = errno;
		return spt_error_set(error, -e, "%s: %s", device->node,
			e == EBUSY ? "another program has it for itself (O_EXCL)" : strerror(e));
	}
	/* The name may have passed to another device since it was found. */
	if (ioctl(fd, SG_GET_SCSI_ID, &now) < 0 || now.host_no != (int)id->host ||
		now.channel != (int)id->channel || now.scsi_id != (int)id->id ||
		(uint32_t)now.lun != (uint32_t)id->lun)
		return spt_error_set(error, -ENODEV, "%s is no longer the device at %u:%u:%u",
			device->node, id->host, id->channel, id->id);
	int ret = fd;
	fd = -1;
	return ret;
}

void sg_device_gone(struct sg_device *d)
{
	if (!atomic_exchange_explicit(&d->gone, true, memory_order_relaxed))
		spt_device_event(d->handle,
			"%s was taken away; commands get LOGICAL UNIT NOT SUPPORTED until it is "
			"configured anew",
			d->node);
}

static void finish(struct spt_task *task, const struct sg_verdict *verdict)
{
	if (verdict->own_sense) {
		spt_task_check(task, verdict->key, verdict->asc);
		return;
	}
	task->status = verdict->status;
	spt_task_complete(task);
}

/* What a failed write() leaves: nothing was sent. */
static void fail(struct sg_port *port, struct spt_task *task, int err)
{
	struct sg_device *d = port->channel->device;
	struct sg_verdict v = sg_verdict_of_errno(err);

	if (err == ENODEV || err == ENXIO)
		sg_device_gone(d);
	sg_count_moved(task, 0, false);
	sg_gate_leave(d->gate);
	finish(task, &v);
}

bool sg_port_send(struct sg_port *port, struct spt_task *task)
{
	const struct sg_device *d = port->channel->device;
	unsigned slot = 0;
	sg_io_hdr_t h;
	ssize_t n;

	while (port->tasks[slot])
		slot++;
	sg_header_fill(&h, task, task->timeout_ms ? task->timeout_ms : d->timeout_ms[task->cdb[0]],
		(int)slot);
	do
		n = write(port->watch.fd, &h, sizeof(h));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		fail(port, task, errno);
		return false;
	}
	port->tasks[slot] = task;
	port->in_flight++;
	port->channel->in_flight++;
	return true;
}

static struct spt_task *take_slot(struct sg_port *port, int slot)
{
	if (slot < 0 || slot >= (int)SG_PORT_SLOTS || !port->tasks[slot])
		return NULL;
	struct spt_task *task = TAKE(port->tasks[slot]);
	port->in_flight--;
	port->channel->in_flight--;
	sg_gate_leave(port->channel->device->gate);
	return task;
}

/* Unit attentions were for the one initiator that the device knows: tell the others. */
static void spread_attention(const struct sg_device *d, const struct spt_task *task)
{
	struct spt_sense sense;

	if (spt_sense_decode(task->sense, task->sense_bytes, &sense) < 0)
		return;
	spt_device_set_descriptor_sense(d->handle, (task->sense[0] & 0x7f) >= 0x72);
	if (sense.key == SPT_KEY_UNIT_ATTENTION && !sense.deferred)
		spt_device_attention(d->handle, task, sense.asc);
}

/* SAM-5 5.4.2: what a WRITE had moved, had the initiator sent it. */
static void add_overflow(const struct sg_device *d, struct spt_task *task)
{
	uint32_t block = atomic_load_explicit(&d->learned.block_bytes, memory_order_relaxed);
	unsigned type = atomic_load_explicit(&d->learned.device_type, memory_order_relaxed);
	uint64_t asked = sg_write_transfer(task->cdb, type, block);

	if (task->out_would_bytes == task->expected_out_bytes)
		task->out_would_bytes = MAX(task->out_would_bytes, asked);
}

static void complete(struct sg_port *port, const sg_io_hdr_t *h)
{
	struct sg_device *d = port->channel->device;
	struct spt_task *task = take_slot(port, h->pack_id);

	if (!task)
		return;
	struct sg_verdict v =
		sg_verdict_of(h->status, h->host_status, h->driver_status, h->sb_len_wr);
	sg_count_moved(task, h->resid, v.moved);
	task->in.bytes = MIN(task->in.bytes, task->expected_in_bytes);
	if (!v.own_sense)
		task->sense_bytes = h->sb_len_wr;
	if (task->sense_bytes)
		spread_attention(d, task);
	if (v.status == SPT_GOOD) {
		add_overflow(d, task);
		if (task->in.bytes)
			learn(&d->learned, task->cdb, task->in.data, task->in.bytes);
	}
	finish(task, &v);
}

void sg_port_read(struct sg_port *port)
{
	while (port->in_flight && port->watch.fd >= 0) {
		sg_io_hdr_t h = { .interface_id = 'S', .pack_id = -1 };
		ssize_t n = read(port->watch.fd, &h, sizeof(h));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && h.pack_id < 0) {
			sg_port_close(port); /* EPERM and the like: no result will come out of it */
			return;
		}
		if (n < 0)
			h.host_status = 0x07; /* the header came, its payload did not: ERROR */
		complete(port, &h);
	}
}

void sg_port_close(struct sg_port *port)
{
	static const struct sg_verdict lost = {
		.status = SPT_CHECK_CONDITION,
		.key = SPT_KEY_NOT_READY,
		.asc = 0x0400, /* LOGICAL UNIT NOT READY, CAUSE NOT REPORTABLE */
		.own_sense = true,
	};

	if (port->watch.fd < 0)
		return;
	if (!port->hung)
		spt_host_unwatch(port->channel->host, &port->watch);
	close(port->watch.fd);
	port->watch.fd = -1;
	for (unsigned i = 0; i < SG_PORT_SLOTS; i++) {
		struct spt_task *task = take_slot(port, (int)i);
		if (!task)
			continue;
		sg_count_moved(task, 0, false);
		finish(task, &lost);
	}
}

void sg_port_ready(struct spt_watch *watch, unsigned ready)
{
	struct sg_port *port = watch->arg;
	struct sg_channel *c = port->channel;

	sg_channel_enter(c);
	/* What ends now is looked at by ourselves below: no need to be woken for it. */
	sg_gate_forget(c->device->gate, &c->waiter);
	sg_port_read(port);
	/* Only readability was asked for: the rest means that the device has been taken away. */
	if ((ready & SPT_WRITABLE) && port->watch.fd >= 0 && !port->hung) {
		sg_device_gone(c->device);
		spt_host_unwatch(c->host, &port->watch);
		port->hung = true;
		sg_channel_hung(c);
	}
	sg_channel_pump(c, false);
	sg_channel_leave(c);
}
