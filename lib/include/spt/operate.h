/* SPDX-License-Identifier: MIT */
/*
 * What whoever runs a device may do to it while sessions use it: bring it back after it was fenced,
 * reset it. Asynchronous: an operation goes from loop to loop, and nothing else waits meanwhile.
 */
#ifndef SPT_OPERATE_H
#define SPT_OPERATE_H

#include <spt/device.h>
#include <spt/error.h>
#include <spt/host.h>
#include <spt/tmf.h>

#ifdef __cplusplus
extern "C" {
#endif

struct spt_context;

struct spt_operation {
	/* Set by the caller, who keeps the memory and a reference to @device until done() is called. */
	struct spt_device *device;
	void (*done)(struct spt_operation *operation); /* on the loop it came from, perhaps from inside */
	void *arg;

	/* Valid in done(). */
	int result; /* 0 or -errno, with @error told */
	struct spt_error error;

	/* The library's. */
	struct spt_operation_run *run;
};

/*
 * Brings a fenced device back. On every loop the way to it that was fenced is opened anew; nothing of
 * the old one can touch a task's memory any more. Then every nexus has the unit attention condition POWER ON, RESET, OR
 * BUS DEVICE RESET OCCURRED (SAM-5 5.14), as nobody knows what became of the commands that were given up. With
 * SPT_BACKEND_PER_NEXUS it is the ways of single nexuses that were fenced, and the far side tells its own conditions.
 *
 * -EALREADY: it is not fenced; -EBUSY: a command is still there; -EAGAIN: it was fenced again
 * meanwhile; -errno: it could not be opened. What could not be opened stays fenced, for another attempt.
 */
void spt_device_unfence(struct spt_context *context, struct spt_operation *operation);
/*
 * LOGICAL UNIT RESET (SAM-5 7.7) that no initiator has asked for: the tasks of all nexuses are aborted, with
 * the escalation of the device, and every nexus has a unit attention condition.
 * -ENOTCONN: no session has a way to it; -EOPNOTSUPP: the backend has no reset; -ETIMEDOUT: it did not
 * answer in the time of the escalation.
 */
void spt_device_reset(struct spt_context *context, struct spt_operation *operation);

/* How many ways to the device are fenced now: of loops, or of nexuses with SPT_BACKEND_PER_NEXUS. Any thread. */
unsigned spt_device_fenced_ways(const struct spt_device *device);

#ifdef __cplusplus
}
#endif

#endif
