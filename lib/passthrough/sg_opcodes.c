/* SPDX-License-Identifier: MIT */
/* Command timeouts that a device tells: see sg_opcodes.h. */
#include "passthrough/sg_opcodes.h"

#include <stdbool.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"

#define RCTD		 0x80u /* return command timeouts descriptors */
#define ALL_COMMANDS	 0x00u
#define ONE_COMMAND	 0x01u
#define DESCRIPTOR_BYTES 8u
#define TIMEOUTS_BYTES	 12u

static void ask(uint8_t cdb[16], uint8_t option, uint8_t opcode, uint32_t allocation)
{
	memset(cdb, 0, 16);
	cdb[0] = 0xa3; /* MAINTENANCE IN */
	cdb[1] = 0x0c; /* REPORT SUPPORTED OPERATION CODES */
	cdb[2] = (uint8_t)(RCTD | option);
	cdb[3] = opcode;
	be32_put(cdb + 6, allocation);
}

void sg_opcodes_ask_all(uint8_t cdb[16], uint32_t allocation)
{
	ask(cdb, ALL_COMMANDS, 0, allocation);
}

void sg_opcodes_ask_one(uint8_t cdb[16], uint8_t opcode, uint32_t allocation)
{
	ask(cdb, ONE_COMMAND, opcode, allocation);
}

/* SPC-5 6.34.4: a length of 0Ah, one byte of the command set's own, the two times. */
static bool read_timeouts(const uint8_t *p, struct sg_told *told)
{
	if (be16_get(p) < TIMEOUTS_BYTES - 2)
		return false;
	told->nominal_s = MAX(told->nominal_s, be32_get(p + 4));
	told->recommended_s = MAX(told->recommended_s, be32_get(p + 8));
	return be32_get(p + 4) || be32_get(p + 8);
}

unsigned sg_opcodes_read_all(const uint8_t *data, size_t bytes, struct sg_told told[256])
{
	unsigned n = 0;

	if (bytes < 4)
		return 0;
	size_t left = MIN((size_t)be32_get(data), bytes - 4);
	const uint8_t *p = data + 4;
	while (left >= DESCRIPTOR_BYTES) {
		bool timeouts = p[5] & 0x02; /* CTDP */
		size_t whole = DESCRIPTOR_BYTES + (timeouts ? TIMEOUTS_BYTES : 0);
		if (left < whole)
			break;
		if (timeouts && read_timeouts(p + DESCRIPTOR_BYTES, &told[p[0]]))
			n++;
		p += whole;
		left -= whole;
	}
	return n;
}

unsigned sg_opcodes_read_one(const uint8_t *data, size_t bytes, uint8_t opcode,
	struct sg_told told[256])
{
	if (bytes < 4 || !(data[1] & 0x80)) /* CTDP */
		return 0;
	size_t cdb_bytes = be16_get(data + 2);
	if (bytes < 4 + cdb_bytes + TIMEOUTS_BYTES)
		return 0;
	return read_timeouts(data + 4 + cdb_bytes, &told[opcode]) ? 1 : 0;
}
