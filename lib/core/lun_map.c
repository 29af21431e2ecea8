/* SPDX-License-Identifier: MIT */
/* LUN maps: immutable once made, sorted by LUN, counted by the target and by each session. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

#define LUN_MAX 16383u /* flat space addressing: 14 bits (SAM-5 4.7.7.4) */

struct spt_lun_map {
	atomic_uint refs;
	size_t n;
	struct spt_identity *identities; /* of those entries that have one */
	struct spt_lun_entry entries[];
};

static int by_lun(const void *a, const void *b)
{
	const struct spt_lun_entry *x = a, *y = b;
	return (int)x->lun - (int)y->lun;
}

static bool luns_ok(const struct spt_lun_entry *sorted, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (sorted[i].lun > LUN_MAX || (i > 0 && sorted[i].lun == sorted[i - 1].lun))
			return false;
	}
	return true;
}

/* Memory of our own for the identities, so that entries may be had and copied. */
static int copy_identities(struct spt_lun_map *map, size_t n)
{
	map->identities = calloc(n + 1, sizeof(*map->identities));
	if (!map->identities)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!map->entries[i].identity)
			continue;
		map->identities[i] = *map->entries[i].identity;
		map->entries[i].identity = &map->identities[i];
	}
	return 0;
}

int spt_lun_map_new(const struct spt_lun_entry *entries, size_t n, struct spt_lun_map **ret)
{
	struct spt_lun_map *map = calloc(1, sizeof(*map) + n * sizeof(*entries));

	if (!map)
		return -ENOMEM;
	atomic_init(&map->refs, 1);
	if (n) {
		memcpy(map->entries, entries, n * sizeof(*entries));
		qsort(map->entries, n, sizeof(*entries), by_lun);
	}
	int r = luns_ok(map->entries, n) ? copy_identities(map, n) : -EINVAL;
	if (r < 0) {
		free(map);
		return r;
	}
	for (; map->n < n; map->n++)
		spt_device_ref(map->entries[map->n].device);
	*ret = map;
	return 0;
}

struct spt_lun_map *spt_lun_map_ref(struct spt_lun_map *map)
{
	atomic_fetch_add_explicit(&map->refs, 1, memory_order_relaxed);
	return map;
}

/* @context: of the loop that this is called on; NULL: where it may block. */
void lun_map_let_go(struct spt_context *context, struct spt_lun_map *map)
{
	if (!map || atomic_fetch_sub_explicit(&map->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < map->n; i++) {
		if (context)
			spt_device_let_go(context, map->entries[i].device);
		else
			spt_device_unref(map->entries[i].device);
	}
	free(map->identities);
	free(map);
}

void spt_lun_map_unref(struct spt_lun_map *map)
{
	lun_map_let_go(NULL, map);
}

size_t spt_lun_map_count(const struct spt_lun_map *map)
{
	return map->n;
}

const struct spt_lun_entry *spt_lun_map_at(const struct spt_lun_map *map, size_t i)
{
	return &map->entries[i];
}
