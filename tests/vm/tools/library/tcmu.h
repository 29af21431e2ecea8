/* SPDX-License-Identifier: MIT */
/*
 * A SCSI device of the kernel's target in user space (TCMU): each command comes with its CDB and a
 * buffer, and goes back with status, sense and as much data as there is. Reached by the initiator
 * side of the same kernel (tcm_loop) it is a device that says whatever a test wants.
 */
#ifndef LIBRARY_TCMU_H
#define LIBRARY_TCMU_H

#include <stdbool.h>
#include <stdint.h>

#define TRANSFER_MAX_BYTES (8u << 20)

enum { GOOD = 0x00, CHECK_CONDITION = 0x02 };

enum sense_key {
	NO_SENSE = 0x0,
	NOT_READY = 0x2,
	ILLEGAL_REQUEST = 0x5,
	UNIT_ATTENTION = 0x6,
	DATA_PROTECT = 0x7,
	BLANK_CHECK = 0x8,
	VOLUME_OVERFLOW = 0xd,
};

enum sense_flag { FILEMARK = 0x80, EOM = 0x40, ILI = 0x20 };

struct command {
	const uint8_t *cdb;
	uint8_t *data;	     /* what came; room for what goes */
	uint32_t data_bytes; /* of both */
	uint32_t in_bytes;   /* how much of it is an answer */
	uint8_t status;
	bool descriptor_sense;
	uint8_t sense[96];
};

struct unit {
	int fd;
	void *map;
	const char *name;
	void (*run)(void *device, struct command *command);
	void *device;
};

/* Finds the unit that was configured with dev_config=sptgt/@name. 0 or -errno. */
int unit_open(struct unit *unit, const char *name);
/* Runs what has come. Call it when @unit->fd is readable. */
void unit_serve(struct unit *unit);

/* An answer of @bytes, cut to @allocation and to what was asked for. */
void reply(struct command *c, const void *data, uint32_t bytes, uint32_t allocation);
void check(struct command *c, uint8_t key, uint16_t asc);
/* With the flags of sequential devices and an INFORMATION field (SSC-5 4.2.13, SPC-5 4.4). */
void check_stream(struct command *c, uint8_t key, uint16_t asc, uint8_t flags, int32_t information);

#endif
