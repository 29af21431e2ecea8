/* SPDX-License-Identifier: MIT */
/* What a target refers to: its portals, and who may log in; its LUNs are in build_lun.c. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "config/build.h"
#include "config/grow.h"
#include "config/suggest.h"
#include "config/values.h"
#include "wire/names.h"

void build_dangling(struct build *b, unsigned line, const char *kind, const char *name,
	const struct suggest *suggest)
{
	char hint[100];

	config_error_add(b->errors, line, "there is no [%s-%s]%s", kind, name,
		suggest_text(suggest, hint, sizeof(hint)));
}

/* Sections are lower case, so are references to them. */
void build_fold(char *word)
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
		build_dangling(b, line, "portal", word, &suggest);
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
		build_fold(word);
		r = add_portal(b, t, word, key->line);
	}
	return r;
}

int build_initiators(struct build *b, char ***names, size_t *n, const struct ini_key *key)
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
		build_fold(copy);
		*place = copy;
	}
	return 0;
}

static int add_prefix(struct build *b, struct prefixes *to, const struct ini_key *key,
	const char *word)
{
	struct spt_error error = { .text = "" };
	struct prefix p;

	if (prefix_parse(word, &p, &error) < 0) {
		config_error_add(b->errors, key->line, "%s: %s", key->name, error.text);
		return 0;
	}
	for (size_t i = 0; i < to->n; i++) {
		if (!prefix_equal(&to->list[i], &p))
			continue;
		config_error_add(b->errors, key->line, "%s: %s stands twice", key->name, word);
		return 0;
	}
	struct prefix *place = GROW(to->list, to->n);
	if (!place)
		return -ENOMEM;
	to->n++;
	*place = p;
	return 0;
}

int build_addresses(struct build *b, struct prefixes *to, const struct ini_key *key)
{
	const char *list = key->value;
	char word[100];
	int r = 0;

	while (!r && value_next_word(&list, word, sizeof(word)))
		r = add_prefix(b, to, key, word);
	return r;
}

static int add_initiators(struct build *b, struct config_target *t, const struct ini_key *key)
{
	return build_initiators(b, &t->initiators, &t->n_initiators, key);
}

static int add_addresses(struct build *b, struct config_target *t, const struct ini_key *key)
{
	return build_addresses(b, &t->addresses, key);
}

/* Lists that go on in NAME.1, NAME.2 and so on. */
static const struct {
	const char *name;
	int (*add)(struct build *b, struct config_target *t, const struct ini_key *key);
} LISTS[] = {
	{ "initiators", add_initiators },
	{ "addresses", add_addresses },
};

static int set_list(struct build *b, struct config_target *t, const struct ini_key *key)
{
	const struct schema_key *row = schema_find(SCHEMA_TARGET, key->name);
	uint64_t number;

	for (size_t i = 0; row && i < ARRAY_SIZE(LISTS); i++) {
		if (strcmp(row->option.name, LISTS[i].name) != 0)
			continue;
		if (!strchr(key->name, '.') || build_number(key, UINT32_MAX, &number))
			return LISTS[i].add(b, t, key);
		config_error_add(b->errors, key->line, "'%s' is not %s.N", key->name, LISTS[i].name);
	}
	return 0;
}

static int set_lists(struct build *b, const struct ini_section *section, struct config_target *t)
{
	int r = 0;

	for (size_t i = 0; i < section->n_keys && !r; i++)
		r = set_list(b, t, &section->keys[i]);
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
		r = build_luns(b, section, target);
	if (!r)
		r = set_lists(b, section, target);
	if (!r)
		r = build_lun_details(b, section, target);
	if (!r)
		check_target(b, section, target);
	return r;
}
