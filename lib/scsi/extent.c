/* SPDX-License-Identifier: MIT */
/* Where commands name logical blocks: see extent.h. */
#include "scsi/extent.h"

#include "base/util.h"
#include "scsi/cdb.h"

struct row {
	uint8_t opcode;
	uint16_t service_action; /* or CDB_NO_SERVICE_ACTION */
	uint8_t lba, lba_bytes, blocks, blocks_bytes;
};

#define NO_SA CDB_NO_SERVICE_ACTION
#define TEN(opcode)	{ opcode, NO_SA, 2, 4, 7, 2 }
#define TWELVE(opcode)	{ opcode, NO_SA, 2, 4, 6, 4 }
#define SIXTEEN(opcode) { opcode, NO_SA, 2, 8, 10, 4 }
#define LONG(action)	{ 0x7f, action, 12, 8, 28, 4 }

static const struct row ROWS[] = {
	{ 0x08, NO_SA, 1, 3, 4, 1 }, /* READ(6) */
	{ 0x0a, NO_SA, 1, 3, 4, 1 }, /* WRITE(6) */
	TEN(0x28), TEN(0x2a), TEN(0x2e), TEN(0x2f), TEN(0x34), TEN(0x35), TEN(0x41),
	SIXTEEN(0x88),
	{ 0x89, NO_SA, 2, 8, 13, 1 }, /* COMPARE AND WRITE */
	SIXTEEN(0x8a), SIXTEEN(0x8e), SIXTEEN(0x8f), SIXTEEN(0x90), SIXTEEN(0x91), SIXTEEN(0x93),
	{ 0x9c, NO_SA, 2, 8, 12, 2 }, /* WRITE ATOMIC(16) */
	{ 0x9e, 0x12, 2, 8, 0, 0 },   /* GET LBA STATUS */
	TWELVE(0xa8), TWELVE(0xaa), TWELVE(0xae), TWELVE(0xaf),
	LONG(0x09), LONG(0x0a), LONG(0x0b), LONG(0x0c), LONG(0x0d),
};

static uint64_t number(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

static const struct row *find(const uint8_t *cdb, size_t bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		const struct row *r = &ROWS[i];
		if (r->opcode != cdb[0] || bytes < r->lba + (size_t)r->lba_bytes ||
			bytes < r->blocks + (size_t)r->blocks_bytes)
			continue;
		if (r->service_action == NO_SA || r->service_action == cdb_service_action(cdb, bytes))
			return r;
	}
	return NULL;
}

bool cdb_extent(const uint8_t *cdb, size_t bytes, unsigned families, struct cdb_extent *ret)
{
	const struct row *r = bytes && (families & (CDB_SBC | CDB_MMC)) ? find(cdb, bytes) : NULL;

	if (!r)
		return false;
	*ret = (struct cdb_extent){
		.lba = number(cdb + r->lba, r->lba_bytes),
		.blocks = r->blocks_bytes ? number(cdb + r->blocks, r->blocks_bytes) : 1,
	};
	if (r->lba_bytes == 3) { /* SBC-4 5.8: 21 bits, and no blocks are 256 */
		ret->lba &= 0x1fffff;
		ret->blocks = ret->blocks ? ret->blocks : 256;
	}
	return true;
}
