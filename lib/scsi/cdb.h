/* SPDX-License-Identifier: MIT */
/*
 * The commands of SCSI, one row each (cdb.def): operation code, service action, name, direction of
 * the data, which device types define it, and for each CDB byte the bits that mean something. From
 * the same row come the check of reserved bits, REPORT SUPPORTED OPERATION CODES, and traces.
 */
#ifndef SCSI_CDB_H
#define SCSI_CDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CDB_USAGE_MAX	      32u
#define CDB_NO_SERVICE_ACTION 0xffffu

/* Which command set defines a command; a mask, since many share operation codes. */
enum cdb_family {
	CDB_SPC = 1 << 0, /* all device types */
	CDB_SBC = 1 << 1, /* direct access block devices, zoned ones too */
	CDB_SSC = 1 << 2, /* sequential access devices */
	CDB_MMC = 1 << 3, /* CD/DVD/BD */
	CDB_SMC = 1 << 4, /* media changers */
	CDB_SES = 1 << 5, /* enclosures */
	CDB_ANY = 0xff,
};

enum cdb_direction {
	CDB_NO_DATA,
	CDB_IN,
	CDB_OUT,
	CDB_BOTH,
	CDB_UNKNOWN, /* not in the table, vendor specific, or depends on more than the row tells */
};

enum cdb_flag {
	CDB_WRITES = 1 << 0, /* changes the medium: refused by a write-protected logical unit */
	/* What a nexus may still send to a logical unit that others have reserved. */
	CDB_RES_FREE = 1 << 1, /* under any persistent reservation, or it has rules of its own */
	CDB_RES_READ = 1 << 2, /* under a Write Exclusive one */
	CDB_RES_SPC2 = 1 << 3, /* under that of RESERVE (SPC-2) */
};

struct cdb_command {
	uint8_t opcode;
	uint16_t service_action; /* or CDB_NO_SERVICE_ACTION */
	const char *name;
	uint8_t direction; /* enum cdb_direction */
	uint8_t families;  /* enum cdb_family */
	uint8_t flags;	   /* enum cdb_flag */
	uint8_t bytes;	   /* of the CDB */
	/* Bits that are evaluated (SPC-5 6.34.3, CDB USAGE DATA); all zero: not told. The operation
	 * code and the service action are filled in. */
	uint8_t usage[CDB_USAGE_MAX];
};

/* The row for this CDB among @families (CDB_SPC rows always match), or NULL. */
const struct cdb_command *cdb_find(const uint8_t *cdb, size_t bytes, unsigned families);
/* The row with this code; @service_action is not looked at where the command has none. */
const struct cdb_command *cdb_lookup(uint8_t opcode, uint16_t service_action, unsigned families);
/* Row @i, in order of operation code; NULL: there are no more. */
const struct cdb_command *cdb_row(size_t i);
/* Does some command of @families with @opcode have service actions? */
bool cdb_has_service_action(uint8_t opcode, unsigned families);
/* The command set of a PERIPHERAL DEVICE TYPE (SPC-5 table 142). */
unsigned cdb_families_of(uint8_t device_type);
/* CDB_NO_SERVICE_ACTION when @cdb has none or is too short to tell. */
uint16_t cdb_service_action(const uint8_t *cdb, size_t bytes);
/* CDB length by operation code (SPC-5 4.2.5.1); 0: variable or vendor specific. */
unsigned cdb_length(uint8_t opcode);
enum cdb_direction cdb_direction(const uint8_t *cdb, size_t bytes, unsigned families);
/* A name for a log line, never NULL: "READ(10)", "opcode f7h" (written to @text). */
const char *cdb_name(const uint8_t *cdb, size_t bytes, unsigned families, char *text, size_t size);
/* The first bit set where @command has none: its byte, and the bit through @ret_bit; -1: none. */
int cdb_reserved_bit(const struct cdb_command *command, const uint8_t *cdb, int *ret_bit);

#endif
