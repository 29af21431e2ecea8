/* SPDX-License-Identifier: MIT */
/* Limits in replies: see clamp.h. */
#include "passthrough/clamp.h"

#include <stdbool.h>

#include "base/be.h"
#include "base/util.h"

#define INQUIRY           0x12
#define READ_BLOCK_LIMITS 0x05
#define BLOCK_LIMITS      0xb0

/* Page B0h is this one for disks, zoned ones too; tapes have another under that number. */
static bool is_block_limits(const uint8_t *data, uint32_t bytes)
{
	uint8_t type = bytes >= 2 && data[1] == BLOCK_LIMITS ? data[0] & 0x1f : 0x1f;

	return type == 0x00 || type == 0x0e || type == 0x14;
}

/* Block Limits page: where its fields end is what must have come of it. */
static void clamp_block_limits(uint8_t *page, uint32_t bytes, uint32_t blocks)
{
	/* COMPARE AND WRITE moves each block twice, as verified data and as new data. */
	if (bytes >= 6)
		page[5] = (uint8_t)MIN((uint32_t)page[5], blocks / 2);
	if (bytes >= 12) {
		uint32_t told = be32_get(page + 8); /* 0: no limit */
		be32_put(page + 8, told ? MIN(told, blocks) : blocks);
	}
	if (bytes >= 16)
		be32_put(page + 12, MIN(be32_get(page + 12), blocks)); /* 0: not told */
}

/* Of multiples of the granularity; 0: no limit. */
static void clamp_tape_block(uint8_t *data, uint32_t bytes, uint32_t max_bytes)
{
	unsigned granularity = data[0] & 0x1f;
	uint32_t limit = MIN(max_bytes, UINT32_C(0xffffff));

	if (bytes < 4)
		return;
	if (granularity < 24)
		limit &= ~((UINT32_C(1) << granularity) - 1);
	uint32_t told = be24_get(data + 1);
	be24_put(data + 1, told ? MIN(told, limit) : limit);
}

void clamp_reply(const uint8_t *cdb, uint8_t *data, uint32_t bytes, uint32_t max_transfer_bytes,
	uint32_t block_bytes)
{
	if (cdb[0] == INQUIRY) {
		if ((cdb[1] & 0x01) && cdb[2] == BLOCK_LIMITS && block_bytes &&
			is_block_limits(data, bytes))
			clamp_block_limits(data, bytes, max_transfer_bytes / block_bytes);
	} else if (cdb[0] == READ_BLOCK_LIMITS && !(cdb[1] & 0x01)) {
		/* MLOI asks for another list, of object identifiers. */
		clamp_tape_block(data, bytes, max_transfer_bytes);
	}
}
