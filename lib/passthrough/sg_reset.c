/* SPDX-License-Identifier: MIT */
/*
 * Logical unit reset: an ioctl that blocks, so it runs off the loop, on the control descriptor.
 * Without escalation, unless it is configured: the kernel would go on to reset the target, the bus
 * and the host adapter, taking other people's commands with it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#include <scsi/sg.h>

#include "passthrough/sg_channel.h"

#define RESET_NO_ESCALATE 0x100
#define ATTEMPTS          50 /* 100 ms apart: the adapter is in error recovery */

struct sg_reset {
	struct spt_work work;
	struct spt_reset *reset;
	struct sg_channel *channel;
	struct sg_attachment *attachment;
	int result;
};

static void work(struct spt_work *w)
{
	struct sg_reset *r = w->arg;
	const struct timespec pause = { .tv_nsec = 100000000 };

	bool escalate = r->channel->device->settings.reset_escalates;

	for (int i = 0; i < ATTEMPTS; i++) {
		int what = SG_SCSI_RESET_DEVICE | (escalate ? 0 : RESET_NO_ESCALATE);
		int e = ioctl(r->attachment->control.fd, SG_SCSI_RESET, &what);
		r->result = e < 0 ? -errno : 0;
		if (r->result != -EAGAIN && r->result != -EBUSY)
			return;
		nanosleep(&pause, NULL);
	}
}

static void done(struct spt_work *w)
{
	struct sg_reset *r = w->arg;
	struct sg_channel *c = r->channel;

	sg_channel_enter(c);
	c->resets--;
	sg_attachment_unref(r->attachment);
	r->reset->done(r->reset, r->result);
	free(r);
	sg_channel_leave(c);
}

void sg_channel_reset(void *channel, struct spt_reset *reset)
{
	struct sg_channel *c = channel;
	if (sg_attachment_gone(c->attachment)) {
		reset->done(reset, -ENODEV);
		return;
	}
	struct sg_reset *r = calloc(1, sizeof(*r));
	if (!r) {
		reset->done(reset, -ENOMEM);
		return;
	}
	r->work = (struct spt_work){ .work = work, .done = done, .arg = r };
	r->reset = reset;
	r->channel = c;
	r->attachment = sg_attachment_ref(c->attachment);
	c->resets++;
	spt_host_offload(c->host, &r->work);
}
