/* SPDX-License-Identifier: MIT */
/* LUN formats: see lun.h. The two top bits are the ADDRESS METHOD (SAM-5 4.7.7). */
#include "scsi/lun.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	METHOD_PERIPHERAL = 0,
	METHOD_FLAT = 1,
	METHOD_LOGICAL_UNIT = 2,
	METHOD_EXTENDED = 3,
};

/* SAM-5 4.7.7.5: 11b, then LENGTH (2 bits) and EXTENDED ADDRESS METHOD (4 bits). */
static enum lun_kind decode_extended(uint64_t lun, uint32_t *ret)
{
	unsigned length = (unsigned)(lun >> 60) & 3;
	unsigned method = (unsigned)(lun >> 56) & 15;

	if (length == 0 && method == 1 && !(lun & 0xffffffffffffull)) {
		*ret = (uint32_t)(lun >> 48) & 0xff;
		return LUN_WELL_KNOWN;
	}
	if (length == 1 && method == 2 && !(lun & 0xffffffffull)) {
		*ret = (uint32_t)(lun >> 32) & 0xffffff;
		return LUN_NUMBERED;
	}
	return LUN_NOWHERE;
}

enum lun_kind lun_decode(uint64_t lun, uint32_t *ret_number)
{
	unsigned first = (unsigned)(lun >> 48);

	if (lun >> 62 == METHOD_EXTENDED)
		return decode_extended(lun, ret_number);
	if (lun & 0xffffffffffffull)
		return LUN_HIERARCHY;
	switch (lun >> 62) {
	case METHOD_PERIPHERAL:
		if (first >> 8) /* BUS IDENTIFIER */
			return LUN_HIERARCHY;
		*ret_number = first;
		return LUN_NUMBERED;
	case METHOD_FLAT:
		*ret_number = first & 0x3fff;
		return LUN_NUMBERED;
	default:
		return LUN_HIERARCHY;
	}
}

uint64_t lun_encode(uint32_t number)
{
	if (number < 0x100)
		return (uint64_t)number << 48;
	if (number < 0x4000)
		return (uint64_t)METHOD_FLAT << 62 | (uint64_t)number << 48;
	return 0xd2ull << 56 | (uint64_t)(number & LUN_NUMBER_MAX) << 32;
}

void lun_print(uint64_t lun, char *text, size_t bytes)
{
	uint32_t number;
	enum lun_kind kind = lun_decode(lun, &number);

	if (lun == LUN_W_REPORT_LUNS)
		snprintf(text, bytes, "REPORT LUNS");
	else if (kind == LUN_NUMBERED)
		snprintf(text, bytes, "%" PRIu32, number);
	else
		snprintf(text, bytes, "0x%016" PRIx64, lun);
}
