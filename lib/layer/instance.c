/* SPDX-License-Identifier: MIT */
/* A layer that was opened with its options, and is closed when no set has it any more. See layer.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "layer/layer.h"

int instance_open(struct layers *layers, const struct kind *kind, struct spt_error *error,
	struct instance **ret)
{
	struct spt_option_value values[LAYER_OPTIONS_MAX];
	int r = kind_values(kind, values, error);

	if (r == 0)
		r = kind->ops->check(values, error);
	if (r < 0)
		return r;
	struct instance *i = calloc(1, sizeof(*i));
	if (!i)
		return spt_error_set(error, -ENOMEM, "out of memory");
	i->ops = kind->ops;
	atomic_init(&i->refs, 0);
	r = kind->ops->open(layers->device, values, error, &i->state);
	if (r < 0) {
		free(i);
		return r;
	}
	list_append(&layers->instances, &i->link);
	*ret = i;
	return 0;
}

void instances_sweep(struct layers *layers)
{
	struct instance *i, *next;

	list_foreach_safe (i, next, &layers->instances, link) {
		if (atomic_load_explicit(&i->refs, memory_order_acquire))
			continue;
		list_del(&i->link);
		i->ops->close(i->state);
		free(i);
	}
}
