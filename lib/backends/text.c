/* SPDX-License-Identifier: MIT */
/*
 * Devices told as one line of text, "file:path=/tmp/disk,size=64M": for tools and small programs that
 * have no configuration file. The options are those of the backend's table and of the layers', checked by
 * the same rows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spt/backend.h>
#include <spt/layer.h>

struct parsed {
	const struct spt_backend_ops *backend;
	char *text; /* a copy that is cut into pieces */
	struct spt_option_value *values;
	struct spt_option_value *layer_values;
};

static int unknown_backend(const char *name, struct spt_error *error)
{
	char names[128] = "";

	for (const struct spt_backend_ops *const *b = spt_backends(); *b; b++) {
		size_t n = strlen(names);
		if (n + strlen(spt_backend_name(*b)) + 3 < sizeof(names))
			stpcpy(stpcpy(names + n, n ? ", " : ""), spt_backend_name(*b));
	}
	return spt_error_set(error, -EINVAL, "%.64s: no such backend; there are %s", name, names);
}

/* Cuts off the first piece of *@rest, which ends at a comma that no backslash is in front of. */
static char *next_piece(char **rest)
{
	char *start = *rest, *to = start;

	if (!start)
		return NULL;
	for (char *from = start;; from++) {
		if (*from == '\\' && from[1])
			from++;
		else if (*from == ',' || !*from) {
			*rest = *from ? from + 1 : NULL;
			*to = 0;
			return start;
		}
		*to++ = *from;
	}
}

/* 1: taken; 0: the table has no such row. */
static int set_in(const struct spt_option *options, size_t n, struct spt_option_value *values,
	const char *key, const char *value, struct spt_error *error)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(options[i].name, key))
			continue;
		if (values[i].given)
			return spt_error_set(error, -EINVAL, "%s: given twice", key);
		int r = spt_option_parse(&options[i], value, &values[i], error);
		if (r < 0)
			return r;
		values[i].set = values[i].given = true;
		return 1;
	}
	return 0;
}

static int set_option(struct parsed *p, char *piece, struct spt_error *error)
{
	char *value = strchr(piece, '=');
	size_t n;
	const struct spt_option *layer_options = spt_layer_options(&n);

	if (!value)
		return spt_error_set(error, -EINVAL, "%.64s: not key=value", piece);
	*value++ = 0;
	int r = set_in(p->backend->options, p->backend->n_options, p->values, piece, value, error);
	if (r == 0)
		r = set_in(layer_options, n, p->layer_values, piece, value, error);
	if (r == 0)
		return spt_error_set(error, -EINVAL, "%.64s: no option of backend %s", piece,
			p->backend->name);
	return r < 0 ? r : 0;
}

static int set_defaults_in(const struct spt_option *options, size_t n,
	struct spt_option_value *values, const char *backend, struct spt_error *error)
{
	for (size_t i = 0; i < n; i++) {
		const struct spt_option *o = &options[i];
		if (values[i].given)
			continue;
		if (o->required)
			return spt_error_set(error, -EINVAL, "%s: backend %s needs it", o->name,
				backend);
		if (!o->fallback)
			continue;
		int r = spt_option_parse(o, o->fallback, &values[i], error);
		if (r < 0)
			return r;
		values[i].set = true;
		values[i].given = false;
	}
	return 0;
}

static int set_defaults(struct parsed *p, struct spt_error *error)
{
	size_t n;
	const struct spt_option *layer_options = spt_layer_options(&n);
	int r = set_defaults_in(p->backend->options, p->backend->n_options, p->values,
		p->backend->name, error);

	return r < 0 ? r : set_defaults_in(layer_options, n, p->layer_values, p->backend->name, error);
}

static int parse(struct parsed *p, struct spt_error *error)
{
	char *rest = strchr(p->text, ':');
	char *piece;

	if (rest)
		*rest++ = 0;
	p->backend = spt_backend_find(p->text);
	if (!p->backend)
		return unknown_backend(p->text, error);
	size_t n;
	spt_layer_options(&n);
	p->values = calloc(p->backend->n_options + 1, sizeof(*p->values));
	p->layer_values = calloc(n, sizeof(*p->layer_values));
	if (!p->values || !p->layer_values)
		return spt_error_set(error, -ENOMEM, "out of memory");
	if (rest && !*rest)
		rest = NULL;
	while ((piece = next_piece(&rest))) {
		int r = set_option(p, piece, error);
		if (r < 0)
			return r;
	}
	return set_defaults(p, error);
}

int spt_device_open_text(const char *text, const struct spt_escalation *escalation,
	struct spt_error *error, struct spt_device **ret)
{
	struct parsed p = { .text = strdup(text) };
	int r = p.text ? parse(&p, error) : spt_error_set(error, -ENOMEM, "out of memory");

	if (r == 0) {
		const struct spt_device_params params = {
			.name = p.backend->name,
			.backend = p.backend,
			.values = p.values,
			.layers = spt_layers(),
			.layer_values = p.layer_values,
			.present = true,
			.escalation = escalation ? *escalation : (struct spt_escalation){ 0 },
		};
		r = spt_device_open(&params, error, ret);
	}
	free(p.values);
	free(p.layer_values);
	free(p.text);
	return r;
}
