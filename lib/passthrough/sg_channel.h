/* SPDX-License-Identifier: MIT */
/*
 * A loop's way to a device, for both backends: the commands that wait in front of it, the gate, its
 * coming and going. How a command is sent and how its result comes back is a *way* (struct sg_way):
 * sg_port.c by sg descriptors, bsg_job.c by threads in ioctl().
 *
 * All of a channel leads to one attachment. A channel that is not open has none or a past one, and
 * refuses commands until it is back (sg_return.h).
 */
#ifndef PASSTHROUGH_SG_CHANNEL_H
#define PASSTHROUGH_SG_CHANNEL_H

#include "passthrough/bsg_job.h"
#include "passthrough/fifo.h"
#include "passthrough/sg_device.h"
#include "passthrough/sg_port.h"
#include "passthrough/sg_return.h"

struct sg_channel;

struct sg_way {
	/* Off the loop: opens what leads to @attachment, for use() or drop(). 0 or -errno. */
	int (*open)(struct sg_channel *channel, const struct sg_attachment *attachment);
	void (*use)(struct sg_channel *channel);
	void (*drop)(struct sg_channel *channel);
	/* The gate was passed. */
	bool (*has_room)(struct sg_channel *channel);
	void (*send)(struct sg_channel *channel, struct spt_task *task);
	/* Gets back a task that has not been sent yet, where that can be; NULL: never. */
	bool (*recall)(struct sg_channel *channel, struct spt_task *task);
	/* Completes all that was sent, and closes: nothing touches these tasks any more. */
	void (*give_up)(struct sg_channel *channel);
};

struct sg_channel {
	struct sg_device *device;
	struct sg_attachment *attachment; /* a reference; NULL: none now */
	struct spt_host *host;
	const struct sg_way *way;
	struct fifo waiting;
	struct sg_waiter waiter;
	struct spt_timer collect; /* while one waits for places of commands that were given up */
	struct sg_return way_back;
	unsigned in_flight;
	unsigned open; /* descriptors that lead to the attachment */
	unsigned resets;
	bool fenced;
	unsigned busy; /* entered; to be freed when it is left */
	bool closing;
	void (*closed)(void *arg);
	void *closed_arg;
	struct sg_ports ports;
	struct bsg_watch bsg;
};

extern const struct sg_way SG_WAY, BSG_WAY;

/* For ways: around everything that completes tasks. */
void sg_channel_enter(struct sg_channel *channel);
void sg_channel_leave(struct sg_channel *channel);
/* A task has left the device: the next may go. */
void sg_channel_pump(struct sg_channel *channel, bool woken);
/* The kernel says that the device was taken away: what waits is answered. */
void sg_channel_lost(struct sg_channel *channel);

/* Backend operations. */
int sg_channel_open(void *device, const struct spt_channel_params *params, void **ret_channel);
void sg_channel_close(void *channel, void (*closed)(void *arg), void *arg);
void sg_channel_judge(void *channel, struct spt_task *task);
void sg_channel_submit(void *channel, struct spt_task *task);
void sg_channel_cancel(void *channel, struct spt_task *task);
void sg_channel_fence(void *channel);
/* sg_reset.c */
void sg_channel_reset(void *channel, struct spt_reset *reset);

#endif
