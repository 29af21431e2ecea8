/* SPDX-License-Identifier: MIT */
/*
 * An sg device and its channels. The device is what the configuration names, opened once; a channel
 * is one loop's set of descriptors to it, *ports* of 16 requests each, with the commands that wait
 * above them. Nothing here outlives a channel but the control descriptor, on which no command is
 * ever sent: resets go there.
 */
#ifndef PASSTHROUGH_SG_DEVICE_H
#define PASSTHROUGH_SG_DEVICE_H

#include <stdatomic.h>

#include <spt/backend.h>

#include "passthrough/fifo.h"
#include "passthrough/judge.h"
#include "passthrough/learn.h"
#include "passthrough/sg_gate.h"
#include "passthrough/sg_sysfs.h"

#define SG_PORT_SLOTS 16u /* the driver's SG_MAX_QUEUE */

struct sg_device {
	struct spt_device *handle;
	struct sg_identity identity;
	struct pass_limits limits;
	struct learned learned;
	struct sg_gate *gate;
	unsigned depth;           /* commands at the device */
	unsigned queue_limit;     /* commands of a channel waiting above that */
	uint32_t timeout_ms[256]; /* by operation code */
	char node[64];            /* "/dev/sg3" */
	int control;
	atomic_bool gone;         /* taken away; it does not come back under this name */
};

struct sg_port {
	struct sg_channel *channel;
	struct spt_watch watch; /* fd -1: closed */
	struct spt_task *tasks[SG_PORT_SLOTS];
	unsigned in_flight;
	bool hung; /* hung up by the kernel: no longer watched, polled until it is empty */
};

struct sg_channel {
	struct sg_device *device;
	struct spt_host *host;
	struct fifo waiting;
	struct sg_waiter waiter;
	unsigned in_flight;
	unsigned resets;
	bool fenced;
	unsigned busy; /* entered; to be freed when it is left */
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
	struct spt_timer hangup; /* looks after ports that are hung */
	uint64_t hangup_deadline_us;
	size_t n_ports;
	struct sg_port ports[];
};

/* sg_port.c */
/* A new descriptor of the same device. -ENODEV: it is no longer there. */
int sg_node_open(const struct sg_device *device, struct spt_error *error);
/* The kernel says that the device is no longer there; told once. */
void sg_device_gone(struct sg_device *device);
/* True when @task is at the device; false: it was completed. A slot is free, the gate was
 * passed. */
bool sg_port_send(struct sg_port *port, struct spt_task *task);
/* Takes what is done; completes the tasks. */
void sg_port_read(struct sg_port *port);
/* Closes the descriptor, then completes what was there: nothing can touch these tasks any more. */
void sg_port_close(struct sg_port *port);
void sg_port_ready(struct spt_watch *watch, unsigned ready);

/* sg_channel.c: for sg_port.c */
void sg_channel_enter(struct sg_channel *channel);
void sg_channel_leave(struct sg_channel *channel);
/* A task has left the device: the next may go. */
void sg_channel_pump(struct sg_channel *channel, bool woken);
void sg_channel_hung(struct sg_channel *channel);

/* sg_channel.c: backend operations */
int sg_channel_open(void *device, const struct spt_channel_params *params, void **ret_channel);
void sg_channel_close(void *channel, void (*closed)(void *arg), void *arg);
void sg_channel_judge(void *channel, struct spt_task *task);
void sg_channel_submit(void *channel, struct spt_task *task);
void sg_channel_cancel(void *channel, struct spt_task *task);
void sg_channel_fence(void *channel);

/* sg_reset.c */
void sg_channel_reset(void *channel, struct spt_reset *reset);

#endif
