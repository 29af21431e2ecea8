/* SPDX-License-Identifier: MIT */
/*
 * Operations of whoever runs a device (see <spt/operate.h>). A run visits the loops that have nexuses
 * at the device, one after the other, and ends on the loop it came from.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core/removal.h"
#include "core/tmf.h"

struct spt_operation_run {
	struct spt_operation *operation;
	struct spt_context *home; /* held, as are those of @loops */
	struct loops loops;
	size_t at;
	/* On the loop of loops.contexts[at]. True: that loop is done. */
	bool (*visit)(struct spt_operation_run *run, struct spt_context *context);
	/* On the loop of @home, when all are done. */
	void (*finish)(struct spt_operation_run *run);
	struct spt_post post;
	struct spt_tmf tmf; /* of a reset */
	unsigned ways; /* that were found */
};

static struct spt_device *device_of(const struct spt_operation_run *run)
{
	return run->operation->device;
}

/* The first fault is the one that is told. */
static void fail(struct spt_operation_run *run, int err, const char *text)
{
	struct spt_operation *o = run->operation;

	if (o->result < 0)
		return;
	o->result = spt_error_set(&o->error, err, "%s: %s", device_of(run)->name, text);
}

static void finish(struct spt_operation_run *run)
{
	struct spt_operation *o = run->operation;
	struct spt_context *home = run->home;

	run->finish(run);
	for (size_t i = 0; i < run->loops.n; i++) {
		if (run->loops.contexts[i] == home)
			context_release(home);
		else
			context_release_elsewhere(run->loops.contexts[i]);
	}
	free(run);
	o->run = NULL;
	o->done(o);
	context_release(home);
}

static struct spt_context *next_stop(const struct spt_operation_run *run)
{
	return run->at < run->loops.n ? run->loops.contexts[run->at] : run->home;
}

/* Goes on from the loop of @here. */
static void go(struct spt_operation_run *run, const struct spt_context *here)
{
	while (next_stop(run) == here) {
		if (run->at == run->loops.n) {
			finish(run);
			return;
		}
		if (!run->visit(run, run->loops.contexts[run->at]))
			return;
		run->at++;
	}
	spt_host_post(next_stop(run)->host, &run->post);
}

static void arrive(struct spt_post *post)
{
	struct spt_operation_run *run = post->arg;

	go(run, next_stop(run));
}

static void start(struct spt_context *context, struct spt_operation *o,
	bool (*visit)(struct spt_operation_run *, struct spt_context *),
	void (*end)(struct spt_operation_run *))
{
	struct spt_operation_run *run = calloc(1, sizeof(*run));

	o->result = 0;
	o->error.text[0] = 0;
	o->run = run;
	if (!run) {
		o->result = spt_error_set(&o->error, -ENOMEM, "out of memory");
		o->done(o);
		return;
	}
	run->operation = o;
	run->visit = visit;
	run->finish = end;
	run->post = (struct spt_post){ .fn = arrive, .arg = run };
	run->home = context;
	context_hold(context);
	loops_add_device(&run->loops, o->device);
	go(run, context);
}

static void reopen(struct spt_operation_run *run, struct channel *c)
{
	int r = channel_reopen(c);

	if (r == 0)
		run->ways++;
	else if (r == -EBUSY)
		fail(run, r, "a command is still at the device; try again when it is back");
	else
		fail(run, r, strerror(-r));
}

static bool unfence_loop(struct spt_operation_run *run, struct spt_context *context)
{
	unsigned before = run->ways;
	struct channel *c;

	/* Reopening ends no task and closes no channel. */
	list_foreach (c, &context->channels, link) {
		if (c->device == device_of(run) && c->fenced && c->itls)
			reopen(run, c);
	}
	/* The medium is unlocked by a loop that has a way again: the one that was asked may have none. */
	if (run->ways > before)
		removal_reset(device_of(run), context, NULL, NULL);
	return true;
}

static void unfence_end(struct spt_operation_run *run)
{
	struct spt_device *d = device_of(run);

	if (run->operation->result == 0 && spt_device_fenced_ways(d))
		fail(run, -EAGAIN, "it was fenced again meanwhile");
	if (run->operation->result < 0)
		return;
	/* SAM-5 6.3.3: what a reset releases is released; and all are told, before they may go on. */
	removal_reset(d, run->home, NULL, NULL);
	reservation_reset(d);
	device_attention(d, NULL, NULL, 0x2900); /* POWER ON, RESET, OR BUS DEVICE RESET OCCURRED */
	atomic_store_explicit(&d->fenced, false, memory_order_relaxed);
	spt_device_event(d, "brought back by the operator: it takes commands again");
}

static void not_fenced(struct spt_operation_run *run)
{
	fail(run, -EALREADY, "it is not fenced");
}

static bool pass_by(struct spt_operation_run *run, struct spt_context *context)
{
	(void)run;
	(void)context;
	return true;
}

void spt_device_unfence(struct spt_context *context, struct spt_operation *o)
{
	bool fenced = spt_device_fenced(o->device) || spt_device_fenced_ways(o->device);

	start(context, o, fenced ? unfence_loop : pass_by, fenced ? unfence_end : not_fenced);
}

/* The function's answer, on the loop of the channel. */
static void reset_answered(struct spt_tmf *tmf)
{
	struct spt_operation_run *run = tmf->arg;

	if (tmf->response != SPT_TMF_COMPLETE)
		fail(run, -ETIMEDOUT, "the reset was not answered in time");
	/* The other loops have been seen to by the function's own parts. */
	run->at = run->loops.n;
	spt_host_post(run->home->host, &run->post);
}

static bool reset_loop(struct spt_operation_run *run, struct spt_context *context)
{
	struct channel *c = channel_find(context, device_of(run));

	if (!c)
		return true;
	run->ways++;
	if (!c->way.ops->reset) {
		fail(run, -EOPNOTSUPP, "it cannot be reset");
		run->at = run->loops.n - 1;
		return true;
	}
	run->tmf.done = reset_answered;
	run->tmf.arg = run;
	spt_device_event(device_of(run), "reset by the operator");
	tmf_reset_device(&run->tmf, context, device_of(run));
	return false;
}

static void reset_end(struct spt_operation_run *run)
{
	if (!run->ways)
		fail(run, -ENOTCONN, "no session has a way to it that could be used for a reset");
}

void spt_device_reset(struct spt_context *context, struct spt_operation *o)
{
	start(context, o, reset_loop, reset_end);
}

unsigned spt_device_fenced_ways(const struct spt_device *device)
{
	return atomic_load_explicit(&device->fenced_ways, memory_order_relaxed);
}
