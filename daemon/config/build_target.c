/* SPDX-License-Identifier: MIT */
/* What a target refers to: its portals, the devices behind its LUNs, and who may log in. */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "config/build.h"
#include "config/grow.h"
#include "config/suggest.h"
#include "config/values.h"
#include "wire/names.h"

#define LUN_MAX 16383u /* SAM-5 4.7.7.4: what the flat space addressing method can name */

static void dangling(struct build *b, unsigned line, const char *kind, const char *name,
	const struct suggest *suggest)
{
	char hint[100];

	config_error_add(b->errors, line, "there is no [%s-%s]%s", kind, name,
		suggest_text(suggest, hint, sizeof(hint)));
}

/* Sections are lower case, so are references to them. */
static void fold(char *word)
{
	for (; *word; word++) {
		if (*word >= 'A' && *word <= 'Z')
			*word = (char)(*word - 'A' + 'a');
	}
}

static int add_portal(struct build *b, struct config_target *t, const char *word, unsigned line)
{
	struct suggest suggest = suggest_init(word);
	size_t i, k;

	for (i = 0; i < b->config->n_portals; i++) {
		if (!strcmp(b->config->portals[i].name, word))
			break;
		suggest_try(&suggest, b->config->portals[i].name);
	}
	if (i == b->config->n_portals) {
		dangling(b, line, "portal", word, &suggest);
		return 0;
	}
	for (k = 0; k < t->n_portals && t->portals[k] != i; k++)
		;
	if (k < t->n_portals) {
		config_error_add(b->errors, line, "portal: %s stands twice", word);
		return 0;
	}
	size_t *place = GROW(t->portals, t->n_portals);
	if (!place)
		return -ENOMEM;
	t->n_portals++;
	*place = i;
	return 0;
}

static int set_portals(struct build *b, const struct ini_section *section, struct config_target *t)
{
	const struct ini_key *key = build_find(section, "portal");
	const char *list = key ? key->value : NULL;
	char word[INI_NAME_MAX + 1];
	int r = 0;

	while (!r && value_next_word(&list, word, sizeof(word))) {
		fold(word);
		r = add_portal(b, t, word, key->line);
	}
	return r;
}

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
	fold(name);
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
		dangling(b, key->line, "device", name, &suggest);
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

/* "lun.N.initiators" */
static bool is_lun_initiators(const struct ini_key *key)
{
	const char *dot = strrchr(key->name, '.');

	return !strncmp(key->name, "lun.", 4) && dot && !strcmp(dot, ".initiators");
}

static int set_luns(struct build *b, const struct ini_section *section, struct config_target *t)
{
	int r = 0;

	for (size_t i = 0; i < section->n_keys && !r; i++) {
		const struct ini_key *key = &section->keys[i];
		uint64_t lun;

		if ((strcmp(key->name, "lun") && strncmp(key->name, "lun.", 4)) ||
			is_lun_initiators(key))
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

static int add_initiators(struct build *b, char ***names, size_t *n, const struct ini_key *key)
{
	const char *list = key->value;
	char word[2 * NAME_MAX_BYTES];

	while (value_next_word(&list, word, sizeof(word))) {
		if (!name_pattern_valid(word)) {
			config_error_add(b->errors, key->line,
				"%s: '%.230s' is neither an iSCSI name nor a pattern of "
				"one", key->name, word);
			continue;
		}
		char *copy = strdup(word);
		char **place = copy ? GROW(*names, *n) : NULL;
		if (!place) {
			free(copy);
			return -ENOMEM;
		}
		++*n;
		fold(copy);
		*place = copy;
	}
	return 0;
}

static int set_initiators(struct build *b, const struct ini_section *section,
	struct config_target *t)
{
	int r = 0;

	for (size_t i = 0; i < section->n_keys && !r; i++) {
		const struct ini_key *key = &section->keys[i];
		const struct schema_key *row = schema_find(SCHEMA_TARGET, key->name);
		uint64_t number;

		if (!row || strcmp(row->option.name, "initiators"))
			continue;
		if (strchr(key->name, '.') && !build_number(key, UINT32_MAX, &number))
			config_error_add(b->errors, key->line, "'%s' is not initiators.N",
				key->name);
		else
			r = add_initiators(b, &t->initiators, &t->n_initiators, key);
	}
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

static int set_initiators_of(struct build *b, struct config_target *t, const struct ini_key *key)
{
	char number[sizeof("16383")] = "";
	size_t digits = strlen(key->name) - strlen("lun.") - strlen(".initiators");
	uint64_t lun = 0;

	if (digits < sizeof(number) && strspn(key->name + strlen("lun."), "0123456789") == digits)
		memcpy(number, key->name + strlen("lun."), digits);
	struct config_lun *l = parse_u64_range(number, 0, LUN_MAX, &lun) < 0 ? NULL :
		find_lun(t, (uint16_t)lun);
	if (!l) {
		config_error_add(b->errors, key->line, "%s: the target has no such LUN", key->name);
		return 0;
	}
	int r = add_initiators(b, &l->initiators, &l->n_initiators, key);
	if (r < 0)
		return r;
	for (size_t i = 0; i < l->n_initiators; i++) {
		if (!may_log_in(t, l->initiators[i]))
			config_warning_add(b->errors, key->line, "%s: %s may not log in to the target",
				key->name, l->initiators[i]);
	}
	return 0;
}

/* After the target's own list: who is on a LUN's has to be on that as well. */
static int set_lun_initiators(struct build *b, const struct ini_section *section,
	struct config_target *t)
{
	int r = 0;

	for (size_t i = 0; i < section->n_keys && !r; i++) {
		if (is_lun_initiators(&section->keys[i]))
			r = set_initiators_of(b, t, &section->keys[i]);
	}
	return r;
}

/* What holds between keys of one target. */
static void check_target(struct build *b, const struct ini_section *section,
	const struct config_target *t)
{
	/* RFC 7143 13.14: FirstBurstLength MUST NOT exceed MaxBurstLength. */
	if (t->negotiation.first_burst_length > t->negotiation.max_burst_length)
		config_error_add(b->errors, build_line(section, "first-burst-length"),
			"first-burst-length (%u) is larger than max-burst-length (%u)",
			t->negotiation.first_burst_length, t->negotiation.max_burst_length);
	if (b->errors->n_fatal)
		return;
	if (!t->n_initiators)
		config_warning_add(b->errors, section->line, "[%s] names no initiators: nobody may "
			"log "
			"in", section->name);
	if (!t->n_luns && !t->redirect.n && t->state != CONFIG_STATE_REMOVED)
		config_warning_add(b->errors, section->line, "[%s] maps no LUN", section->name);
}

int build_target(struct build *b, const struct ini_section *section, struct config_target *target)
{
	int r = set_portals(b, section, target);

	if (!r)
		r = set_luns(b, section, target);
	if (!r)
		r = set_initiators(b, section, target);
	if (!r)
		r = set_lun_initiators(b, section, target);
	if (!r)
		check_target(b, section, target);
	return r;
}
