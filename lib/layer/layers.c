/* SPDX-License-Identifier: MIT */
/*
 * The layers of a device: opened and closed with it, and what all its places share. How they change
 * while the device is in use is in change.c.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "layer/layer.h"

void layers_sweep(struct layers *layers)
{
	pthread_mutex_lock(&layers->change);
	instances_sweep(layers);
	pthread_mutex_unlock(&layers->change);
}

void layers_tell(struct layers *layers, bool reset, bool release)
{
	struct place *place;

	pthread_mutex_lock(&layers->lock);
	list_foreach (place, &layers->places, link) {
		place->do_reset |= reset;
		place->do_release |= release;
		if (place->posted)
			continue;
		place->posted = true;
		spt_host_post(place->host, &place->post);
	}
	pthread_mutex_unlock(&layers->lock);
}

void layers_install(struct layers *layers, struct set *set)
{
	pthread_mutex_lock(&layers->lock);
	struct set *old = layers->set;
	layers->set = set;
	pthread_mutex_unlock(&layers->lock);
	set_unref(old);
	layers_tell(layers, false, false);
}

static void layers_close(void *arg)
{
	struct layers *layers = arg;

	assert(list_empty(&layers->places));
	set_unref(layers->set);
	instances_sweep(layers);
	assert(list_empty(&layers->instances));
	for (size_t i = 0; i < LAYER_KINDS; i++)
		kind_deinit(&layers->kinds[i]);
	pthread_mutex_destroy(&layers->change);
	pthread_mutex_destroy(&layers->lock);
	free(layers);
}

static int layers_open(struct spt_device *device, const struct spt_option_value *values,
	struct spt_error *error, void **ret)
{
	struct layers *layers = calloc(1, sizeof(*layers));

	if (!layers)
		return spt_error_set(error, -ENOMEM, "out of memory");
	layers->device = device;
	pthread_mutex_init(&layers->change, NULL);
	pthread_mutex_init(&layers->lock, NULL);
	list_init(&layers->instances);
	list_init(&layers->places);
	int r = kinds_make(layers, values, error);
	if (r == 0 && values)
		r = spt_layer_check(values, error);
	for (size_t i = 0; i < LAYER_KINDS && r == 0; i++) {
		struct kind *k = &layers->kinds[i];
		if (k->on)
			r = instance_open(layers, k, error, &k->instance);
	}
	if (r == 0 && set_make(layers, &layers->set) < 0)
		r = spt_error_set(error, -ENOMEM, "out of memory");
	if (r < 0) {
		layers_close(layers);
		return r;
	}
	*ret = layers;
	return 0;
}

void spt_layer_each(struct spt_device *device, void (*fn)(void *arg, const struct spt_layer_row *row),
	void *arg)
{
	struct layers *layers = spt_device_layering(device);

	if (!layers)
		return;
	pthread_mutex_lock(&layers->lock);
	for (size_t i = 0; i < LAYER_KINDS; i++) {
		const struct kind *k = &layers->kinds[i];
		struct spt_layer_row off = { .layer = k->ops->name, .text = k->texts[0] };
		if (k->instance)
			k->ops->each(k->instance->state, fn, arg);
		else if (k->texts[0])
			fn(arg, &off);
	}
	pthread_mutex_unlock(&layers->lock);
}

const struct spt_layers_ops *spt_layers(void)
{
	static const struct spt_layers_ops OPS = {
		.open = layers_open,
		.close = layers_close,
		.place_new = place_new,
		.place_free = place_free,
		.place_enter = place_enter_way,
		.place_close = place_close,
		.holds = place_holds,
	};

	return &OPS;
}
