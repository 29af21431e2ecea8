/* SPDX-License-Identifier: MIT */
/* Vital product data pages: see vpd.h. */
#include "scsi/vpd.h"

#include <stdio.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"

enum {
	PAGE_HEADER = 4,
	NAME_MAX_BYTES = 252, /* a designator's length is one byte, in multiples of four */
};

enum { CODE_BINARY = 1, CODE_ASCII = 2, CODE_UTF8 = 3 };

#define PROTOCOL_ISCSI 0x5
#define PIV	       0x80 /* the protocol identifier is valid */

void vpd_begin(struct writer *w, uint8_t device_type, uint8_t page)
{
	wr_u8(w, device_type);
	wr_u8(w, page);
	wr_be16(w, 0);
}

int vpd_end(struct writer *w)
{
	if (!w->err)
		be16_put(w->start + 2, (uint16_t)(wr_len(w) - PAGE_HEADER));
	return w->err;
}

void vpd_supported_pages(struct writer *w, const uint8_t *pages, size_t n)
{
	wr_bytes(w, pages, n);
}

void vpd_serial_number(struct writer *w, const char *serial)
{
	wr_bytes(w, serial, strlen(serial));
}

static void designator(struct writer *w, uint8_t code, uint8_t type, enum vpd_association of,
	size_t bytes)
{
	/* SPC-5 7.7.6.1: the protocol is told for target ports and target devices only. */
	bool port = of != VPD_LOGICAL_UNIT;

	wr_u8(w, (uint8_t)((port ? PROTOCOL_ISCSI << 4 : 0) | code));
	wr_u8(w, (uint8_t)((port ? PIV : 0) | of << 4 | type));
	wr_u8(w, 0);
	wr_u8(w, (uint8_t)bytes);
}

void vpd_naa(struct writer *w, const uint8_t *naa, size_t bytes)
{
	designator(w, CODE_BINARY, VPD_TYPE_NAA, VPD_LOGICAL_UNIT, bytes);
	wr_bytes(w, naa, bytes);
}

void vpd_t10_vendor(struct writer *w, const char *vendor, const char *text)
{
	size_t bytes = strnlen(text, 200);

	designator(w, CODE_ASCII, VPD_TYPE_T10_VENDOR, VPD_LOGICAL_UNIT, 8 + bytes);
	wr_ascii(w, vendor, 8);
	wr_bytes(w, text, bytes);
}

void vpd_scsi_name(struct writer *w, enum vpd_association association, const char *name)
{
	size_t length = strnlen(name, NAME_MAX_BYTES - 1);
	size_t padded = ROUND_UP(length + 1, (size_t)4);

	designator(w, CODE_UTF8, VPD_TYPE_SCSI_NAME, association, padded);
	wr_bytes(w, name, length);
	wr_zero(w, padded - length);
}

void vpd_relative_port(struct writer *w, uint16_t port)
{
	designator(w, CODE_BINARY, VPD_TYPE_RELATIVE_PORT, VPD_TARGET_PORT, 4);
	wr_be16(w, 0);
	wr_be16(w, port);
}

void vpd_port_group(struct writer *w, uint16_t group)
{
	designator(w, CODE_BINARY, VPD_TYPE_PORT_GROUP, VPD_TARGET_PORT, 4);
	wr_be16(w, 0);
	wr_be16(w, group);
}

void vpd_target_port_name(struct writer *w, const char *target, uint16_t portal_group_tag)
{
	char name[NAME_MAX_BYTES];

	snprintf(name, sizeof(name), "%s,t,0x%04x", target, portal_group_tag);
	vpd_scsi_name(w, VPD_TARGET_PORT, name);
}

bool vpd_designator_next(const uint8_t *page, size_t bytes, size_t *at, struct vpd_designator *ret)
{
	if (bytes < VPD_DESIGNATOR_HEADER || *at > bytes - VPD_DESIGNATOR_HEADER)
		return false;
	const uint8_t *p = page + *at;
	if (p[3] > bytes - *at - VPD_DESIGNATOR_HEADER)
		return false;
	*ret = (struct vpd_designator){
		.start = p,
		.association = p[1] >> 4 & 0x3,
		.type = p[1] & 0xf,
		.data = p + VPD_DESIGNATOR_HEADER,
		.bytes = p[3],
	};
	*at += VPD_DESIGNATOR_HEADER + p[3];
	return true;
}

void vpd_extended_inquiry(struct writer *w)
{
	uint8_t *p = wr_reserve(w, 0x3c);

	if (p)
		p[1] = 0x07; /* byte 5: HEADSUP, ORDSUP, SIMPSUP */
}

void vpd_block_limits(struct writer *w, const struct vpd_block_limits *l)
{
	wr_u8(w, l->write_same_nonzero ? 1 : 0);
	wr_u8(w, l->compare_and_write_blocks);
	wr_be16(w, l->granularity_blocks);
	wr_be32(w, l->max_transfer_blocks);
	wr_be32(w, l->optimal_transfer_blocks);
	wr_be32(w, l->max_prefetch_blocks);
	wr_be32(w, l->max_unmap_blocks);
	wr_be32(w, l->max_unmap_descriptors);
	wr_be32(w, l->unmap_granularity_blocks);
	wr_be32(w, l->unmap_alignment_valid ? 0x80000000u | l->unmap_alignment_blocks : 0);
	wr_be64(w, l->max_write_same_blocks);
	wr_zero(w, 20); /* atomic writes: none */
}

void vpd_block_characteristics(struct writer *w, uint16_t rotation_rate)
{
	wr_be16(w, rotation_rate);
	wr_zero(w, 58);
}

void vpd_provisioning(struct writer *w, const struct vpd_provisioning *p)
{
	wr_u8(w, 0); /* THRESHOLD EXPONENT: none */
	wr_u8(w, (uint8_t)((p->unmap ? 0x80 : 0) | (p->write_same_16 ? 0x40 : 0) |
			   (p->write_same_10 ? 0x20 : 0) | (p->reads_zeros ? 0x04 : 0)));
	wr_u8(w, p->thin ? 2 : 0);
	wr_u8(w, 0);
}
