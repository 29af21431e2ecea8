/* SPDX-License-Identifier: MIT */
/* The scriptable backend: see fake_backend.h. */
#include "fake_backend.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static struct fake_device *last_opened;
struct spt_identity fake_identity;
unsigned fake_closed;

static int fake_device_open(const struct spt_open *open, struct spt_error *error, void **ret_device)
{
	struct fake_device *d = calloc(1, sizeof(*d));

	assert(d);
	d->wanted = UINT32_MAX;
	d->handle = open->device;
	pthread_mutex_init(&d->lock, NULL);
	spt_device_set_identity(open->device, &fake_identity);
	*ret_device = last_opened = d;
	return 0;
}

static void fake_device_close(void *device)
{
	struct fake_device *d = device;

	assert(d->n_channels == 0);
	pthread_mutex_destroy(&d->lock);
	fake_closed++;
	free(d);
}

static void fake_properties(void *device, struct spt_properties *ret)
{
	ret->max_cdb_bytes = 16;
	ret->block_bytes = 512;
	ret->device_type = ((struct fake_device *)device)->type;
}

static int fake_channel_open(void *device, const struct spt_channel_params *params,
	void **ret_channel)
{
	struct fake_device *d = device;

	d->opens++;
	if (d->open_error)
		return d->open_error;
	struct fake_channel *c = calloc(1, sizeof(*c));
	assert(c);
	c->device = d;
	c->host = params->host;
	c->reinstated = params->reinstated;
	pthread_mutex_lock(&d->lock);
	assert(d->n_channels < FAKE_CHANNELS);
	d->channels[d->n_channels++] = c;
	pthread_mutex_unlock(&d->lock);
	*ret_channel = c;
	return 0;
}

void fake_close(struct fake_channel *c)
{
	struct fake_device *d = c->device;
	void (*closed)(void *) = c->closed;
	void *arg = c->closed_arg;
	unsigned i = 0;

	pthread_mutex_lock(&d->lock);
	while (d->channels[i] != c)
		i++;
	d->n_channels--;
	memmove(d->channels + i, d->channels + i + 1, (d->n_channels - i) * sizeof(d->channels[0]));
	pthread_mutex_unlock(&d->lock);
	free(c);
	closed(arg);
}

static void fake_channel_close(void *channel, void (*closed)(void *arg), void *arg)
{
	struct fake_channel *c = channel;

	assert(c->n_tasks == 0);
	c->device->closes++;
	c->closed = closed;
	c->closed_arg = arg;
	c->closing = true;
	if (!c->device->close_waits && !c->busy)
		fake_close(c);
}

static void enter(struct fake_channel *c)
{
	c->busy++;
}

static void leave(struct fake_channel *c)
{
	if (--c->busy == 0 && c->closing && !c->device->close_waits)
		fake_close(c);
}

static void fake_judge(void *channel, struct spt_task *task)
{
	struct fake_device *d = ((struct fake_channel *)channel)->device;

	d->judges++;
	if (d->refuse)
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, 0x2000);
	else
		task->out_wanted_bytes = MIN(d->wanted, task->expected_out_bytes);
}

static void take(struct fake_channel *c, const struct spt_task *task)
{
	unsigned i = 0;

	while (c->tasks[i] != task)
		i++;
	c->n_tasks--;
	memmove(c->tasks + i, c->tasks + i + 1, (c->n_tasks - i) * sizeof(c->tasks[0]));
}

void fake_complete_task(struct fake_channel *c, struct spt_task *task)
{
	take(c, task);
	spt_task_good(task);
}

void fake_complete(struct fake_channel *c)
{
	assert(c->n_tasks > 0);
	fake_complete_task(c, c->tasks[0]);
}

static void fake_submit(void *channel, struct spt_task *task)
{
	struct fake_channel *c = channel;

	c->device->submits++;
	if (c->fenced) {
		spt_task_check(task, SPT_KEY_NOT_READY, 0x0400);
		return;
	}
	if (c->device->answer && c->device->answer(task))
		return;
	if (c->device->inline_good) {
		spt_task_good(task);
		return;
	}
	assert(c->n_tasks < FAKE_TASKS);
	c->tasks[c->n_tasks++] = task;
}

static void fake_cancel(void *channel, struct spt_task *task)
{
	struct fake_channel *c = channel;

	c->device->cancelled++;
	if (c->device->cancels)
		fake_complete_task(c, task);
}

static void fail_all(struct fake_channel *c)
{
	while (c->n_tasks > 0) {
		struct spt_task *task = c->tasks[0];
		take(c, task);
		spt_task_check(task, SPT_KEY_NOT_READY, 0x0400);
	}
}

void fake_reset_done(struct fake_channel *c, int result)
{
	struct spt_reset *reset = c->resets[0];

	assert(c->n_resets > 0);
	c->n_resets--;
	memmove(c->resets, c->resets + 1, c->n_resets * sizeof(c->resets[0]));
	reset->done(reset, result);
}

static void fake_reset(void *channel, struct spt_reset *reset)
{
	struct fake_channel *c = channel;
	struct fake_device *d = c->device;

	d->resets++;
	enter(c);
	if (d->reset_kills)
		fail_all(c);
	assert(c->n_resets < ARRAY_SIZE(c->resets));
	c->resets[c->n_resets++] = reset;
	if (!d->reset_silent)
		fake_reset_done(c, 0);
	leave(c);
}

static void fake_fence(void *channel)
{
	struct fake_channel *c = channel;

	c->device->fences++;
	c->fenced = true;
	enter(c);
	fail_all(c);
	leave(c);
}

#define OPS(flags_, fence_)                                                                        \
	{                                                                                          \
		.name = "fake", .help = "for tests", .flags = flags_, .open = fake_device_open,    \
		.close = fake_device_close, .properties = fake_properties,                         \
		.channel_open = fake_channel_open, .channel_close = fake_channel_close,            \
		.judge = fake_judge, .submit = fake_submit, .cancel = fake_cancel,                 \
		.reset = fake_reset, .fence = fence_,                                              \
	}

const struct spt_backend_ops FAKE_SHARED = OPS(0, fake_fence);
const struct spt_backend_ops FAKE_PER_NEXUS = OPS(SPT_BACKEND_PER_NEXUS, fake_fence);
const struct spt_backend_ops FAKE_OWN_ORDER = OPS(SPT_BACKEND_OWN_ORDER, fake_fence);
const struct spt_backend_ops FAKE_NO_FENCE = OPS(0, NULL);
const struct spt_backend_ops FAKE_STAYS = OPS(SPT_BACKEND_STAYS, fake_fence);

char fake_event[256], fake_events[2048];

static void on_event(void *arg, const char *device, const char *text)
{
	size_t n = strlen(fake_events);

	snprintf(fake_event, sizeof(fake_event), "%s: %s", device, text);
	snprintf(fake_events + n, sizeof(fake_events) - n, "%s\n", fake_event);
}

struct spt_device *fake_open_params(const struct spt_device_params *params,
	struct fake_device **ret_state)
{
	struct spt_device_params with_event = *params;
	struct spt_device *device;
	struct spt_error error;

	with_event.event = on_event;
	if (spt_device_open(&with_event, &error, &device) < 0)
		abort();
	*ret_state = last_opened;
	return device;
}

struct spt_device *fake_open(const struct spt_backend_ops *ops, const char *name,
	const struct spt_escalation *escalation, struct fake_device **ret_state)
{
	struct spt_device_params params = { .name = name, .identity = 1, .backend = ops };

	if (escalation)
		params.escalation = *escalation;
	return fake_open_params(&params, ret_state);
}
