/* SPDX-License-Identifier: MIT */
/* The keys of a device that belong to its backend: rows of the backend's own option table. */
#include <errno.h>
#include <string.h>

#include <spt/layer.h>

#include "config/build.h"
#include "config/grow.h"
#include "config/suggest.h"

static const struct spt_backend_ops *find_backend(struct build *b, const struct ini_key *key)
{
	const struct spt_backend_ops *backend = spt_backend_find(key->value);
	struct suggest suggest = suggest_init(key->value);
	char hint[100], list[120] = "";
	size_t used = 0;

	if (backend)
		return backend;
	for (const struct spt_backend_ops *const *p = spt_backends(); *p; p++) {
		int n = snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "",
			spt_backend_name(*p));

		if (n > 0 && (size_t)n < sizeof(list) - used)
			used += (size_t)n;
		suggest_try(&suggest, spt_backend_name(*p));
	}
	config_error_add(b->errors, key->line, "there is no backend '%.60s'%s; there are: %s",
		key->value, suggest_text(&suggest, hint, sizeof(hint)), list);
	return NULL;
}

static size_t find_option(const struct spt_option *options, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(options[i].name, name))
			return i;
	}
	return n;
}

static void unknown_key(struct build *b, const struct config_device *device,
	const struct spt_option *options, const struct ini_section *section,
	const struct ini_key *key)
{
	const struct schema_section_info *info = schema_section(SCHEMA_DEVICE);
	struct suggest suggest = suggest_init(key->name);
	char hint[100];
	size_t n;
	const struct spt_option *layer_options = spt_layer_options(&n);

	for (size_t i = 0; i < info->n_keys; i++)
		suggest_try(&suggest, info->keys[i].option.name);
	for (size_t i = 0; i < device->n_values; i++)
		suggest_try(&suggest, options[i].name);
	for (size_t i = 0; i < n; i++)
		suggest_try(&suggest, layer_options[i].name);
	config_error_add(b->errors, key->line, "[%s] has no key '%s' with backend "
		"%s%s", section->name,
		key->name, spt_backend_name(device->backend),
		suggest_text(&suggest, hint, sizeof(hint)));
}

/* @text must live as long as the configuration: a copy of ours. */
static int keep_text(struct config *config, const char *text, const char **ret)
{
	char *copy = strdup(text);
	char **place = copy ? GROW(config->texts, config->n_texts) : NULL;

	if (!place) {
		free(copy);
		return -ENOMEM;
	}
	config->n_texts++;
	*place = copy;
	*ret = copy;
	return 0;
}

static int set_value(struct build *b, const struct spt_option *option, const struct ini_key *key,
	struct spt_option_value *value)
{
	struct spt_error error = { .text = "" };
	const char *text;
	int r = keep_text(b->config, key->value, &text);

	if (r < 0)
		return r;
	r = spt_option_parse(option, text, value, &error);
	if (r < 0) {
		config_error_add(b->errors, key->line, "%s", error.text);
		return 0;
	}
	value->set = value->given = true;
	return 0;
}

static int set_default(const struct spt_option *option, struct spt_option_value *value)
{
	/* The row is constant, so its text may be pointed at. */
	int r = option->fallback ? spt_option_parse(option, option->fallback, value, NULL) : 0;

	if (r < 0)
		return r;
	value->set = option->fallback != NULL;
	value->given = false;
	return 0;
}

static int set_values(struct build *b, const struct ini_section *section,
	const struct spt_option *options, size_t n, struct spt_option_value *values)
{
	for (size_t i = 0; i < n; i++) {
		const struct ini_key *key = build_find(section, options[i].name);
		int r = key ? set_value(b, &options[i], key, &values[i]) :
			set_default(&options[i], &values[i]);

		if (r < 0)
			return r;
		if (!key && options[i].required && !b->partial)
			config_error_add(b->errors, section->line, "[%s] needs the key '%s'",
				section->name, options[i].name);
	}
	return 0;
}

/* @r and @error are what a judge of values of the table @options said; the line is that of the key that it
 * is about, or else that of @otherwise. */
static int add_verdict(struct build *b, const struct ini_section *section,
	const struct spt_option *options, size_t n, const char *otherwise, int r,
	const struct spt_error *error)
{
	if (r == -ENOMEM || r == 0)
		return r;
	unsigned line = build_line(section, otherwise);
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(options[i].name);
		if (!strncmp(error->text, options[i].name, length) && error->text[length] == ':')
			line = build_line(section, options[i].name);
	}
	config_error_add(b->errors, line, "%s", error->text);
	return 0;
}

static bool has_required(const struct spt_option *options, size_t n,
	const struct spt_option_value *values)
{
	for (size_t i = 0; i < n; i++) {
		if (options[i].required && !values[i].set)
			return false;
	}
	return true;
}

/* What the rows of the backend's table cannot tell. */
static int build_values(struct build *b, const struct ini_section *section,
	const struct config_device *device, const struct spt_option *options)
{
	unsigned before = b->errors->n_fatal;
	struct spt_error error = { .text = "" };
	int r = set_values(b, section, options, device->n_values, device->values);

	if (r < 0 || b->errors->n_fatal > before ||
		!has_required(options, device->n_values, device->values))
		return r;
	r = spt_backend_check(device->backend, device->values, &error);
	return add_verdict(b, section, options, device->n_values, "backend", r, &error);
}

static int check_layers(struct build *b, const struct ini_section *section,
	const struct config_device *device)
{
	struct spt_error error = { .text = "" };
	size_t n;
	const struct spt_option *options = spt_layer_options(&n);
	int r = spt_layer_check(device->layer_values, &error);

	return add_verdict(b, section, options, n, "layers", r, &error);
}

static int build_layers(struct build *b, const struct ini_section *section,
	struct config_device *device)
{
	unsigned before = b->errors->n_fatal;
	size_t n;
	const struct spt_option *options = spt_layer_options(&n);

	device->layer_values = calloc(n, sizeof(*device->layer_values));
	if (!device->layer_values)
		return -ENOMEM;
	int r = set_values(b, section, options, n, device->layer_values);
	return r < 0 || b->errors->n_fatal > before ? r : check_layers(b, section, device);
}

int build_device(struct build *b, const struct ini_section *section, struct config_device *device)
{
	const struct ini_key *key = build_find(section, "backend");
	size_t n, n_layer;
	const struct spt_option *layer_options = spt_layer_options(&n_layer);

	device->backend = key ? find_backend(b, key) : NULL;
	if (!device->backend)
		return 0;
	const struct spt_option *options = spt_backend_options(device->backend, &n);
	device->values = calloc(n ? n : 1, sizeof(*device->values));
	if (!device->values)
		return -ENOMEM;
	device->n_values = n;
	for (size_t i = 0; i < section->n_keys; i++) {
		const char *name = section->keys[i].name;

		if (!schema_find(SCHEMA_DEVICE, name) && find_option(options, n, name) == n &&
			find_option(layer_options, n_layer, name) == n_layer)
			unknown_key(b, device, options, section, &section->keys[i]);
	}
	int r = build_values(b, section, device, options);
	return r < 0 ? r : build_layers(b, section, device);
}
