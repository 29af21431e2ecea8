/* SPDX-License-Identifier: MIT */
/* Timeouts by device type and operation code: see sg_timeouts.h. */
#include "passthrough/sg_timeouts.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/util.h"

#define TYPE_TAPE    0x01
#define TYPE_WORM    0x04
#define TYPE_CD      0x05
#define TYPE_OPTICAL 0x07
#define TYPE_CHANGER 0x08

enum sg_family sg_family_of(uint8_t device_type)
{
	switch (device_type & 0x1f) {
	case TYPE_TAPE:
		return SG_FAMILY_TAPE;
	case TYPE_WORM:
	case TYPE_CD:
	case TYPE_OPTICAL:
		return SG_FAMILY_OPTICAL;
	case TYPE_CHANGER:
		return SG_FAMILY_CHANGER;
	default:
		return SG_FAMILY_DISK;
	}
}

/*
 * Seconds. Tape drives state up to 2340 s for a read and 1560 s for a write or a filemark (error
 * recovery with repositioning); a disk that is spun down takes half a minute to answer at all.
 */
static const uint32_t SECONDS[SG_FAMILIES][SG_CLASSES] = {
	[SG_FAMILY_DISK] = { 30, 60, 3600 },
	[SG_FAMILY_TAPE] = { 60, 2400, 14400 },
	[SG_FAMILY_OPTICAL] = { 60, 900, 14400 },
	[SG_FAMILY_CHANGER] = { 60, 900, 14400 },
};

struct row {
	uint8_t opcode;
	uint8_t class;
};

/* Whatever the device is: commands that are neither short nor of the medium's family. */
static const struct row COMMON[] = {
	{ 0x04, SG_CLASS_LONG },    /* FORMAT UNIT, FORMAT MEDIUM */
	{ 0x1b, SG_CLASS_LONG },    /* START STOP UNIT, LOAD UNLOAD */
	{ 0x1d, SG_CLASS_LONG },    /* SEND DIAGNOSTIC: self-tests */
	{ 0x3b, SG_CLASS_LONG },    /* WRITE BUFFER: microcode */
	{ 0x3c, SG_CLASS_REGULAR }, /* READ BUFFER */
	{ 0x48, SG_CLASS_LONG },    /* SANITIZE */
	{ 0x83, SG_CLASS_LONG },    /* EXTENDED COPY */
	{ 0x85, SG_CLASS_LONG },    /* ATA PASS-THROUGH (16): secure erase among others */
	{ 0xa2, SG_CLASS_REGULAR }, /* SECURITY PROTOCOL IN */
	{ 0xa4, SG_CLASS_REGULAR }, /* MAINTENANCE OUT: SET TARGET PORT GROUPS */
	{ 0xb5, SG_CLASS_REGULAR }, /* SECURITY PROTOCOL OUT */
};

static const struct row DISK[] = {
	{ 0x07, SG_CLASS_LONG },    /* REASSIGN BLOCKS */
	{ 0x08, SG_CLASS_REGULAR }, /* READ (6) */
	{ 0x0a, SG_CLASS_REGULAR }, /* WRITE (6) */
	{ 0x28, SG_CLASS_REGULAR }, /* READ (10) */
	{ 0x2a, SG_CLASS_REGULAR }, /* WRITE (10) */
	{ 0x2e, SG_CLASS_REGULAR }, /* WRITE AND VERIFY (10) */
	{ 0x2f, SG_CLASS_LONG },    /* VERIFY (10): any number of blocks */
	{ 0x34, SG_CLASS_REGULAR }, /* PRE-FETCH (10) */
	{ 0x35, SG_CLASS_LONG },    /* SYNCHRONIZE CACHE (10) */
	{ 0x37, SG_CLASS_REGULAR }, /* READ DEFECT DATA (10) */
	{ 0x3e, SG_CLASS_REGULAR }, /* READ LONG (10) */
	{ 0x3f, SG_CLASS_REGULAR }, /* WRITE LONG (10) */
	{ 0x41, SG_CLASS_LONG },    /* WRITE SAME (10) */
	{ 0x42, SG_CLASS_LONG },    /* UNMAP */
	{ 0x7f, SG_CLASS_REGULAR }, /* READ (32), WRITE (32) and others */
	{ 0x88, SG_CLASS_REGULAR }, /* READ (16) */
	{ 0x89, SG_CLASS_REGULAR }, /* COMPARE AND WRITE */
	{ 0x8a, SG_CLASS_REGULAR }, /* WRITE (16) */
	{ 0x8b, SG_CLASS_REGULAR }, /* ORWRITE (16) */
	{ 0x8e, SG_CLASS_REGULAR }, /* WRITE AND VERIFY (16) */
	{ 0x8f, SG_CLASS_LONG },    /* VERIFY (16) */
	{ 0x90, SG_CLASS_REGULAR }, /* PRE-FETCH (16) */
	{ 0x91, SG_CLASS_LONG },    /* SYNCHRONIZE CACHE (16) */
	{ 0x93, SG_CLASS_LONG },    /* WRITE SAME (16) */
	{ 0x94, SG_CLASS_LONG },    /* ZONE MANAGEMENT OUT */
	{ 0x95, SG_CLASS_REGULAR }, /* ZONE MANAGEMENT IN */
	{ 0x9a, SG_CLASS_REGULAR }, /* WRITE STREAM (16) */
	{ 0x9c, SG_CLASS_REGULAR }, /* WRITE ATOMIC (16) */
	{ 0xa1, SG_CLASS_LONG },    /* ATA PASS-THROUGH (12) */
	{ 0xa8, SG_CLASS_REGULAR }, /* READ (12) */
	{ 0xaa, SG_CLASS_REGULAR }, /* WRITE (12) */
	{ 0xae, SG_CLASS_REGULAR }, /* WRITE AND VERIFY (12) */
	{ 0xaf, SG_CLASS_LONG },    /* VERIFY (12) */
	{ 0xb7, SG_CLASS_REGULAR }, /* READ DEFECT DATA (12) */
};

