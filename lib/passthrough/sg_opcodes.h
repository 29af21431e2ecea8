/* SPDX-License-Identifier: MIT */
/* Reading REPORT SUPPORTED OPERATION CODES data with command timeouts descriptors (SPC-5 6.34). */
#ifndef PASSTHROUGH_SG_OPCODES_H
#define PASSTHROUGH_SG_OPCODES_H

#include <stddef.h>
#include <stdint.h>

#include "passthrough/sg_timeouts.h"

/* The CDB that asks about all commands; about one, without a service action. 12 bytes of 16. */
void sg_opcodes_ask_all(uint8_t cdb[16], uint32_t allocation);
void sg_opcodes_ask_one(uint8_t cdb[16], uint8_t opcode, uint32_t allocation);

/*
 * The answers: the longest times that are told of any service action of a code. Nothing beyond
 * @bytes is looked at, nor beyond the length that the data tells; returns how many commands had
 * times.
 */
unsigned sg_opcodes_read_all(const uint8_t *data, size_t bytes, struct sg_told told[256]);
unsigned sg_opcodes_read_one(const uint8_t *data, size_t bytes, uint8_t opcode,
	struct sg_told told[256]);

#endif
