/* SPDX-License-Identifier: MIT */
/* What the pass-through backends have in common about commands: see judge.h. */
#include "passthrough/judge.h"

#include <spt/backend.h>

#include "base/util.h"
#include "passthrough/learn.h"
#include "scsi/cdb.h"

#define OP_VARIABLE_LENGTH 0x7f
#define OP_EXTENDED_COPY   0x83 /* and POPULATE TOKEN, WRITE USING TOKEN, ... (SPC-5 5.17.6) */
#define OP_COPY		   0x18 /* these three: SPC-2 7.2 to 7.4 */
#define OP_COMPARE	   0x39
#define OP_COPY_AND_VERIFY 0x3a
#define OP_RECEIVE_COPY    0x84 /* RECEIVE COPY STATUS, RECEIVE ROD TOKEN INFORMATION, ... */

#define INVALID_OPERATION_CODE 0x2000
#define INVALID_FIELD_IN_CDB   0x2400

/* Commands that name other logical units in their parameters. */
static bool is_copy(uint8_t opcode)
{
	return opcode == OP_EXTENDED_COPY || opcode == OP_RECEIVE_COPY || opcode == OP_COPY ||
		opcode == OP_COMPARE || opcode == OP_COPY_AND_VERIFY;
}

static bool refuse(struct spt_task *task, spt_asc_t asc)
{
	spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, asc);
	return false;
}

enum pass_direction pass_direction(const struct spt_task *task, uint8_t device_type)
{
	if (task->expected_out_bytes)
		return PASS_OUT;
	if (task->expected_in_bytes)
		return PASS_IN;
	unsigned families =
		device_type == DEVICE_TYPE_UNKNOWN ? CDB_ANY : cdb_families_of(device_type);
	switch (cdb_direction(task->cdb, task->cdb_bytes, families)) {
	case CDB_IN:
		return PASS_IN;
	case CDB_OUT:
		return PASS_OUT;
	default:
		return PASS_NONE;
	}
}

unsigned pass_cdb_bytes(const uint8_t *cdb)
{
	return cdb[0] == OP_VARIABLE_LENGTH ? 8u + cdb[7] : cdb_length(cdb[0]);
}

unsigned pass_cdb_length(const struct spt_task *task)
{
	unsigned n = pass_cdb_bytes(task->cdb);

	return n ? MIN(n, (unsigned)task->cdb_bytes) : task->cdb_bytes;
}

bool pass_refuses(const struct pass_limits *limits, uint8_t opcode, unsigned cdb_bytes)
{
	return (is_copy(opcode) && !limits->third_party_copy) || cdb_bytes > limits->max_cdb_bytes;
}

bool pass_judge(const struct pass_limits *limits, struct spt_task *task)
{
	uint8_t op = task->cdb[0];

	if (pass_refuses(limits, op, pass_cdb_length(task)))
		return refuse(task, INVALID_OPERATION_CODE);
	if (op == OP_VARIABLE_LENGTH && pass_cdb_bytes(task->cdb) > task->cdb_bytes) {
		spt_task_check_cdb_field(task, 7, -1); /* longer than what came */
		return false;
	}
	if (task->expected_in_bytes && task->expected_out_bytes && !limits->bidirectional)
		return refuse(task, INVALID_OPERATION_CODE);
	if (task->expected_in_bytes > limits->max_transfer_bytes ||
		task->expected_out_bytes > limits->max_transfer_bytes)
		return refuse(task, INVALID_FIELD_IN_CDB);
	return true;
}
