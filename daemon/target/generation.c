/* SPDX-License-Identifier: MIT */
/* What one configuration exports: see generation.h. */
#include "target/generation.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spt/layer.h>

#include "base/list.h"
#include "base/util.h"
#include "config/plan.h"
#include "log/log.h"
#include "target/identity.h"
#include "target/target.h"

static void device_event(void *arg, const char *device, const char *text)
{
	log_warning("device %s: %s", device, text);
}

/* The device of @before that @d describes as well, or NULL. */
static struct spt_device *find_same(const struct generation *before, const struct config_device *d)
{
	for (size_t i = 0; before && i < before->config->n_devices; i++) {
		const struct config_device *old = &before->config->devices[i];
		if (before->devices[i] && !strcmp(old->name, d->name) && plan_device_equal(old, d))
			return before->devices[i];
	}
	return NULL;
}

/* What opening a device needs beside its section. */
struct opening {
	const char *state_dir;
	uint64_t identity;
	struct spt_device **leaving; /* with the generation before, since none of the new one is the same */
	size_t n_leaving;
};

static int find_leaving(struct opening *o, const struct config *config, const struct generation *before)
{
	size_t n_old = before ? before->config->n_devices : 0;

	o->leaving = calloc(n_old + 1, sizeof(*o->leaving));
	if (!o->leaving)
		return -ENOMEM;
	for (size_t i = 0; i < n_old; i++) {
		bool stays = !before->devices[i];
		for (size_t k = 0; k < config->n_devices && !stays; k++)
			stays = find_same(before, &config->devices[k]) == before->devices[i];
		if (!stays)
			o->leaving[o->n_leaving++] = before->devices[i];
	}
	return 0;
}

/* Could it not be opened before either, and is nothing changed about it? */
static bool is_old_trouble(const struct generation *before, const struct config_device *d)
{
	for (size_t i = 0; before && i < before->config->n_devices; i++) {
		const struct config_device *old = &before->config->devices[i];
		if (!strcmp(old->name, d->name))
			return !before->devices[i] && plan_device_equal(old, d);
	}
	return false;
}

static int open_device(const struct opening *o, const struct config_device *d, struct spt_error *error,
	struct spt_device **ret)
{
	const struct spt_device_params params = {
		.name = d->name,
		.identity = o->identity,
		.backend = d->backend,
		.values = d->values,
		.layers = spt_layers(),
		.layer_values = d->layer_values,
		.escalation = d->escalation,
		.raw_reservations = d->reservations == CONFIG_RESERVATIONS_RAW,
		.exclusive = d->exclusive,
		.state_dir = o->state_dir,
		.event = device_event,
		.leaving = o->leaving,
		.n_leaving = o->n_leaving,
	};

	return spt_device_open(&params, error, ret);
}

static int open_devices(struct generation *g, const struct opening *o, struct config *config,
	const struct generation *before, struct spt_error *error)
{
	for (size_t i = 0; i < config->n_devices; i++) {
		const struct config_device *d = &config->devices[i];
		struct spt_device *same = find_same(before, d);
		struct spt_error why;

		if (same) {
			g->devices[i] = spt_device_ref(same);
			continue;
		}
		int r = open_device(o, d, &why, &g->devices[i]);
		if (r >= 0)
			continue;
		g->devices[i] = NULL;
		if (before && !is_old_trouble(before, d))
			return spt_error_set(error, r, "device %s: %s", d->name, why.text);
		log_error("device %s: %s; its logical units are not exported", d->name, why.text);
	}
	return 0;
}

static int take_devices(struct generation *g, struct config *config, const struct generation *before,
	const char *state_dir, struct spt_error *error)
{
	struct opening o = {
		.state_dir = state_dir,
		.identity = identity_get(state_dir),
	};
	int r = find_leaving(&o, config, before);

	if (r < 0)
		spt_error_set(error, r, "out of memory");
	else
		r = open_devices(g, &o, config, before, error);
	free(o.leaving);
	return r;
}

