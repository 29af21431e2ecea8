/* SPDX-License-Identifier: MIT */
/*
 * CRC32C as iSCSI uses it (RFC 7143 13.1 and appendix A.4): over several pieces, in order, and four
 * bytes on the wire.
 *
 *   crc32c_t crc = crc32c_begin();
 *   crc = crc32c_add(crc, header, 48);
 *   crc32c_put(crc, wire);            or: crc32c_equal(crc, wire)
 *
 * A header digest covers BHS and AHS, a data digest the data segment and its padding.
 */
#ifndef WIRE_DIGEST_H
#define WIRE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	uint32_t v;
} crc32c_t;

static inline crc32c_t crc32c_begin(void)
{
	return (crc32c_t){ 0xffffffffu };
}

crc32c_t crc32c_add(crc32c_t crc, const void *data, size_t bytes);

/* The digest as it goes over the wire: the complement, least significant byte first. */
static inline void crc32c_put(crc32c_t crc, uint8_t *wire)
{
	uint32_t v = ~crc.v;

	wire[0] = (uint8_t)v;
	wire[1] = (uint8_t)(v >> 8);
	wire[2] = (uint8_t)(v >> 16);
	wire[3] = (uint8_t)(v >> 24);
}

static inline bool crc32c_equal(crc32c_t crc, const uint8_t *wire)
{
	uint32_t v = ~crc.v;

	return wire[0] == (uint8_t)v && wire[1] == (uint8_t)(v >> 8) &&
		wire[2] == (uint8_t)(v >> 16) && wire[3] == (uint8_t)(v >> 24);
}

/* The table version, which is what crc32c_add() is without isa-l. */
crc32c_t crc32c_add_portable(crc32c_t crc, const void *data, size_t bytes);
/* "isa-l" or "table". */
const char *crc32c_engine(void);

#endif