static const struct row TAPE[] = {
	{ 0x01, SG_CLASS_LONG },    /* REWIND */
	{ 0x08, SG_CLASS_REGULAR }, /* READ (6) */
	{ 0x0a, SG_CLASS_REGULAR }, /* WRITE (6) */
	{ 0x0b, SG_CLASS_LONG },    /* SET CAPACITY */
	{ 0x0f, SG_CLASS_REGULAR }, /* READ REVERSE (6) */
	{ 0x10, SG_CLASS_REGULAR }, /* WRITE FILEMARKS (6) */
	{ 0x11, SG_CLASS_LONG },    /* SPACE (6) */
	{ 0x13, SG_CLASS_LONG },    /* VERIFY (6) */
	{ 0x14, SG_CLASS_REGULAR }, /* RECOVER BUFFERED DATA */
	{ 0x15, SG_CLASS_REGULAR }, /* MODE SELECT (6): may flush or partition */
	{ 0x19, SG_CLASS_LONG },    /* ERASE (6) */
	{ 0x2b, SG_CLASS_LONG },    /* LOCATE (10) */
	{ 0x55, SG_CLASS_REGULAR }, /* MODE SELECT (10) */
	{ 0x80, SG_CLASS_REGULAR }, /* WRITE FILEMARKS (16) */
	{ 0x81, SG_CLASS_REGULAR }, /* READ REVERSE (16) */
	{ 0x88, SG_CLASS_REGULAR }, /* READ (16) */
	{ 0x8a, SG_CLASS_REGULAR }, /* WRITE (16) */
	{ 0x8c, SG_CLASS_REGULAR }, /* READ ATTRIBUTE */
	{ 0x8d, SG_CLASS_REGULAR }, /* WRITE ATTRIBUTE */
	{ 0x8f, SG_CLASS_LONG },    /* VERIFY (16) */
	{ 0x91, SG_CLASS_LONG },    /* SPACE (16) */
	{ 0x92, SG_CLASS_LONG },    /* LOCATE (16) */
	{ 0x93, SG_CLASS_LONG },    /* ERASE (16) */
};

static const struct row OPTICAL[] = {
	{ 0x01, SG_CLASS_LONG },    /* REZERO UNIT */
	{ 0x08, SG_CLASS_REGULAR }, /* READ (6) */
	{ 0x0a, SG_CLASS_REGULAR }, /* WRITE (6) */
	{ 0x28, SG_CLASS_REGULAR }, /* READ (10) */
	{ 0x2a, SG_CLASS_REGULAR }, /* WRITE (10) */
	{ 0x2b, SG_CLASS_REGULAR }, /* SEEK (10) */
	{ 0x2c, SG_CLASS_LONG },    /* ERASE (10) */
	{ 0x2e, SG_CLASS_REGULAR }, /* WRITE AND VERIFY (10) */
	{ 0x2f, SG_CLASS_LONG },    /* VERIFY (10) */
	{ 0x35, SG_CLASS_LONG },    /* SYNCHRONIZE CACHE: the end of a burn */
	{ 0x42, SG_CLASS_REGULAR }, /* READ SUB-CHANNEL */
	{ 0x43, SG_CLASS_REGULAR }, /* READ TOC/PMA/ATIP: spins the disc up */
	{ 0x51, SG_CLASS_REGULAR }, /* READ DISC INFORMATION */
	{ 0x52, SG_CLASS_REGULAR }, /* READ TRACK INFORMATION */
	{ 0x53, SG_CLASS_LONG },    /* RESERVE TRACK */
	{ 0x54, SG_CLASS_LONG },    /* SEND OPC INFORMATION */
	{ 0x58, SG_CLASS_LONG },    /* REPAIR TRACK */
	{ 0x5b, SG_CLASS_LONG },    /* CLOSE TRACK/SESSION */
	{ 0xa1, SG_CLASS_LONG },    /* BLANK */
	{ 0xa6, SG_CLASS_LONG },    /* LOAD/UNLOAD MEDIUM */
	{ 0xa8, SG_CLASS_REGULAR }, /* READ (12) */
	{ 0xaa, SG_CLASS_REGULAR }, /* WRITE (12) */
	{ 0xac, SG_CLASS_REGULAR }, /* GET PERFORMANCE */
	{ 0xad, SG_CLASS_REGULAR }, /* READ DISC STRUCTURE */
	{ 0xb9, SG_CLASS_REGULAR }, /* READ CD MSF */
	{ 0xbe, SG_CLASS_REGULAR }, /* READ CD */
	{ 0xbf, SG_CLASS_REGULAR }, /* SEND DISC STRUCTURE */
};

