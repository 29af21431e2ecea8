/* SPDX-License-Identifier: MIT */
/*
 * A change of a device's layers while it is in use. It judges and opens everything first; then a new
 * set takes the old one's place, and every loop is told.
 */
#include <errno.h>
#include <string.h>

#include "layer/layer.h"

static void put_instance(struct layers *layers, struct kind *kind, struct instance *instance)
{
	pthread_mutex_lock(&layers->lock);
	kind->instance = instance;
	pthread_mutex_unlock(&layers->lock);
}

/* @kind's layer becomes what @wanted says, or stays as it is. */
static int change_kind(struct layers *layers, struct kind *kind, const struct kind *wanted,
	struct spt_error *error)
{
	struct instance *instance = NULL, *old = kind->instance;
	struct set *set;
	int r = wanted->on ? instance_open(layers, wanted, error, &instance) : 0;

	if (r < 0)
		return r;
	put_instance(layers, kind, instance);
	r = set_make(layers, &set);
	if (r < 0) {
		put_instance(layers, kind, old);
		instances_sweep(layers);
		return spt_error_set(error, r, "out of memory");
	}
	layers_install(layers, set);
	return 0;
}

static struct kind *find_kind(struct layers *layers, const char *name)
{
	for (size_t i = 0; i < LAYER_KINDS; i++) {
		if (!strcmp(layers->kinds[i].ops->name, name))
			return &layers->kinds[i];
	}
	return NULL;
}

static int set_locked(struct layers *layers, struct kind *kind, const char *setting,
	struct spt_error *error)
{
	struct kind wanted;
	int r = kind_copy(kind, &wanted);

	if (r < 0)
		r = spt_error_set(error, r, "out of memory");
	else
		r = kind_apply(&wanted, setting, error);
	if (r == 0)
		r = change_kind(layers, kind, &wanted, error);
	if (r == 0) {
		struct kind old = *kind;
		wanted.instance = kind->instance;
		pthread_mutex_lock(&layers->lock);
		*kind = wanted;
		pthread_mutex_unlock(&layers->lock);
		wanted = old;
	}
	kind_deinit(&wanted);
	return r;
}

int spt_layer_set(struct spt_device *device, const char *layer, const char *setting,
	struct spt_error *error)
{
	struct layers *layers = spt_device_layering(device);
	int r;

	if (!layers)
		return spt_error_set(error, -EOPNOTSUPP, "%s was opened without layers",
			spt_device_name(device));
	pthread_mutex_lock(&layers->change);
	struct kind *kind = find_kind(layers, layer);
	if (!kind) {
		r = layer_unknown(layer, error);
	} else if (!strcmp(setting, "release")) {
		r = kind->instance ? 0 :
				     spt_error_set(error, -EINVAL, "%s is off and keeps nothing", layer);
		if (r == 0)
			layers_tell(layers, false, true);
	} else {
		r = set_locked(layers, kind, setting, error);
	}
	instances_sweep(layers);
	pthread_mutex_unlock(&layers->change);
	return r;
}
