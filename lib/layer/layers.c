/* SPDX-License-Identifier: MIT */
/*
 * The layers of a device: opened with it, changed while it is in use. A change judges and opens
 * everything first; then a new set takes the old one's place, and every loop is told.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/util.h"
#include "layer/layer.h"

const struct layer_ops *const LAYERS[LAYER_KINDS] = { &LAYER_TRACE, &LAYER_DELAY, &LAYER_FAULT };

const struct spt_option *spt_layer_options(size_t *ret_n)
{
	*ret_n = LAYER_OPTIONS;
	return LAYER_ROWS;
}

static int unknown(const char *name, struct spt_error *error)
{
	return spt_error_set(error, -ENOENT, "there is no layer '%.40s'; there are trace, delay and fault",
		name);
}

static const struct layer_ops *find(const char *name)
{
	for (size_t i = 0; i < LAYER_KINDS; i++) {
		if (!strcmp(LAYERS[i]->name, name))
			return LAYERS[i];
	}
	return NULL;
}

/* "trace delay": *@ret in this order, @ret_n of them. */
static int read_names(const char *text, const struct layer_ops **ret, size_t *ret_n,
	struct spt_error *error)
{
	size_t n = 0;

	for (text += strspn(text, " \t,"); *text; text += strspn(text, " \t,")) {
		size_t length = strcspn(text, " \t,");
		char name[41];
		snprintf(name, sizeof(name), "%.*s", (int)MIN(length, sizeof(name) - 1), text);
		const struct layer_ops *ops = find(name);
		if (!ops) {
			unknown(name, error);
			return -EINVAL;
		}
		for (size_t i = 0; i < n; i++) {
			if (ret[i] == ops)
				return spt_error_set(error, -EINVAL, "layers: %s stands twice", name);
		}
		ret[n++] = ops;
		text += length;
	}
	*ret_n = n;
	return 0;
}

int spt_layer_check(const struct spt_option_value *values, struct spt_error *error)
{
	const struct spt_option_value *v = &values[LAYER_OPTION_LAYERS];
	const struct layer_ops *on[LAYER_KINDS];
	size_t n = 0;
	int r = v->set ? read_names(v->text, on, &n, error) : 0;

	for (size_t i = 0; i < LAYER_KINDS && r == 0; i++)
		r = LAYERS[i]->check(values + LAYERS[i]->first_option, error);
	for (size_t i = 0; i < n && r == 0; i++) {
		const struct layer_ops *ops = on[i];
		bool told = values[ops->first_option].set ||
			(ops->n_options > 1 && values[ops->first_option + 1].given);
		if (!told)
			return spt_error_set(error, -EINVAL, "layers: %s is on and has nothing to do; set %s",
				ops->name, LAYER_ROWS[ops->first_option].name);
	}
	return r;
}

static void free_kind(struct kind *kind)
{
	for (size_t i = 0; i < LAYER_OPTIONS_MAX; i++)
		free(kind->texts[i]);
}

/* Closes what no passage uses any more. */
static void sweep(struct layers *layers)
{
	struct instance *i, *next;

	list_foreach_safe (i, next, &layers->instances, link) {
		if (atomic_load_explicit(&i->refs, memory_order_acquire))
			continue;
		list_del(&i->link);
		i->ops->close(i->state);
		free(i);
	}
}

void layers_sweep(struct layers *layers)
{
	pthread_mutex_lock(&layers->change);
	sweep(layers);
	pthread_mutex_unlock(&layers->change);
}

static void layers_close(void *arg)
{
	struct layers *layers = arg;

	assert(list_empty(&layers->places));
	set_unref(layers->set);
	sweep(layers);
	assert(list_empty(&layers->instances));
	for (size_t i = 0; i < LAYER_KINDS; i++)
		free_kind(&layers->kinds[i]);
	pthread_mutex_destroy(&layers->change);
	pthread_mutex_destroy(&layers->lock);
	free(layers);
}

/* The options of @kind as values. */
static int parse_texts(const struct kind *kind, struct spt_option_value *values,
	struct spt_error *error)
{
	for (unsigned i = 0; i < kind->ops->n_options; i++) {
		const struct spt_option *o = &LAYER_ROWS[kind->ops->first_option + i];
		const char *text = kind->texts[i] ? kind->texts[i] : o->fallback;
		values[i] = (struct spt_option_value){ .set = false };
		int r = text ? spt_option_parse(o, text, &values[i], error) : 0;
		if (r < 0)
			return r;
		values[i].set = text != NULL;
		values[i].given = kind->texts[i] != NULL;
	}
	return 0;
}

static int open_instance(struct layers *layers, const struct kind *kind, struct spt_error *error,
	struct instance **ret)
{
	struct spt_option_value values[LAYER_OPTIONS_MAX];
	int r = parse_texts(kind, values, error);

	if (r == 0)
		r = kind->ops->check(values, error);
	if (r < 0)
		return r;
	struct instance *i = calloc(1, sizeof(*i));
	if (!i)
		return spt_error_set(error, -ENOMEM, "out of memory");
	i->ops = kind->ops;
	atomic_init(&i->refs, 0);
	r = kind->ops->open(layers->device, values, error, &i->state);
	if (r < 0) {
		free(i);
		return r;
	}
	list_append(&layers->instances, &i->link);
	*ret = i;
	return 0;
}

