/* SPDX-License-Identifier: MIT */
/*
 * Messages of the Internet Storage Name Service (RFC 4171 5 and 6): the header of a PDU, attributes
 * (tag, length, value), and the numbers. What comes from a server is bounded by its PDU.
 */
#ifndef ISNS_FORMAT_H
#define ISNS_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"

#define ISNS_PORT         3205u
#define ISNS_HEADER_BYTES 12u
#define ISNS_PDU_MAX      (ISNS_HEADER_BYTES + 65532u) /* RFC 4171 5.1.3: a multiple of 4 */
#define ISNS_TEXT_MAX     255u /* without the NUL: of names, 223; of other texts, 255 */

/* RFC 4171 5.1.2: FUNCTION_ID; an answer has ISNS_ANSWER as well. */
enum isns_function {
	ISNS_DEV_ATTR_REG = 0x0001,
	ISNS_DEV_ATTR_QRY = 0x0002,
	ISNS_DEV_DEREG = 0x0004,
	ISNS_SCN_REG = 0x0005,
	ISNS_SCN = 0x0008,
	ISNS_ESI = 0x000d,
	ISNS_ANSWER = 0x8000,
};

/* RFC 4171 5.1.4 */
enum isns_flag {
	ISNS_FROM_CLIENT = 0x8000,
	ISNS_FROM_SERVER = 0x4000,
	ISNS_REPLACE = 0x1000,
	ISNS_LAST = 0x0800,
	ISNS_FIRST = 0x0400,
};

/* RFC 4171 5.4: those that mean something to us. */
enum isns_status {
	ISNS_OK = 0,
	ISNS_NO_SUCH_ENTRY = 9,
	ISNS_NOT_SUPPORTED = 15,
	ISNS_SCN_REJECTED = 17,
	ISNS_ESI_UNAVAILABLE = 21,
	ISNS_FEATURE_UNAVAILABLE = 23,
};

/* RFC 4171 6.1 */
enum isns_tag {
	ISNS_TAG_DELIMITER = 0,
	ISNS_TAG_ENTITY = 1,
	ISNS_TAG_PROTOCOL = 2,
	ISNS_TAG_TIMESTAMP = 4,
	ISNS_TAG_PERIOD = 6,
	ISNS_TAG_PORTAL_ADDRESS = 16,
	ISNS_TAG_PORTAL_PORT = 17,
	ISNS_TAG_ESI_INTERVAL = 19,
	ISNS_TAG_ESI_PORT = 20,
	ISNS_TAG_SCN_PORT = 23,
	ISNS_TAG_NODE_NAME = 32,
	ISNS_TAG_NODE_TYPE = 33,
	ISNS_TAG_NODE_ALIAS = 34,
	ISNS_TAG_SCN_BITMAP = 35,
	ISNS_TAG_AUTH_METHOD = 42,
	ISNS_TAG_PG_ADDRESS = 49,
	ISNS_TAG_PG_PORT = 50,
	ISNS_TAG_PG_TAG = 51,
};

#define ISNS_PROTOCOL_ISCSI   2u /* 6.2.2 */
#define ISNS_NODE_TYPE_TARGET 1u /* 6.4.2: bit 31 */

/* RFC 4171 6.4.4: bit 31 is the lowest. */
enum isns_scn_bit {
	ISNS_SCN_UPDATED = 1 << 2,
	ISNS_SCN_ADDED = 1 << 3,
	ISNS_SCN_REMOVED = 1 << 4,
	ISNS_SCN_INITIATORS_AND_SELF = 1 << 7,
};

struct isns_header {
	uint16_t function; /* enum isns_function */
	uint16_t bytes;    /* of the payload */
	uint16_t flags;    /* enum isns_flag */
	uint16_t transaction;
	uint16_t sequence;
};

/* @data: ISNS_HEADER_BYTES. 0, or -EBADMSG: another version, or a length that there is not. */
int isns_header_decode(const uint8_t *data, struct isns_header *ret);
/* Into the start of @w, which has had room reserved for it; the length is what follows. */
void isns_header_put(struct writer *w, const struct isns_header *header);

struct isns_attribute {
	uint32_t tag;
	uint32_t bytes;
	const uint8_t *value; /* in the PDU */
};

/* The next attribute; false at the end, or with @c->err set where there is no whole one. */
bool isns_next(struct cursor *c, struct isns_attribute *ret);
/* A number of four bytes. */
bool isns_number(const struct isns_attribute *a, uint32_t *ret);
/* A text that is ended and padded by NULs: its length without them; -1 if it is none. */
int isns_text_bytes(const struct isns_attribute *a);
bool isns_text_is(const struct isns_attribute *a, const char *text);

void isns_put(struct writer *w, uint32_t tag, const void *value, uint32_t bytes);
void isns_put_number(struct writer *w, uint32_t tag, uint32_t value);
/* With its NUL, padded to a multiple of 4 (5.3.1). */
void isns_put_text(struct writer *w, uint32_t tag, const char *text);
void isns_put_nothing(struct writer *w, uint32_t tag);

/* "Invalid Registration"; never NULL. */
const char *isns_status_name(uint32_t status);

#endif
