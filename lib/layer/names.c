/* SPDX-License-Identifier: MIT */
/* The layers there are, by name, and whether the options of all of them are right together. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "layer/layer.h"

const struct layer_ops *const LAYERS[LAYER_KINDS] = { &LAYER_TRACE, &LAYER_DELAY, &LAYER_FAULT };

const struct spt_option *spt_layer_options(size_t *ret_n)
{
	*ret_n = LAYER_OPTIONS;
	return LAYER_ROWS;
}

int layer_unknown(const char *name, struct spt_error *error)
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

int layer_names(const char *text, const struct layer_ops **ret, size_t *ret_n,
	struct spt_error *error)
{
	size_t n = 0;

	for (text += strspn(text, " \t,"); *text; text += strspn(text, " \t,")) {
		size_t length = strcspn(text, " \t,");
		char name[41];
		snprintf(name, sizeof(name), "%.*s", (int)MIN(length, sizeof(name) - 1), text);
		const struct layer_ops *ops = find(name);
		if (!ops) {
			layer_unknown(name, error);
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
	int r = v->set ? layer_names(v->text, on, &n, error) : 0;

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