/* A target of the same name goes on counting its sessions. */
static struct seat *find_seat(const struct generation *before, const char *name)
{
	for (size_t i = 0; before && i < before->n_targets; i++) {
		if (!strcmp(before->targets[i].config->name, name))
			return before->targets[i].seat;
	}
	return NULL;
}

static int make_targets(struct generation *g, struct config *config, const struct generation *before)
{
	for (; g->n_targets < config->n_targets; g->n_targets++) {
		struct target *t = &g->targets[g->n_targets];
		int r = target_init(t, config, g->n_targets, g->devices,
			find_seat(before, config->targets[g->n_targets].name));
		if (r < 0) {
			target_deinit(t);
			return r;
		}
	}
	return authentication_init(&g->discovery_auth, &config->daemon.discovery_auth);
}

static void release(struct generation *g, size_t n_devices)
{
	for (size_t i = 0; i < g->n_targets; i++)
		target_deinit(&g->targets[i]);
	for (size_t i = 0; g->devices && i < n_devices; i++)
		spt_device_unref(g->devices[i]);
	authentication_deinit(&g->discovery_auth);
	free(g->addresses);
	free(g->targets);
	free(g->devices);
	free(g);
}

int generation_new(struct config *config, const struct generation *before, const char *state_dir,
	struct spt_error *error, struct generation **ret)
{
	struct generation *g = calloc(1, sizeof(*g));

	if (!g)
		return spt_error_set(error, -ENOMEM, "out of memory");
	atomic_init(&g->refs, 1);
	list_init(&g->link);
	g->devices = calloc(config->n_devices + 1, sizeof(*g->devices));
	g->targets = calloc(config->n_targets + 1, sizeof(*g->targets));
	int r = g->devices && g->targets ? take_devices(g, config, before, state_dir, error)
					 : spt_error_set(error, -ENOMEM, "out of memory");
	if (!r) {
		r = make_targets(g, config, before);
		if (r < 0)
			spt_error_set(error, r, "cannot make the targets: %s", strerror(-r));
	}
	if (r < 0) {
		release(g, config->n_devices);
		return r;
	}
	g->config = config;
	*ret = g;
	return 0;
}

struct generation *generation_ref(struct generation *g)
{
	atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
	return g;
}

void generation_unref(struct generation *g)
{
	if (!g)
		return;
	unsigned left = atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) - 1;
	assert(left > 0);
	(void)left;
}

void generation_free(struct generation *g)
{
	if (!g)
		return;
	struct config *config = g->config;
	release(g, config->n_devices);
	config_free(config);
}

static bool has_device(const struct generation *g, const struct spt_device *device)
{
	for (size_t i = 0; i < g->config->n_devices; i++) {
		if (g->devices[i] == device)
			return true;
	}
	return false;
}

bool generation_in_use(const struct generation *old, const struct generation *current)
{
	if (atomic_load_explicit(&old->refs, memory_order_acquire) > 1)
		return true;
	for (size_t i = 0; i < old->config->n_devices; i++) {
		struct spt_device *d = old->devices[i];
		if (d && !has_device(current, d) && spt_device_in_use(d))
			return true;
	}
	return false;
}

struct target *generation_find(const struct generation *g, const char *name, const char *portal)
{
	for (size_t i = 0; i < g->n_targets; i++) {
		struct target *t = &g->targets[i];
		if (strcmp(t->config->name, name))
			continue;
		for (size_t p = 0; p < t->config->n_portals; p++) {
			if (!strcmp(g->config->portals[t->config->portals[p]].name, portal))
				return t;
		}
	}
	return NULL;
}

bool generation_has_portal(const struct generation *g, const char *portal, uint16_t tag)
{
	for (size_t i = 0; i < g->config->n_portals; i++) {
		if (!strcmp(g->config->portals[i].name, portal))
			return g->config->portals[i].tag == tag;
	}
	return false;
}
