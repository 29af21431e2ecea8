/* SPDX-License-Identifier: MIT */
/*
 * From a file to a configuration. The sections are walked twice: first every one is classified and
 * its plain keys are set, then, when all names are known, the targets' references are resolved.
 * A fault never ends the walk: a person wants to hear of all of them at once.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "config/build.h"
#include "config/grow.h"
#include "config/suggest.h"
#include "config/values.h"

static void free_target(struct config_target *t)
{
	for (size_t i = 0; i < t->n_initiators; i++)
		free(t->initiators[i]);
	free(t->initiators);
	free(t->addresses.list);
	value_texts_free(&t->redirect);
	free(t->auth.chap_file);
	for (size_t i = 0; i < t->n_luns; i++) {
		for (size_t k = 0; k < t->luns[i].n_initiators; k++)
			free(t->luns[i].initiators[k]);
		free(t->luns[i].initiators);
		free(t->luns[i].addresses.list);
	}
	free(t->luns);
	free(t->portals);
	free(t->alias);
	free(t->name);
	free(t->label);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->n_targets; i++)
		free_target(&config->targets[i]);
	for (size_t i = 0; i < config->n_devices; i++) {
		free(config->devices[i].values);
		free(config->devices[i].layer_values);
		free(config->devices[i].name);
	}
	for (size_t i = 0; i < config->n_portals; i++) {
		free(config->portals[i].listen.list);
		free(config->portals[i].advertise.list);
		free(config->portals[i].name);
	}
	for (size_t i = 0; i < config->n_texts; i++)
		free(config->texts[i]);
	free(config->texts);
	ini_free(config->ini);
	for (size_t i = 0; i < config->n_secrets; i++)
		secrets_free(config->secrets[i]);
	free(config->secrets);
	free(config->daemon.discovery_auth.chap_file);
	value_texts_free(&config->daemon.isns);
	free(config->daemon.isns_entity);
	free(config->targets);
	free(config->devices);
	free(config->portals);
	free(config->daemon.control_socket);
	free(config->daemon.state_dir);
	free(config->daemon.user);
	free(config->daemon.group);
	free(config);
}

static void cleanup_config(struct config **config)
{
	config_free(*config);
}

static void cleanup_ini(struct ini **ini)
{
	ini_free(*ini);
}

const struct ini_key *build_find(const struct ini_section *section, const char *name)
{
	for (size_t i = 0; i < section->n_keys; i++) {
		if (!strcmp(section->keys[i].name, name))
			return &section->keys[i];
	}
	return NULL;
}

unsigned build_line(const struct ini_section *section, const char *name)
{
	const struct ini_key *key = build_find(section, name);

	return key ? key->line : section->line;
}

bool build_number(const struct ini_key *key, uint64_t max, uint64_t *ret)
{
	const char *dot = strchr(key->name, '.');

	return dot && isdigit((unsigned char)dot[1]) && !strchr(dot, 'x') &&
		!parse_u64_range(dot + 1, 0, max, ret);
}

static void unknown_key(struct build *b, enum schema_section kind,
	const struct ini_section *section, const struct ini_key *key)
{
	const struct schema_section_info *info = schema_section(kind);
	struct suggest suggest = suggest_init(key->name);
	char hint[100];

	for (size_t i = 0; i < info->n_keys; i++)
		suggest_try(&suggest, info->keys[i].option.name);
	config_error_add(b->errors, key->line, "[%s] has no key '%s'%s", section->name, key->name,
		suggest_text(&suggest, hint, sizeof(hint)));
}

static void check_required(struct build *b, enum schema_section kind,
	const struct ini_section *section)
{
	const struct schema_section_info *info = schema_section(kind);

	if (b->partial)
		return;
	for (size_t i = 0; i < info->n_keys; i++) {
		const struct spt_option *option = &info->keys[i].option;

		if (option->required && !build_find(section, option->name))
			config_error_add(b->errors, section->line, "[%s] needs the key '%s'",
				section->name, option->name);
	}
}

int build_fields(struct build *b, enum schema_section kind, const struct ini_section *section,
	void *fields)
{
	int r = schema_defaults(kind, fields);

	if (r < 0)
		return r;
	for (size_t i = 0; i < section->n_keys; i++) {
		const struct ini_key *key = &section->keys[i];
		const struct schema_key *row = schema_find(kind, key->name);
		struct spt_error error = { .text = "" };

		/* A device's other keys are its backend's to know. */
		if (!row && kind != SCHEMA_DEVICE)
			unknown_key(b, kind, section, key);
		if (!row || !row->bytes)
			continue;
		r = schema_set(row, key->value, fields, &error);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			config_error_add(b->errors, key->line, "%s", error.text);
	}
	check_required(b, kind, section);
	return 0;
}

