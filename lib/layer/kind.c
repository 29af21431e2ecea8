/* SPDX-License-Identifier: MIT */
/* A layer of a device as it is wanted: whether it is on, and its options as text. See layer.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "layer/layer.h"

void kind_deinit(struct kind *kind)
{
	for (size_t i = 0; i < LAYER_OPTIONS_MAX; i++)
		free(kind->texts[i]);
}

int kind_values(const struct kind *kind, struct spt_option_value *values,
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

int kind_copy(const struct kind *from, struct kind *to)
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

int kind_apply(struct kind *wanted, const char *setting, struct spt_error *error)
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

int kinds_make(struct layers *layers, const struct spt_option_value *values,
	struct spt_error *error)
{
	const struct layer_ops *order[2 * LAYER_KINDS];
	size_t n = 0, kinds = 0;

	if (values && values[LAYER_OPTION_LAYERS].set) {
		int r = layer_names(values[LAYER_OPTION_LAYERS].text, order, &n, error);
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
