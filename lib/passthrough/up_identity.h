/* SPDX-License-Identifier: MIT */
/*
 * Who the logical unit at the far side is: its type, serial number (VPD page 80h) and the
 * designators of the logical unit itself (page 83h; those of ports differ from portal to portal).
 * An upstream that comes back as another one, perhaps with somebody else's data on it, is not used.
 */
#ifndef PASSTHROUGH_UP_IDENTITY_H
#define PASSTHROUGH_UP_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct up_identity {
	uint8_t device_type;
	uint8_t product[24]; /* vendor and product of the standard INQUIRY data */
	uint16_t serial_bytes, designators_bytes; /* 0: it tells none */
	uint8_t serial[128];
	uint8_t designators[512]; /* descriptors as in page 83h, as many as fit */
};

/* Each reads the data of an INQUIRY. False: there is no logical unit, or the data is none. */
bool up_identity_inquiry(struct up_identity *identity, const uint8_t *data, size_t bytes);
void up_identity_serial(struct up_identity *identity, const uint8_t *data, size_t bytes);
void up_identity_designators(struct up_identity *identity, const uint8_t *data, size_t bytes);

bool up_identity_same(const struct up_identity *a, const struct up_identity *b);
/* For a log: its NAA or serial number, or what kind of thing it is. */
void up_identity_print(const struct up_identity *identity, char *text, size_t size);

#endif
