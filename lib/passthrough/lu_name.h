/* SPDX-License-Identifier: MIT */
/*
 * Who a logical unit is, by what it says of itself: the designators of its Device Identification
 * page (VPD 83h), its serial number (VPD 80h), vendor and product. Nodes and addresses of a
 * machine move from one device to another; this does not.
 */
#ifndef PASSTHROUGH_LU_NAME_H
#define PASSTHROUGH_LU_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SPC-5 7.7.6.1: types that a name is good for; what vendors number freely is none. */
enum lu_designator {
	LU_T10_VENDOR = 1,
	LU_EUI64 = 2,
	LU_NAA = 3,
	LU_SCSI_NAME = 8,
	LU_UUID = 10,
};

struct lu_name {
	char model[25];  /* vendor and product identification, as they stand in the data */
	char serial[65]; /* empty: not told */
	uint8_t designators[512]; /* of the logical unit: type, length, bytes; one after the other */
	uint16_t designator_bytes;
};

/* Each takes the data of the command or file that it is named after; what is malformed tells
 * nothing. */
void lu_name_inquiry(struct lu_name *name, const uint8_t *data, size_t bytes);
void lu_name_vpd_80(struct lu_name *name, const uint8_t *data, size_t bytes);
void lu_name_vpd_83(struct lu_name *name, const uint8_t *data, size_t bytes);

enum lu_same {
	LU_SAME,
	LU_OTHER,
	LU_UNTOLD, /* neither tells more than its model, which is the same */
};

enum lu_same lu_name_compare(const struct lu_name *a, const struct lu_name *b);
/* Is this one of its designators? LU_NAA and so on, in binary. */
bool lu_name_has(const struct lu_name *name, uint8_t type, const uint8_t *value, size_t bytes);

#define LU_NAME_TEXT 100
/* For people, and the way it is written in a configuration where it can be: "naa.5000c500a1b2c3d4",
 * "serial:X", or the model alone. */
const char *lu_name_text(const struct lu_name *name, char text[LU_NAME_TEXT]);

#endif
