/* SPDX-License-Identifier: MIT */
/*
 * Resets of a device, for a function that is one or as a step of an escalation. The backend answers
 * when it can, perhaps never; whoever waits for the answer does so for a bounded time.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "core/removal.h"
#include "core/tmf.h"

#define WAIT_MIN_US 1000000u

struct reset_run {
	struct spt_reset reset;
	struct spt_context *context;
	struct spt_device *device; /* a reference */
	struct spt_tmf_run *run;   /* NULL: nobody waits, or not any longer */
	struct spt_timer timer;
	bool escalation;
};

void reset_condition(struct spt_device *device)
{
	reservation_reset(device);
	atomic_store_explicit(&device->tas, false, memory_order_relaxed);
	device_attention(device, NULL, NULL, 0x2903); /* BUS DEVICE RESET FUNCTION OCCURRED */
}

/* What the far side of a mirrored nexus did not do was not done; nor what never got there. 0: it did. */
static uint8_t refusal_of(const struct spt_tmf_run *run, int result)
{
	switch (result) {
	case 0:
		return run->refusal;
	case -ENXIO:
		return SPT_TMF_NO_LUN;
	case -EOPNOTSUPP:
		return SPT_TMF_NOT_SUPPORTED;
	case -ENOTCONN:
		/* no session: nothing of this nexus is there that could be aborted */
		return run->tmf->function == SPT_TMF_ABORT_TASK_SET ? 0 : SPT_TMF_REJECTED;
	default:
		return SPT_TMF_REJECTED;
	}
}

static void reset_done(struct spt_reset *reset, int result)
{
	struct reset_run *r = container_of(reset, struct reset_run, reset);
	struct spt_tmf_run *run = r->run;

	spt_host_timer_clear(r->context->host, &r->timer);
	/* SAM-5 6.3.3: a logical unit reset condition, whoever it came from. The function's own effects
	 * come with its answer. */
	if (r->escalation && result == 0) {
		removal_reset(r->device, r->context, NULL, NULL);
		reset_condition(r->device);
	}
	bool mirrored = r->device->flags & SPT_BACKEND_PER_NEXUS;
	spt_device_let_go(r->context, r->device);
	free(r);
	if (!run)
		return;
	if (mirrored || result == -ENOTCONN)
		run->refusal = refusal_of(run, result);
	/* Otherwise its result does not count: what does is whether the tasks have ended. */
	run_release(run);
}

static void waited_enough(struct spt_timer *timer)
{
	struct reset_run *r = timer->arg;
	struct spt_tmf_run *run = TAKE(r->run);

	run->late = true;
	run_release(run);
}

void reset_channel(struct channel *channel, struct spt_tmf_run *run)
{
	function_channel(channel, run, SPT_TMF_LOGICAL_UNIT_RESET);
}

void function_channel(struct channel *channel, struct spt_tmf_run *run, uint8_t function)
{
	const struct spt_escalation *e = &channel->device->escalation;
	struct reset_run *r = calloc(1, sizeof(*r));

	if (!r) {
		if (run)
			run->late = true;
		return;
	}
	r->context = channel->context;
	r->device = spt_device_ref(channel->device);
	r->run = run;
	r->escalation = !run;
	r->timer = (struct spt_timer){ .fn = waited_enough, .arg = r };
	r->reset.done = reset_done;
	r->reset.function = function;
	if (run) {
		run->pending++;
		spt_host_timer_set(r->context->host, &r->timer,
			MAX(e->wait_us + e->reset_wait_us, (uint64_t)WAIT_MIN_US));
	}
	if (backend_reset(channel, &r->reset) < 0)
		reset_done(&r->reset, -EOPNOTSUPP);
}
