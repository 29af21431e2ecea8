/* SPDX-License-Identifier: MIT */
/* The LUNs of a target: the devices behind them, and the details of each (lun.N.initiators and others). */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"
#include "config/build.h"
#include "config/grow.h"
#include "config/suggest.h"
#include "wire/names.h"

#define LUN_MAX 16383u /* SAM-5 4.7.7.4: what the flat space addressing method can name */

static struct config_lun *find_lun(const struct config_target *t, uint16_t lun)
{
	for (size_t i = 0; i < t->n_luns; i++) {
		if (t->luns[i].lun == lun)
			return &t->luns[i];
	}
	return NULL;
}

/* "NAME [read-only]" cut in two; false when it is something else. */
static bool split_lun(const char *value, char *name, size_t bytes, bool *read_only)
{
	size_t n = strcspn(value, " \t");
	const char *rest = value + n + strspn(value + n, " \t");

	if (n >= bytes || (*rest && strcmp(rest, "read-only")))
		return false;
	memcpy(name, value, n);
	name[n] = 0;
	build_fold(name);
	*read_only = *rest != 0;
	return true;
}

static int add_lun(struct build *b, struct config_target *t, const struct ini_key *key,
	uint16_t lun)
{
	char name[INI_NAME_MAX + 1];
	bool read_only;
	size_t i;

	if (!split_lun(key->value, name, sizeof(name), &read_only)) {
		config_error_add(b->errors, key->line, "%s: '%.100s' is not the name of a device, "
			"perhaps with read-only after it", key->name, key->value);
		return 0;
	}
	struct suggest suggest = suggest_init(name);
	for (i = 0; i < b->config->n_devices; i++) {
		if (!strcmp(b->config->devices[i].name, name))
			break;
		suggest_try(&suggest, b->config->devices[i].name);
	}
	if (i == b->config->n_devices) {
		build_dangling(b, key->line, "device", name, &suggest);
		return 0;
	}
	for (size_t k = 0; k < t->n_luns; k++) {
		if (t->luns[k].device == i)
			config_warning_add(b->errors, key->line, "device %s is LUN %u of this "
				"target too; "
				"initiators will take them for two paths to one "
				"disk", name, t->luns[k].lun);
	}
	struct config_lun *place = GROW(t->luns, t->n_luns);
	if (!place)
		return -ENOMEM;
	t->n_luns++;
	*place = (struct config_lun){ .lun = lun, .device = i, .read_only = read_only };
	return 0;
}

static int by_lun(const void *a, const void *b)
{
	return ((const struct config_lun *)a)->lun - ((const struct config_lun *)b)->lun;
}

/* "lun.N", and whatever it may have been meant to be. */
static bool is_lun(const struct ini_key *key)
{
	const struct schema_key *row = schema_find(SCHEMA_TARGET, key->name);

	return row && !strcmp(row->option.name, "lun");
}

int build_luns(struct build *b, const struct ini_section *section, struct config_target *t)
{
	int r = 0;

	for (size_t i = 0; i < section->n_keys && !r; i++) {
		const struct ini_key *key = &section->keys[i];
		uint64_t lun;

		if (!is_lun(key))
			continue;
		if (!build_number(key, LUN_MAX, &lun))
			config_error_add(b->errors, key->line, "'%s' is not lun.N with N from 0 to "
				"%u",
				key->name, LUN_MAX);
		else if (find_lun(t, (uint16_t)lun))
			config_error_add(b->errors, key->line, "LUN %u is mapped twice",
				(unsigned)lun);
		else
			r = add_lun(b, t, key, (uint16_t)lun);
	}
	if (t->n_luns)
		qsort(t->luns, t->n_luns, sizeof(*t->luns), by_lun);
	return r;
}

/* Does a name of the target's list let in some of @pattern's? Patterns are not compared with patterns. */
static bool may_log_in(const struct config_target *t, const char *pattern)
{
	if (strpbrk(pattern, "*?"))
		return true;
	for (size_t i = 0; i < t->n_initiators; i++) {
		if (name_match(t->initiators[i], pattern))
			return true;
	}
	return false;
}

static int set_initiators_of(struct build *b, struct config_target *t, struct config_lun *l,
	const struct ini_key *key)
{
	int r = build_initiators(b, &l->initiators, &l->n_initiators, key);

	for (size_t i = 0; !r && i < l->n_initiators; i++) {
		if (!may_log_in(t, l->initiators[i]))
			config_warning_add(b->errors, key->line, "%s: %s may not log in to the target",
				key->name, l->initiators[i]);
	}
	return r;
}

static int set_addresses_of(struct build *b, struct config_target *t, struct config_lun *l,
	const struct ini_key *key)
{
	return build_addresses(b, &l->addresses, key);
}

static int set_identity_of(struct build *b, struct config_target *t, struct config_lun *l,
	const struct ini_key *key)
{
	const struct schema_key *row = schema_find(SCHEMA_TARGET, key->name);
	struct spt_option_value v;
	struct spt_error error = { .text = "" };
	int r = spt_option_parse(&row->option, key->value, &v, &error);

	if (r == 0)
		r = spt_identity_parse(strrchr(key->name, '.') + 1, key->value, &l->identity, &error);
	if (r < 0)
		config_error_add(b->errors, key->line, "%s", error.text);
	return 0;
}

static const struct {
	const char *name; /* of the row */
	int (*set)(struct build *b, struct config_target *t, struct config_lun *l,
		const struct ini_key *key);
} DETAILS[] = {
	{ "lun.N.initiators", set_initiators_of },
	{ "lun.N.addresses", set_addresses_of },
	{ "lun.N.vendor", set_identity_of },
	{ "lun.N.product", set_identity_of },
	{ "lun.N.revision", set_identity_of },
	{ "lun.N.serial", set_identity_of },
	{ "lun.N.naa", set_identity_of },
};

/* The LUN that a detail is of, or NULL. */
static struct config_lun *lun_of(const struct config_target *t, const struct ini_key *key)
{
	char number[sizeof("16383")] = "";
	size_t digits = (size_t)(strrchr(key->name, '.') - key->name) - strlen("lun.");
	uint64_t lun = 0;

	if (digits < sizeof(number) && strspn(key->name + strlen("lun."), "0123456789") == digits)
		memcpy(number, key->name + strlen("lun."), digits);
	return parse_u64_range(number, 0, LUN_MAX, &lun) < 0 ? NULL : find_lun(t, (uint16_t)lun);
}

static int set_detail(struct build *b, struct config_target *t, const struct ini_key *key)
{
	const struct schema_key *row = schema_find(SCHEMA_TARGET, key->name);

	for (size_t i = 0; row && i < ARRAY_SIZE(DETAILS); i++) {
		if (strcmp(DETAILS[i].name, row->option.name) != 0)
			continue;
		struct config_lun *l = lun_of(t, key);
		if (l)
			return DETAILS[i].set(b, t, l, key);
		config_error_add(b->errors, key->line, "%s: the target has no such LUN", key->name);
	}
	return 0;
}

/* After the target's own list of initiators: who is on a LUN's has to be on that as well. */
int build_lun_details(struct build *b, const struct ini_section *section, struct config_target *t)
{
	int r = 0;

	for (size_t i = 0; i < section->n_keys && !r; i++)
		r = set_detail(b, t, &section->keys[i]);
	return r;
}
