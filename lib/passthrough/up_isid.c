/* SPDX-License-Identifier: MIT */
/* ISIDs towards upstream targets: see up_isid.h. */
#include "passthrough/up_isid.h"

#include <string.h>

#include "base/be.h"

/* FNV-1a, 64 bits. */
static uint64_t mix(uint64_t h, const void *data, size_t bytes)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < bytes; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t mix_text(uint64_t h, const char *text)
{
	return mix(h, text, strlen(text) + 1);
}

struct up_isid up_isid_shared(const char *device, uint16_t slot)
{
	uint64_t h = mix_text(UINT64_C(0xcbf29ce484222325), device);

	return (struct up_isid){ .random = ((h ^ h >> 32) >> 8) & 0xffffff, .qualifier = slot };
}

struct up_isid up_isid_of(const char *device, const struct spt_nexus *nexus)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	uint8_t tag[2];

	h = mix_text(h, device);
	h = mix_text(h, nexus->initiator_name);
	h = mix(h, nexus->isid, sizeof(nexus->isid));
	h = mix_text(h, nexus->target_name);
	be16_put(tag, nexus->target_portal_group_tag);
	h = mix(h, tag, sizeof(tag));
	h ^= h >> 32;
	return (struct up_isid){ .random = (h >> 16) & 0xffffff, .qualifier = (uint16_t)h };
}
