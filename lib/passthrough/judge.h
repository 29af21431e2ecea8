/* SPDX-License-Identifier: MIT */
/*
 * What is said of a CDB before it is passed on: its length and direction, and whether it is
 * refused, because the way to the device cannot carry it or one logical unit would reach others by
 * it.
 */
#ifndef PASSTHROUGH_JUDGE_H
#define PASSTHROUGH_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/task.h>

struct pass_limits {
	uint16_t max_cdb_bytes;
	uint32_t max_transfer_bytes;
	bool bidirectional;    /* data-out and data-in in one command */
	bool third_party_copy; /* EXTENDED COPY and its relatives are let through */
};

/* False: the task was refused and is complete. */
bool pass_judge(const struct pass_limits *limits, struct spt_task *task);

/* Is every command of that operation code, or with a CDB of so many bytes (0: not known), refused? */
bool pass_refuses(const struct pass_limits *limits, uint8_t opcode, unsigned cdb_bytes);

enum pass_direction { PASS_NONE, PASS_IN, PASS_OUT };

/* By the initiator's expected lengths; when it expects nothing to move, by what the command of such
 * a device does, for then the residual is all of it. */
enum pass_direction pass_direction(const struct spt_task *task, uint8_t device_type);

/* How long the CDB at @cdb is by its operation code (SPC-5 4.2.5.1); 0: the code does not tell. */
unsigned pass_cdb_bytes(const uint8_t *cdb);
/* The bytes of @task's CDB that belong on a wire which carries its length. */
unsigned pass_cdb_length(const struct spt_task *task);

#endif
