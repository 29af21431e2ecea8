/* SPDX-License-Identifier: MIT */
/* What is different between two configurations: see plan.h. */
#include "config/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <spt/layer.h>

#include "base/util.h"
#include "config/build.h"
#include "config/grow.h"

static bool option_equal(const struct spt_option *option, const struct spt_option_value *a,
	const struct spt_option_value *b)
{
	if (a->set != b->set || !a->set)
		return a->set == b->set;
	switch (option->type) {
	case SPT_OPTION_STRING:
		return !strcmp(a->text, b->text);
	case SPT_OPTION_BOOL:
		return a->flag == b->flag;
	default:
		return a->number == b->number;
	}
}

static bool options_equal(const struct spt_option *options, size_t n,
	const struct spt_option_value *a, const struct spt_option_value *b)
{
	if (!a || !b)
		return a == b;
	for (size_t i = 0; i < n; i++) {
		if (!option_equal(&options[i], &a[i], &b[i]))
			return false;
	}
	return true;
}

bool plan_device_equal(const struct config_device *a, const struct config_device *b)
{
	size_t n, n_layers;
	const struct spt_option *options = spt_backend_options(a->backend, &n);
	const struct spt_option *layers = spt_layer_options(&n_layers);

	return a->backend == b->backend && a->reservations == b->reservations &&
		a->exclusive == b->exclusive &&
		a->escalation.wait_us == b->escalation.wait_us &&
		a->escalation.reset_wait_us == b->escalation.reset_wait_us &&
		a->escalation.reset == b->escalation.reset &&
		options_equal(options, n, a->values, b->values) &&
		options_equal(layers, n_layers, a->layer_values, b->layer_values);
}

static const struct ini_section *find_section(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->ini->n_sections; i++) {
		if (!strcmp(c->ini->sections[i].name, name))
			return &c->ini->sections[i];
	}
	return NULL;
}

static int add(struct plan *plan, const struct plan_change *change)
{
	struct plan_change *place = GROW(plan->list, plan->n);

	if (!place)
		return -ENOMEM;
	*place = *change;
	plan->n++;
	return 0;
}

/* The row of a key that the schema does not know: of the section's backend, or of a layer. */
static const struct spt_option *find_option(const struct ini_section *section, const char *name)
{
	const struct ini_key *key = build_find(section, "backend");
	const struct spt_backend_ops *backend = key ? spt_backend_find(key->value) : NULL;
	size_t n = 0;
	const struct spt_option *options = backend ? spt_backend_options(backend, &n) : NULL;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(options[i].name, name))
			return &options[i];
	}
	return NULL;
}

/* What the key is worth in @section, which may be NULL: as written, its default, or "". */
static const char *value_of(const struct ini_section *section, const struct schema_key *row,
	const char *name)
{
	const struct ini_key *key = section ? build_find(section, name) : NULL;

	if (key)
		return key->value;
	const struct spt_option *option = row ? &row->option : section ? find_option(section, name) : NULL;
	return option && !(row && row->numbered) && option->fallback ? option->fallback : "";
}

/* Keys of @from that are worth something else in @to; @new_only: and are not in @to. */
static int compare_keys(struct plan *plan, enum schema_section kind, const char *own,
	const struct ini_section *from, const struct ini_section *to, bool new_only)
{
	for (size_t i = 0; from && i < from->n_keys; i++) {
		const char *name = from->keys[i].name;
		const struct schema_key *row = schema_find(kind, name);
		if (new_only && to && build_find(to, name))
			continue;
		if (!strcmp(value_of(from, row, name), value_of(to, row, name)))
			continue;
		/* A key that the schema does not know is its backend's. */
		const struct plan_change change = { kind, PLAN_CHANGED, own, name,
			row ? row->reload : SCHEMA_REOPEN };
		int r = add(plan, &change);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare(struct plan *plan, const struct config *c, const struct config *other,
	enum plan_kind kind_of_alone)
{
	for (size_t i = 0; i < c->ini->n_sections; i++) {
		const struct ini_section *section = &c->ini->sections[i];
		const struct ini_section *twin = find_section(other, section->name);
		enum schema_section kind;
		const char *own;
		int r = 0;

		if (build_classify(section->name, &kind, &own) < 0)
			continue;
		if (!twin && kind != SCHEMA_DAEMON)
			r = add(plan, &(struct plan_change){ kind, kind_of_alone, own, NULL, SCHEMA_LIVE });
		else
			r = compare_keys(plan, kind, own, section, twin, kind_of_alone == PLAN_REMOVED);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_make(const struct config *before, const struct config *after, struct plan *ret)
{
	*ret = (struct plan){ 0 };
	int r = compare(ret, after, before, PLAN_ADDED);
	if (!r)
		r = compare(ret, before, after, PLAN_REMOVED);
	if (r < 0)
		plan_deinit(ret);
	return r;
}

void plan_deinit(struct plan *plan)
{
	free(plan->list);
	*plan = (struct plan){ 0 };
}

void plan_text(const struct plan_change *c, char *text, size_t bytes)
{
	const struct schema_section_info *info = schema_section(c->section);
	char section[INI_NAME_MAX + 16];

	snprintf(section, sizeof(section), info->named ? "%s-%s" : "%s", info->name, c->name);
	if (c->kind != PLAN_CHANGED)
		snprintf(text, bytes, "[%s] is %s", section,
			c->kind == PLAN_ADDED ? "new" : "gone");
	else
		snprintf(text, bytes, "[%s] %s is changed: %s", section, c->key, schema_reload_text(c->cost));
}
