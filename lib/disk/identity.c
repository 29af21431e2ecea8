/* SPDX-License-Identifier: MIT */
/*
 * A disk's identity must be its own (initiators join paths by it) and stay the same over restarts.
 * By default it is a hash of the machine's identity and the device's name.
 */
#include "disk/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/be.h"
#include "disk/backend.h"
#include "scsi/identity.h"

/* FNV-1a over the name, begun with the machine; then mixed so that every bit counts everywhere. */
static uint64_t hash(uint64_t seed, const char *name)
{
	uint64_t h = 0xcbf29ce484222325ull ^ seed;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ull;
	h ^= h >> 30;
	h *= 0xbf58476d1ce4e5b9ull;
	h ^= h >> 27;
	h *= 0x94d049bb133111ebull;
	return h ^ h >> 31;
}

int disk_identity_make(const struct spt_open *open, struct spt_error *error,
	struct disk_identity *ret)
{
	const struct spt_option_value *v = open->values;
	struct disk_identity id = { .naa_bytes = 8 };
	int r = identity_text(id.vendor, sizeof(id.vendor), &v[OPTION_VENDOR], "vendor", error);

	if (r == 0)
		r = identity_text(id.product, sizeof(id.product), &v[OPTION_PRODUCT], "product",
			error);
	if (r == 0)
		r = identity_text(id.revision, sizeof(id.revision), &v[OPTION_REVISION], "revision",
			error);
	if (r == 0 && v[OPTION_SERIAL].set)
		r = identity_text(id.serial, sizeof(id.serial), &v[OPTION_SERIAL], "serial", error);
	else
		snprintf(id.serial, sizeof(id.serial), "%016" PRIx64,
			hash(open->identity, open->name));
	if (r == 0 && v[OPTION_NAA].set)
		r = identity_naa(v[OPTION_NAA].text, id.naa, &id.naa_bytes, error);
	else /* locally assigned */
		be64_put(id.naa, 0x3ull << 60 | hash(~open->identity, open->name) >> 4);
	if (r == 0)
		*ret = id;
	return r;
}
