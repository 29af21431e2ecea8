/* SPDX-License-Identifier: MIT */
/* Sets of layers: see layer.h. An instance that no set has any more waits for the next change to be closed. */
#include <stdlib.h>

#include "layer/layer.h"

struct set *set_ref(struct set *set)
{
	if (set)
		atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

void set_unref(struct set *set)
{
	if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (unsigned i = 0; i < set->n; i++)
		atomic_fetch_sub_explicit(&set->instances[i]->refs, 1, memory_order_release);
	free(set);
}

bool set_has(const struct set *set, const struct instance *instance)
{
	for (unsigned i = 0; set && i < set->n; i++) {
		if (set->instances[i] == instance)
			return true;
	}
	return false;
}