/* What is on becomes the set; NULL when nothing is. */
static int make_set(const struct layers *layers, struct set **ret)
{
	struct set *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	atomic_init(&set->refs, 1);
	for (size_t i = 0; i < LAYER_KINDS; i++) {
		struct instance *instance = layers->kinds[i].instance;
		if (!instance)
			continue;
		atomic_fetch_add_explicit(&instance->refs, 1, memory_order_relaxed);
		set->instances[set->n++] = instance;
	}
	if (!set->n)
		free(TAKE(set));
	*ret = set;
	return 0;
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

static void install(struct layers *layers, struct set *set)
{
	pthread_mutex_lock(&layers->lock);
	struct set *old = layers->set;
	layers->set = set;
	pthread_mutex_unlock(&layers->lock);
	set_unref(old);
	layers_tell(layers, false, false);
}

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
	int r = wanted->on ? open_instance(layers, wanted, error, &instance) : 0;

	if (r < 0)
		return r;
	put_instance(layers, kind, instance);
	r = make_set(layers, &set);
	if (r < 0) {
		put_instance(layers, kind, old);
		sweep(layers);
		return spt_error_set(error, r, "out of memory");
	}
	install(layers, set);
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

/* Which option "KEY=VALUE" sets: one of the layer's without its name in front, else the first. */
static unsigned which_option(const struct layer_ops *ops, const char **setting)
{
	for (unsigned i = 0; i < ops->n_options; i++) {
		const char *key = LAYER_ROWS[ops->first_option + i].name + strlen(ops->name) + 1;
		size_t n = strlen(key);
		if (!strncmp(*setting, key, n) && (*setting)[n] == '=') {
			*setting += n + 1;
			return i;
		}
	}
	return 0;
}

static int copy_kind(const struct kind *from, struct kind *to)
{
	*to = (struct kind){ .ops = from->ops, .on = from->on };
	for (size_t i = 0; i < LAYER_OPTIONS_MAX; i++) {
		if (!from->texts[i])
			continue;
		to->texts[i] = strdup(from->texts[i]);
		if (!to->texts[i])
			return -ENOMEM;
	}
	return 0;
}

static int apply(struct kind *wanted, const char *setting, struct spt_error *error)
{
	wanted->on = true;
	if (!strcmp(setting, "off")) {
		wanted->on = false;
	} else if (strcmp(setting, "on")) {
		unsigned i = which_option(wanted->ops, &setting);
		free(wanted->texts[i]);
		wanted->texts[i] = strdup(setting);
		if (!wanted->texts[i])
			return spt_error_set(error, -ENOMEM, "out of memory");
	}
	return 0;
}

static int set_locked(struct layers *layers, struct kind *kind, const char *setting,
	struct spt_error *error)
{
	struct kind wanted;
	int r = copy_kind(kind, &wanted);

	if (r < 0)
		r = spt_error_set(error, r, "out of memory");
	else
		r = apply(&wanted, setting, error);
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
	free_kind(&wanted);
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
		r = unknown(layer, error);
	} else if (!strcmp(setting, "release")) {
		r = kind->instance ? 0 :
				     spt_error_set(error, -EINVAL, "%s is off and keeps nothing", layer);
		if (r == 0)
			layers_tell(layers, false, true);
	} else {
		r = set_locked(layers, kind, setting, error);
	}
	sweep(layers);
	pthread_mutex_unlock(&layers->change);
	return r;
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

/* Top to bottom: as "layers" says, then those that are off. */
static int make_kinds(struct layers *layers, const struct spt_option_value *values,
	struct spt_error *error)
{
	const struct layer_ops *order[2 * LAYER_KINDS];
	size_t n = 0, kinds = 0;

	if (values && values[LAYER_OPTION_LAYERS].set) {
		int r = read_names(values[LAYER_OPTION_LAYERS].text, order, &n, error);
		if (r < 0)
			return r;
	}
	size_t on = n;
	for (size_t i = 0; i < LAYER_KINDS; i++)
		order[n++] = LAYERS[i];
	for (size_t i = 0; i < n; i++) {
		const struct layer_ops *ops = order[i];
		bool known = false;
		for (size_t k = 0; k < kinds; k++)
			known |= layers->kinds[k].ops == ops;
		if (known)
			continue;
		struct kind *kind = &layers->kinds[kinds++];
		kind->ops = ops;
		kind->on = i < on;
		for (unsigned o = 0; values && o < ops->n_options; o++) {
			const struct spt_option_value *v = &values[ops->first_option + o];
			if (!v->given)
				continue;
			kind->texts[o] = strdup(v->text);
			if (!kind->texts[o])
				return spt_error_set(error, -ENOMEM, "out of memory");
		}
	}
	return 0;
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
	int r = make_kinds(layers, values, error);
	if (r == 0 && values)
		r = spt_layer_check(values, error);
	for (size_t i = 0; i < LAYER_KINDS && r == 0; i++) {
		struct kind *k = &layers->kinds[i];
		if (k->on)
			r = open_instance(layers, k, error, &k->instance);
	}
	if (r == 0 && make_set(layers, &layers->set) < 0)
		r = spt_error_set(error, -ENOMEM, "out of memory");
	if (r < 0) {
		layers_close(layers);
		return r;
	}
	*ret = layers;
	return 0;
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
