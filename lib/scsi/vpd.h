/* SPDX-License-Identifier: MIT */
/*
 * Vital product data pages (SPC-5 7.7, SBC-4 6.6). A page is begun, filled with the writer, and
 * ended, which puts its length; designators of page 83h are appended one by one.
 */
#ifndef SCSI_VPD_H
#define SCSI_VPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

/* The longest page that is built here: 83h with every designator. */
#define VPD_MAX 1024u

enum vpd_page {
	VPD_SUPPORTED_PAGES = 0x00,
	VPD_UNIT_SERIAL_NUMBER = 0x80,
	VPD_DEVICE_IDENTIFICATION = 0x83,
	VPD_EXTENDED_INQUIRY = 0x86,
	VPD_SCSI_PORTS = 0x88,
	VPD_BLOCK_LIMITS = 0xb0,
	VPD_BLOCK_CHARACTERISTICS = 0xb1,
	VPD_LOGICAL_BLOCK_PROVISIONING = 0xb2,
};

/* SPC-5 7.7.6.1: what a designator names. */
enum vpd_association {
	VPD_LOGICAL_UNIT = 0,
	VPD_TARGET_PORT = 1,
	VPD_TARGET_DEVICE = 2,
};

/* SPC-5 table 560: DESIGNATOR TYPE. */
enum vpd_designator_type {
	VPD_TYPE_VENDOR = 0,
	VPD_TYPE_T10_VENDOR = 1,
	VPD_TYPE_NAA = 3,
	VPD_TYPE_RELATIVE_PORT = 4,
	VPD_TYPE_PORT_GROUP = 5,
	VPD_TYPE_GROUP = 6,
	VPD_TYPE_SCSI_NAME = 8,
};

#define VPD_DESIGNATOR_HEADER 4u

void vpd_begin(struct writer *w, uint8_t device_type, uint8_t page);
/* 0, or the writer's error. */
int vpd_end(struct writer *w);

void vpd_supported_pages(struct writer *w, const uint8_t *pages, size_t n);
void vpd_serial_number(struct writer *w, const char *serial);

/* Designators (SPC-5 7.7.6). */
void vpd_naa(struct writer *w, const uint8_t *naa, size_t bytes);
void vpd_t10_vendor(struct writer *w, const char *vendor, const char *text);
/* SPC-5 7.7.6.10: UTF-8, terminated and filled with zeros to a multiple of four. */
void vpd_scsi_name(struct writer *w, enum vpd_association association, const char *name);
void vpd_relative_port(struct writer *w, uint16_t port);
void vpd_port_group(struct writer *w, uint16_t group);
/* The name of an iSCSI target port: the target's, ",t,0x" and the portal group tag (RFC 7143 4.4.2). */
void vpd_target_port_name(struct writer *w, const char *target, uint16_t portal_group_tag);

/* A designator as it stands in a page. */
struct vpd_designator {
	const uint8_t *start; /* of its header */
	uint8_t association, type;
	const uint8_t *data;
	uint8_t bytes;
};

/* The designator at *@at of a page's @bytes behind its header; false: no whole one is left. */
bool vpd_designator_next(const uint8_t *page, size_t bytes, size_t *at, struct vpd_designator *ret);

/* SPC-5 7.7.5: which task attributes and sense features there are. */
void vpd_extended_inquiry(struct writer *w);

/* SBC-4 6.6.4; counts in logical blocks, zero: not reported. */
struct vpd_block_limits {
	uint8_t compare_and_write_blocks;
	uint16_t granularity_blocks;
	uint32_t max_transfer_blocks;
	uint32_t optimal_transfer_blocks;
	uint32_t max_prefetch_blocks;
	uint32_t max_unmap_blocks;
	uint32_t max_unmap_descriptors;
	uint32_t unmap_granularity_blocks;
	bool unmap_alignment_valid;
	uint32_t unmap_alignment_blocks;
	uint64_t max_write_same_blocks;
	bool write_same_nonzero; /* WSNZ: zero blocks are refused */
};

void vpd_block_limits(struct writer *w, const struct vpd_block_limits *limits);
/* SBC-4 6.6.2: 1 is a non-rotating medium, 0 not told, else revolutions per minute. */
void vpd_block_characteristics(struct writer *w, uint16_t rotation_rate);

/* SBC-4 6.6.7. */
struct vpd_provisioning {
	bool unmap, write_same_16, write_same_10;
	bool reads_zeros; /* LBPRZ */
	bool thin;	  /* PROVISIONING TYPE: 2, else 0 */
};

void vpd_provisioning(struct writer *w, const struct vpd_provisioning *provisioning);

#endif
