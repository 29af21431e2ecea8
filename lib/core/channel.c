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
#include "core/errand.h"

static struct channel *find_shared(struct spt_context *context, const struct spt_device *device)
{
	struct channel *c;

	list_foreach (c, &context->channels, link) {
		if (c->device == device && !c->per_nexus && c->itls)
			return c;
	}
	return NULL;
}

struct channel *channel_find(struct spt_context *context, const struct spt_device *device)
{
	struct channel *c;

	list_foreach (c, &context->channels, link) {
		if (c->device == device && c->itls)
			return c;
	}
	return NULL;
}

/* What a way is made of, before it is gone. */
struct new_way {
	void *channel, *place;
};

/* The layers' place first: once the backend has a channel nothing may fail any more. */
static int open_way(const struct channel *c, const struct spt_nexus *nexus, bool reinstated,
	struct new_way *ret)
{
	const struct spt_device *device = c->device;
	const struct spt_layers_ops *layers = device->layers_ops;
	const struct spt_channel_params params = {
		.host = c->context->host,
		.nexus = nexus,
		.reinstated = reinstated,
	};
	struct new_way way = { NULL, NULL };
	int r = layers ? layers->place_new(device->layers, params.host, &way.place) : 0;

	if (r < 0)
		return r;
	r = device->ops->channel_open(device->state, &params, &way.channel);
	if (r < 0) {
		if (way.place)
			layers->place_free(way.place);
		return r;
	}
	*ret = way;
	return 0;
}

static void take_way(struct channel *c, const struct new_way *way)
{
	c->way = (struct spt_way){ .ops = c->device->ops, .channel = way->channel };
	c->place = way->place;
	if (c->place)
		c->device->layers_ops->place_enter(c->place, &c->way);
}

/* @only: whose it is, or NULL. */
static int channel_new(struct spt_context *context, struct spt_device *device, const struct spt_itl *only,
	bool reinstated, struct channel **ret)
{
	struct channel *c = calloc(1, sizeof(*c));
	struct new_way way;

	if (!c)
		return -ENOMEM;
	c->per_nexus = only != NULL;
	c->only = only;
	c->context = context;
	c->device = device;
	int r = open_way(c, only ? &only->session->nexus : NULL, reinstated, &way);
	if (r < 0) {
		free(c);
		return r;
	}
	take_way(c, &way);
	spt_device_ref(device);
	list_append(&context->channels, &c->link);
	c->itls = 1;
	*ret = c;
	return 0;
}

int channel_share(struct spt_context *context, struct spt_device *device, bool reinstated, struct channel **ret)
{
	struct channel *c = find_shared(context, device);

	if (!c)
		return channel_new(context, device, NULL, reinstated, ret);
	c->itls++;
	*ret = c;
	return 0;
}

int channel_get(struct spt_context *context, const struct spt_itl *itl, bool reinstated,
	struct channel **ret)
{
	if (itl->device->flags & SPT_BACKEND_PER_NEXUS)
		return channel_new(context, itl->device, itl, reinstated, ret);
	return channel_share(context, itl->device, reinstated, ret);
}

/* A way of the channel is closed; the last one of a channel that nobody uses ends it. */
static void closed(void *arg)
{
	struct channel *c = arg;

	if (--c->closing > 0 || c->itls > 0)
		return;
	void (*left)(void *) = c->left;
	void *left_arg = c->left_arg;
	list_del(&c->link);
	spt_device_let_go(c->context, c->device);
	free(c);
	left(left_arg);
}

static void close_way(struct channel *c, const struct spt_way *way, void *place)
{
	c->closing++;
	if (place)
		c->device->layers_ops->place_close(place, closed, c);
	else
		way->ops->channel_close(way->channel, closed, c);
}

/* A way that all share is told of with its device. */
static void unfenced(struct channel *c, const char *how)
{
	if (!c->fenced)
		return;
	c->fenced = false;
	atomic_fetch_sub_explicit(&c->device->fenced_ways, 1, memory_order_relaxed);
	if (c->only)
		spt_device_event(c->device, "LUN %u of %s is fenced no more: %s", c->only->lun,
			c->only->session->nexus.initiator_name, how);
}

void channel_put(struct channel *c, void (*left)(void *arg), void *arg)
{
	assert(c->itls > 0);
	if (c->itls > 1) {
		c->itls--;
		left(arg);
		return;
	}
	c->itls = 0;
	c->left = left;
	c->left_arg = arg;
	unfenced(c, "its session has ended");
	close_way(c, &c->way, TAKE(c->place));
}

/* The I_T_L nexus after @itl that uses the channel; NULL: the first, or none. */
static const struct spt_itl *next_itl(const struct channel *c, const struct spt_itl *itl)
{
	bool found = !itl;

	for (uint32_t i = 0; i < c->context->n_slots; i++) {
		const struct spt_session *s = c->context->slots[i].session;
		const struct spt_itl *leaving;
		for (size_t k = 0; s && k < s->n_itls; k++) {
			if (found && s->itls[k]->channel == c)
				return s->itls[k];
			found |= s->itls[k] == itl;
		}
		if (!s)
			continue;
		list_foreach (leaving, &s->leaving, leaving_link) {
			if (found && leaving->channel == c)
				return leaving;
			found |= leaving == itl;
		}
	}
	return NULL;
}

static bool has_task(const struct channel *c)
{
	for (uint32_t i = 0; i < c->context->n_slots; i++) {
		const struct spt_session *s = c->context->slots[i].session;
		const struct spt_task *t;
		if (!s)
			continue;
		list_foreach (t, &s->tasks, session_link) {
			if (t->state == SPT_TASK_DEVICE && !t->above && t->itl->channel == c)
				return true;
		}
	}
	const struct errand *e;
	list_foreach (e, &c->context->errands, link) {
		if (e->itl.channel == c)
			return true;
	}
	return false;
}

int channel_reopen(struct channel *c)
{
	const struct spt_itl *itl = next_itl(c, NULL);
	struct spt_way old = c->way;
	void *old_place = c->place;
	struct new_way way;

	if (has_task(c))
		return -EBUSY;
	int r = open_way(c, c->per_nexus ? &itl->session->nexus : NULL, true, &way);
	if (r < 0)
		return r;
	for (itl = next_itl(c, NULL); itl; itl = next_itl(c, itl))
		backend_nexus_stop(itl);
	take_way(c, &way);
	unfenced(c, "brought back by the operator");
	for (itl = next_itl(c, NULL); itl; itl = next_itl(c, itl))
		backend_nexus_start(itl, true);
	close_way(c, &old, old_place);
	return 0;
}
