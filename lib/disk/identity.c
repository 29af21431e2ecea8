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

/* SPC-5 4.3.1: ASCII data fields hold graphic characters and spaces. */
static int copy_ascii(char *to, size_t bytes, const struct spt_option_value *v, const char *name,
	struct spt_error *error)
{
	for (const char *p = v->text; *p; p++) {
		if (*p < 0x20 || *p > 0x7e)
			return spt_error_set(error, -EINVAL, "%s: only printable ASCII is allowed",
				name);
	}
	snprintf(to, bytes, "%s", v->text);
	return 0;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* SPC-5 7.7.6.6: NAA 2h, 3h and 5h have 8 bytes, 6h has 16. */
static int parse_naa(const char *text, struct disk_identity *id, struct spt_error *error)
{
	size_t digits = strlen(text);
	bool right = digits == 32 ? text[0] == '6'
				  : digits == 16 && text[0] && strchr("235", text[0]);

	if (!right)
		return spt_error_set(error, -EINVAL,
			"naa: 16 digits that begin with 2, 3 or 5, or 32 that begin with 6");
	for (size_t i = 0; i < digits; i++) {
		int d = digit(text[i]);
		if (d < 0)
			return spt_error_set(error, -EINVAL, "naa: '%c' is no hexadecimal digit",
				text[i]);
		id->naa[i / 2] = (uint8_t)(id->naa[i / 2] << 4 | d);
	}
	id->naa_bytes = (uint8_t)(digits / 2);
	return 0;
}

int disk_identity_make(const struct spt_open *open, struct spt_error *error,
	struct disk_identity *ret)
{
	const struct spt_option_value *v = open->values;
	struct disk_identity id = { .naa_bytes = 8 };
	int r = copy_ascii(id.vendor, sizeof(id.vendor), &v[OPTION_VENDOR], "vendor", error);

	if (r == 0)
		r = copy_ascii(id.product, sizeof(id.product), &v[OPTION_PRODUCT], "product",
			error);
	if (r == 0)
		r = copy_ascii(id.revision, sizeof(id.revision), &v[OPTION_REVISION], "revision",
			error);
	if (r == 0 && v[OPTION_SERIAL].set)
		r = copy_ascii(id.serial, sizeof(id.serial), &v[OPTION_SERIAL], "serial", error);
	else
		snprintf(id.serial, sizeof(id.serial), "%016" PRIx64,
			hash(open->identity, open->name));
	if (r == 0 && v[OPTION_NAA].set)
		r = parse_naa(v[OPTION_NAA].text, &id, error);
	else /* locally assigned */
		be64_put(id.naa, 0x3ull << 60 | hash(~open->identity, open->name) >> 4);
	if (r == 0)
		*ret = id;
	return r;
}
