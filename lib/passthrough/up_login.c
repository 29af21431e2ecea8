/* SPDX-License-Identifier: MIT */
/*
 * A session that has logged in is asked who is there before commands go: see up_probe.h. The first
 * one that is up tells whom the device expects from then on.
 */
#include <stdio.h>

#include "passthrough/up_device.h"

#define PRINTED_MAX 60u

static void fail(struct up_channel *c, const char *why)
{
	up_session_end(c, UP_STATE_DOWN, why);
}

/* False: another logical unit than the one that the device is. */
static bool identify(struct up_device *d, const struct up_identity *found)
{
	pthread_mutex_lock(&d->lock);
	bool same = !d->identified || up_identity_same(&d->identity, found);
	if (!d->identified)
		d->identity = *found;
	d->identified = true;
	pthread_mutex_unlock(&d->lock);
	return same;
}

/* Data that is not ours must neither be read nor written over. */
static void refuse_stranger(struct up_channel *c)
{
	char known[PRINTED_MAX], found[PRINTED_MAX], why[160];

	up_identity_print(&c->device->identity, known, sizeof(known));
	up_identity_print(&c->probe.identity, found, sizeof(found));
	snprintf(why, sizeof(why), "another logical unit is there: %s, not %s", found, known);
	c->refused = true;
	fail(c, why);
}

/* A new nexus's first unit attention is about itself; what has waited for one that was lost is news. */
static void tell_attentions(const struct up_channel *c)
{
	for (unsigned i = 0; c->was_up && i < c->probe.n_attentions; i++)
		spt_device_attention_at(c->device->handle, c->host, NULL, c->probe.attentions[i]);
}

static void finish(struct up_channel *c)
{
	struct up_device *d = c->device;

	if (!identify(d, &c->probe.identity)) {
		refuse_stranger(c);
		return;
	}
	atomic_store_explicit(&d->learned.device_type, c->probe.identity.device_type,
		memory_order_relaxed);
	if (d->shared)
		tell_attentions(c);
	up_session_up(c);
}

void up_login_look(struct up_channel *c)
{
	struct up_command *cmd;

	if (c->asking)
		return;
	if (!up_probe_next(&c->probe, c->device->shared)) {
		finish(c);
		return;
	}
	cmd = up_engine_place(c->engine);
	if (!cmd)
		return; /* the last one's is still to be had back */
	cmd->task = &c->probe.task;
	cmd->direction = cmd->task->in.bytes ? PASS_IN : PASS_NONE;
	up_prepare_in(&cmd->task->in, c->device->canary);
	if (up_engine_send(c->engine, cmd) < 0) {
		fail(c, "out of memory");
		return;
	}
	c->asking = true;
	spt_host_defer(c->host, &c->flush);
}

void up_login_begin(struct up_channel *c)
{
	c->state = UP_STATE_PROBE;
	c->asking = false;
	up_probe_begin(&c->probe);
}

void up_login_answered(struct up_channel *c)
{
	if (c->state != UP_STATE_PROBE)
		return; /* the session has just ended */
	c->asking = false;
	const char *why = up_probe_answer(&c->probe);
	if (why)
		fail(c, why);
}