static const struct row CHANGER[] = {
	{ 0x01, SG_CLASS_LONG }, /* REZERO UNIT */
	{ 0x07, SG_CLASS_LONG }, /* INITIALIZE ELEMENT STATUS */
	{ 0x2b, SG_CLASS_LONG }, /* POSITION TO ELEMENT */
	{ 0x37, SG_CLASS_LONG }, /* INITIALIZE ELEMENT STATUS WITH RANGE */
	{ 0xa5, SG_CLASS_LONG }, /* MOVE MEDIUM */
	{ 0xa6, SG_CLASS_LONG }, /* EXCHANGE MEDIUM */
	{ 0xb6, SG_CLASS_LONG }, /* SEND VOLUME TAG */
	{ 0xb8, SG_CLASS_LONG }, /* READ ELEMENT STATUS: may scan every bar code */
};

static const struct {
	const struct row *rows;
	size_t n;
} FAMILIES[SG_FAMILIES] = {
	[SG_FAMILY_DISK] = { DISK, ARRAY_SIZE(DISK) },
	[SG_FAMILY_TAPE] = { TAPE, ARRAY_SIZE(TAPE) },
	[SG_FAMILY_OPTICAL] = { OPTICAL, ARRAY_SIZE(OPTICAL) },
	[SG_FAMILY_CHANGER] = { CHANGER, ARRAY_SIZE(CHANGER) },
};

static const struct row *find(const struct row *rows, size_t n, uint8_t opcode)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].opcode == opcode)
			return &rows[i];
	}
	return NULL;
}

enum sg_class sg_class_of(enum sg_family family, uint8_t opcode)
{
	const struct row *row = find(FAMILIES[family].rows, FAMILIES[family].n, opcode);

	if (!row)
		row = find(COMMON, ARRAY_SIZE(COMMON), opcode);
	if (row)
		return row->class;
	/* Vendor specific (SPC-5 table D.2: C0h to FFh): nobody knows, so give them time. */
	return opcode >= 0xc0 ? SG_CLASS_LONG : SG_CLASS_SHORT;
}

uint32_t sg_timeout_ms(enum sg_family family, enum sg_class class)
{
	return SECONDS[family][class] * 1000;
}

#define LIMIT_MS (7u * 86400u * 1000u)

static uint32_t ms_of(uint64_t seconds)
{
	return (uint32_t)MIN(seconds * 1000, (uint64_t)LIMIT_MS);
}

uint32_t sg_timeout_choose(const struct sg_timeout_rules *rules, enum sg_family family,
	uint8_t opcode, const struct sg_told *told)
{
	enum sg_class class = sg_class_of(family, opcode);

	if (rules->opcode_ms[opcode])
		return rules->opcode_ms[opcode];
	if (rules->class_ms[class])
		return rules->class_ms[class];
	if (told->recommended_s)
		return MAX(ms_of(told->recommended_s), sg_timeout_ms(family, SG_CLASS_SHORT));
	return MAX(ms_of(told->nominal_s), sg_timeout_ms(family, class));
}

static int parse_pair(char *pair, struct sg_timeout_rules *rules, struct spt_error *error)
{
	char *value = strchr(pair, '=');
	uint64_t opcode, us;

	if (value)
		*value++ = '\0';
	if (!value || parse_u64_range(pair, 0, 255, &opcode) < 0)
		return spt_error_set(error, -EINVAL,
			"timeouts: '%.40s' is not an operation code and a time, such as 0x1b=2h", pair);
	if (parse_duration(value, &us) < 0 || us < 1000000 || us / 1000 > LIMIT_MS)
		return spt_error_set(error, -EINVAL,
			"timeouts: '%.40s' is not a time from 1s to 168h", value);
	rules->opcode_ms[opcode] = (uint32_t)(us / 1000);
	return 0;
}

int sg_timeouts_parse(const char *text, struct sg_timeout_rules *rules, struct spt_error *error)
{
	AUTO_FREE char *copy = strdup(text);
	char *rest = NULL;

	if (!copy)
		return spt_error_set(error, -ENOMEM, "out of memory");
	for (char *pair = strtok_r(copy, " ,\t", &rest); pair; pair = strtok_r(NULL, " ,\t", &rest)) {
		int r = parse_pair(pair, rules, error);
		if (r < 0)
			return r;
	}
	return 0;
}
