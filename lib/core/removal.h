/* SPDX-License-Identifier: MIT */
/*
 * PREVENT ALLOW MEDIUM REMOVAL of a device that several nexuses share (SPC-5 6.15, SBC-4 5.13): each
 * of them prevents for itself, and the device, which knows one initiator, is locked while any does. It is
 * unlocked when the last one allows, or is lost, or has it taken by PREEMPT AND ABORT; a reset of the
 * logical unit ends the prevention of all.
 *
 * Not of a mirrored nexus. The persistent kind (bit 1, MMC) is one state of the drive for all hosts,
 * as the standard has it, and goes to it as it comes.
 */
#ifndef CORE_REMOVAL_H
#define CORE_REMOVAL_H

#include "core/core.h"

/* Would @task take a medium out that somebody keeps in? True: it is answered. */
bool removal_refuses(struct spt_task *task);
/* On its way to the device. True: it is answered, the device need not hear of it. */
bool removal_takes(struct spt_task *task);

/* With the device's lock held: @itl does not prevent any more. True: it was the last, the device is to be unlocked. */
bool removal_end_locked(struct spt_itl *itl);
/*
 * Unlocks the device by @channel. True: it has begun, and @done (may be NULL) follows; false: it cannot.
 */
bool removal_unlock(struct channel *channel, void (*done)(void *arg), void *arg);
/* The nexus of @itl is lost: both of the above. */
bool removal_nexus_loss(struct spt_itl *itl, void (*done)(void *arg), void *arg);
/* The logical unit was reset: nobody prevents. By a channel of @context. */
bool removal_reset(struct spt_device *device, struct spt_context *context, void (*done)(void *arg),
	void *arg);

#endif
