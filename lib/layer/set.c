/* SPDX-License-Identifier: MIT */
/* Sets of layers: see layer.h. An instance that no set has any more is closed off the loop. */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "layer/layer.h"

int set_make(const struct layers *layers, struct set **ret)
{
	struct set *set = calloc(1, sizeof(*set));

	if (!set)
		return -ENOMEM;
	atomic_init(&set->refs, 1);
	for (size_t i = 0; i < LAYER_KINDS; i++) {
		struct instance *instance = layers->kinds[i].instance;
		if (!instance)
			continue;
		atomic_fetch_add_explicit(&instance->refs, 1, memory_order_relaxed);
		set->instances[set->n++] = instance;
	}
	if (!set->n)
		free(TAKE(set));
	*ret = set;
	return 0;
}

struct set *set_ref(struct set *set)
{
	if (set)
		atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

bool set_unref(struct set *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
		return false;
	for (unsigned i = 0; i < set->n; i++)
		atomic_fetch_sub_explicit(&set->instances[i]->refs, 1, memory_order_release);
	free(set);
	return true;
}

bool set_has(const struct set *set, const struct instance *instance)
{
	for (unsigned i = 0; set && i < set->n; i++) {
		if (set->instances[i] == instance)
			return true;
	}
	return false;
}
