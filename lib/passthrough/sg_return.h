/* SPDX-License-Identifier: MIT */
/*
 * How a channel gets (back) to its device: when it was taken away and is plugged in again, when it
 * was not there at the start, when the kernel closed the descriptors to this process. One mechanism
 * for all of them; a channel that is new, after a fence too, does the last two at once:
 *
 *   sg_return_start()   from then on the device is looked for, once a second and off the loop
 *   ops->open()         off the loop: it was found; opens what the channel needs of it
 *   ops->back()         on the loop: the channel takes attachment and descriptors over
 *
 * Looking is reading sysfs, and asking the device who it is once there is something. Not by kernel
 * events (netlink): they do not reach every container, can be lost, and would not tell when a
 * device that is there answers at last or has been released by who held it. While the device is there
 * nothing of this runs.
 */
#ifndef PASSTHROUGH_SG_RETURN_H
#define PASSTHROUGH_SG_RETURN_H

#include <spt/host.h>

#include "passthrough/sg_device.h"

struct sg_return;

struct sg_return_ops {
	/* 0 or -errno; what it opened before that is closed. NULL: nothing to open. */
	int (*open)(struct sg_return *r, struct sg_attachment *attachment);
	/* @attachment with a reference that passes to the channel; NULL: not yet, or open() failed. */
	void (*back)(struct sg_return *r, struct sg_attachment *attachment);
};

struct sg_return {
	const struct sg_return_ops *ops;
	struct sg_device *device;
	struct spt_host *host;
	struct spt_timer timer;
	struct spt_work work;
	struct sg_attachment *found;
	bool armed;   /* the timer */
	bool working; /* off the loop: the channel has to stay until back() */
};

void sg_return_init(struct sg_return *r, const struct sg_return_ops *ops, struct sg_device *device,
	struct spt_host *host);
/* No-op if it is under way. On the channel's loop. */
void sg_return_start(struct sg_return *r);
/* Before the channel goes, and nothing is working. */
void sg_return_stop(struct sg_return *r);

#endif
