/* SPDX-License-Identifier: MIT */
/*
 * Names of additional sense codes (SPC-5 annex F.2), sorted by code so that a name is found by
 * bisection. Codes for which the qualifier is a number (40h and 4Dh) have one row.
 */
#include <spt/sense.h>

#include "base/util.h"

struct asc_name {
	spt_asc_t asc;
	const char *name;
};

static const struct asc_name NAMES[] = {
#define ASC(code, name) { code, name },
#include "asc.def"
#undef ASC
};

static const char *ranged_name(spt_asc_t asc)
{
	switch (asc >> 8) {
	case 0x40:
		return asc & 0x80 ? "DIAGNOSTIC FAILURE ON COMPONENT" : NULL;
	case 0x4d:
		return "TAGGED OVERLAPPED COMMANDS";
	case 0x70:
		return "DECOMPRESSION EXCEPTION SHORT ALGORITHM ID";
	default:
		return NULL;
	}
}

const char *spt_asc_name(spt_asc_t asc)
{
	size_t low = 0, high = ARRAY_SIZE(NAMES);

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (NAMES[middle].asc == asc)
			return NAMES[middle].name;
		if (NAMES[middle].asc < asc)
			low = middle + 1;
		else
			high = middle;
	}
	const char *name = ranged_name(asc);
	if (name)
		return name;
	return (asc >> 8) >= 0x80 || (asc & 0xff) >= 0x80 ? "VENDOR SPECIFIC" : "UNKNOWN";
}
