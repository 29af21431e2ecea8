/* SPDX-License-Identifier: MIT */
/*
 * Errands: commands that the library sends to a device on its own account, on a channel of the loop.
 * An errand belongs to no nexus: no task management finds it, no reservation keeps it back, and a unit
 * attention that the device answers it with is fanned out to all nexuses. It is sent again after one.
 * It holds its channel and its context until it is over; who waits for it does so for a limited time.
 */
#ifndef CORE_ERRAND_H
#define CORE_ERRAND_H

#include "core/core.h"

struct errand {
	struct spt_link link; /* in context->errands */
	struct spt_task task;
	struct spt_session session; /* nobody's */
	struct spt_itl itl;
	struct spt_post post;
	struct spt_timer timer;
	unsigned left; /* times that it may still be sent */
	void (*done)(void *arg);
	void *arg;
};

/*
 * Sends the six bytes of @cdb, which moves no data. @done (may be NULL) is called on the loop when it is over or
 * has taken too long, not from inside; when it went wrong the device's event tells. -ENOMEM: it does not.
 */
int errand_start(struct channel *channel, const uint8_t cdb[6], void (*done)(void *arg), void *arg);

#endif
