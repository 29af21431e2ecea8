/* SPDX-License-Identifier: MIT */
/* Standard INQUIRY data (SPC-5 6.6.2). */
#ifndef SCSI_INQUIRY_H
#define SCSI_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INQUIRY_BYTES		96u
#define INQUIRY_DESCRIPTORS_MAX 8u

/* Version descriptors (SPC-5 table 148) of what we speak. */
enum inquiry_version {
	VERSION_SAM_5 = 0x00a0,
	VERSION_SPC_4 = 0x0460,
	VERSION_SBC_3 = 0x04c0,
	VERSION_ISCSI = 0x0960, /* no version claimed: inquiry_iscsi_version() */
	VERSION_SPC_5 = 0x05c0,
	VERSION_SBC_4 = 0x0600,
};

/* Bits of standard INQUIRY data that tell what a target offers, by byte. */
enum inquiry_bit {
	INQUIRY_NORMACA = 0x20, /* 3 */
	INQUIRY_TPGS = 0x30,	/* 5 */
	INQUIRY_3PC = 0x08,	/* 5 */
	INQUIRY_MULTIP = 0x10,	/* 6 */
	INQUIRY_CMDQUE = 0x02,	/* 7 */
};

struct inquiry {
	uint8_t device_type;
	bool removable;
	uint8_t tpgs;	     /* 0: no asymmetric access */
	const char *vendor;  /* 8 */
	const char *product; /* 16 */
	const char *revision; /* 4 */
	uint16_t versions[INQUIRY_DESCRIPTORS_MAX];
};

/* Always INQUIRY_BYTES long. */
void inquiry_build(const struct inquiry *inquiry, uint8_t ret[INQUIRY_BYTES]);
/*
 * In the version descriptors of @data, of which @bytes are there: the transport protocols' give way to
 * @version, which takes the first place that is free if there was none. Data without them stay so.
 */
void inquiry_set_transport(uint8_t *data, size_t bytes, uint16_t version);
/* RFC 7144 4.2: of iSCSI, for a nexus with this iSCSIProtocolLevel. */
uint16_t inquiry_iscsi_version(uint8_t protocol_level);

#endif
