/* SPDX-License-Identifier: MIT */
/*
 * Channels: a loop's way to a device, opened when the loop's first session that maps the device
 * starts and closed when the last one ends; or a nexus's own, where the backend wants one for each
 * nexus. Closing may take time (an upstream logout), and the memory of a nexus's names must stay
 * that long: hence the callback.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "core/core.h"

static struct channel *find_shared(struct spt_context *context, const struct spt_device *device)
{
	struct channel *c;

	list_foreach (c, &context->channels, link) {
		if (c->device == device && !c->per_nexus && c->itls)
			return c;
	}
	return NULL;
}

/* The layers' place first: once the backend has a channel nothing may fail any more. */
static int open_way(struct channel *c, const struct spt_nexus *nexus, bool reinstated)
{
	const struct spt_device *device = c->device;
	const struct spt_layers_ops *layers = device->layers_ops;
	const struct spt_channel_params params = {
		.host = c->context->host,
		.nexus = nexus,
		.reinstated = reinstated,
	};
	int r = layers ? layers->place_new(device->layers, params.host, &c->place) : 0;

	if (r < 0)
		return r;
	c->way.ops = device->ops;
	r = device->ops->channel_open(device->state, &params, &c->way.channel);
	if (!layers)
		return r;
	if (r < 0)
		layers->place_free(TAKE(c->place));
	else
		layers->place_enter(c->place, &c->way);
	return r;
}

int channel_get(struct spt_context *context, struct spt_device *device, struct spt_session *session,
	bool reinstated, struct channel **ret)
{
	bool per_nexus = device->ops->flags & SPT_BACKEND_PER_NEXUS;
	struct channel *c = per_nexus ? NULL : find_shared(context, device);

	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		c->per_nexus = per_nexus;
		c->context = context;
		c->device = device;
		int r = open_way(c, per_nexus ? &session->nexus : NULL, reinstated);
		if (r < 0) {
			free(c);
			return r;
		}
		spt_device_ref(device);
		list_append(&context->channels, &c->link);
	}
	c->itls++;
	*ret = c;
	return 0;
}

static void closed(void *arg)
{
	struct channel *c = arg;
	void (*left)(void *) = c->left;
	void *left_arg = c->left_arg;

	list_del(&c->link);
	spt_device_unref(c->device);
	free(c);
	left(left_arg);
}

void channel_put(struct channel *c, void (*left)(void *arg), void *arg)
{
	assert(c->itls > 0);
	if (--c->itls > 0) {
		left(arg);
		return;
	}
	c->left = left;
	c->left_arg = arg;
	if (c->place)
		c->device->layers_ops->place_close(c->place, closed, c);
	else
		c->way.ops->channel_close(c->way.channel, closed, c);
}
