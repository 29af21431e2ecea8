/* SPDX-License-Identifier: MIT */
/* The eight-byte LUN of SAM-5 4.7 and the number that people give a logical unit. */
#ifndef SCSI_LUN_H
#define SCSI_LUN_H

#include <stddef.h>
#include <stdint.h>

/* SAM-5 4.7.8: the well known logical unit REPORT LUNS. */
#define LUN_W_REPORT_LUNS 0xc101000000000000ull
#define LUN_NUMBER_MAX	  0xffffffu

enum lun_kind {
	LUN_NUMBERED,	/* single level: peripheral, flat or extended flat space addressing */
	LUN_WELL_KNOWN, /* the number is the W-LUN: 01h REPORT LUNS, 02h ACCESS CONTROLS, ... */
	LUN_HIERARCHY,	/* a bus or a further level is addressed: we have none */
	LUN_NOWHERE,	/* logical unit not specified, or a reserved format */
};

enum lun_kind lun_decode(uint64_t lun, uint32_t *ret_number);
/* Peripheral below 256, flat below 16384, extended flat above. @number <= LUN_NUMBER_MAX. */
uint64_t lun_encode(uint32_t number);
/* "5", "REPORT LUNS", "0x0102000000000000" for a log line; always terminated. */
void lun_print(uint64_t lun, char *text, size_t bytes);

#endif