int build_classify(const char *name, enum schema_section *ret_kind, const char **ret_own)
{
	for (int i = 0; i < SCHEMA_SECTIONS; i++) {
		const struct schema_section_info *info = schema_section((enum schema_section)i);
		size_t n = strlen(info->name);

		if (strncmp(name, info->name, n))
			continue;
		if (info->named ? name[n] != '-' || !name[n + 1] : name[n] != 0)
			continue;
		*ret_kind = (enum schema_section)i;
		*ret_own = info->named ? name + n + 1 : name;
		return 0;
	}
	return -ENOENT;
}

static void unknown_section(struct build *b, const struct ini_section *section)
{
	struct suggest suggest = suggest_init(section->name);
	char guess[INI_NAME_MAX + 16], hint[120];
	char candidates[SCHEMA_SECTIONS][sizeof(guess)];
	const char *dash = strchr(section->name, '-');

	for (int i = 0; i < SCHEMA_SECTIONS; i++) {
		const struct schema_section_info *info = schema_section((enum schema_section)i);

		snprintf(candidates[i], sizeof(guess), "%s%s", info->name,
			!info->named ? "" : dash && dash[1] ? dash : "-NAME");
		suggest_try(&suggest, candidates[i]);
	}
	config_error_add(b->errors, section->line, "there is no section [%s]%s; there are "
		"[daemon], "
		"[portal-NAME], [device-NAME] and [target-NAME]", section->name,
		suggest_text(&suggest, hint, sizeof(hint)));
}

static int new_portal(struct build *b, const struct ini_section *section, const char *name)
{
	struct config *c = b->config;
	struct config_portal *portal = GROW(c->portals, c->n_portals);

	if (!portal)
		return -ENOMEM;
	c->n_portals++;
	portal->name = strdup(name);
	return portal->name ? build_fields(b, SCHEMA_PORTAL, section, portal) : -ENOMEM;
}

static int new_device(struct build *b, const struct ini_section *section, const char *name)
{
	struct config *c = b->config;
	struct config_device *device = GROW(c->devices, c->n_devices);

	if (!device)
		return -ENOMEM;
	c->n_devices++;
	device->line = section->line;
	device->name = strdup(name);
	if (!device->name)
		return -ENOMEM;
	int r = build_fields(b, SCHEMA_DEVICE, section, device);
	return r < 0 ? r : build_device(b, section, device);
}

static int new_target(struct build *b, const struct ini_section *section, const char *name)
{
	struct config *c = b->config;
	struct config_target *target = GROW(c->targets, c->n_targets);

	if (!target)
		return -ENOMEM;
	c->n_targets++;
	target->line = section->line;
	target->label = strdup(name);
	return target->label ? build_fields(b, SCHEMA_TARGET, section, target) : -ENOMEM;
}

static int first_walk(struct build *b)
{
	int r = schema_defaults(SCHEMA_DAEMON, &b->config->daemon);

	for (size_t i = 0; i < b->ini->n_sections && !r; i++) {
		const struct ini_section *section = &b->ini->sections[i];
		enum schema_section kind;
		const char *own;

		if (build_classify(section->name, &kind, &own) < 0)
			unknown_section(b, section);
		else if (kind == SCHEMA_DAEMON)
			r = build_fields(b, kind, section, &b->config->daemon);
		else if (kind == SCHEMA_PORTAL)
			r = new_portal(b, section, own);
		else if (kind == SCHEMA_DEVICE)
			r = new_device(b, section, own);
		else
			r = new_target(b, section, own);
	}
	return r;
}

/* The n-th target section made the n-th target. */
static int second_walk(struct build *b)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < b->ini->n_sections && !r; i++) {
		enum schema_section kind;
		const char *own;

		if (!build_classify(b->ini->sections[i].name, &kind, &own) && kind == SCHEMA_TARGET)
			r = build_target(b, &b->ini->sections[i], &b->config->targets[n++]);
	}
	return r;
}

static int parse(const void *data, size_t bytes, struct config_errors *errors, struct config **ret)
{
	struct config *config CLEANUP(cleanup_config) = calloc(1, sizeof(*config));
	struct ini *ini CLEANUP(cleanup_ini) = NULL;

	if (!config)
		return -ENOMEM;
	int r = ini_parse(data, bytes, errors, &ini);
	if (!ini)
		return r;
	struct build b = { .errors = errors, .ini = ini, .config = config, .partial = r < 0 };
	r = first_walk(&b);
	if (!r)
		r = second_walk(&b);
	if (r < 0)
		return r;
	r = build_secrets(&b);
	if (r < 0)
		return r;
	build_check(&b);
	if (errors->n_fatal)
		return -EINVAL;
	config->ini = TAKE(ini);
	*ret = TAKE(config);
	return 0;
}

int config_parse(const char *name, const void *data, size_t bytes, struct config_errors *errors,
	struct config **ret)
{
	config_errors_init(errors, name);
	return parse(data, bytes, errors, ret);
}

int config_load(const char *path, struct config_errors *errors, struct config **ret)
{
	AUTO_FREE void *data = NULL;
	size_t bytes;

	config_errors_init(errors, path);
	int r = ini_read(path, errors, &data, &bytes);
	return r < 0 ? r : parse(data, bytes, errors, ret);
}
