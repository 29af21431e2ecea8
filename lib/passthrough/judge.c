/* SPDX-License-Identifier: MIT */
/* Refusals common to the pass-through backends: see judge.h. */
#include "passthrough/judge.h"

#include <spt/backend.h>

#include "base/util.h"

#define OP_VARIABLE_LENGTH 0x7f
#define OP_EXTENDED_COPY   0x83 /* and POPULATE TOKEN, WRITE USING TOKEN, ... (SPC-5 4.24, 5.17.6) */
#define OP_RECEIVE_COPY    0x84 /* RECEIVE COPY STATUS, RECEIVE ROD TOKEN INFORMATION, ... */

#define INVALID_OPERATION_CODE 0x2000
#define INVALID_FIELD_IN_CDB   0x2400

static bool refuse(struct spt_task *task, spt_asc_t asc)
{
	spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, asc);
	return false;
}

unsigned pass_cdb_bytes(const uint8_t *cdb)
{
	/* By the group code; groups 6 and 7 are vendor specific, group 3 is reserved but for 7Fh. */
	static const uint8_t groups[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	if (cdb[0] == OP_VARIABLE_LENGTH)
		return 8u + cdb[7];
	return groups[cdb[0] >> 5];
}

unsigned pass_cdb_length(const struct spt_task *task)
{
	unsigned n = pass_cdb_bytes(task->cdb);

	return n ? MIN(n, (unsigned)task->cdb_bytes) : task->cdb_bytes;
}

bool pass_judge(const struct pass_limits *limits, struct spt_task *task)
{
	uint8_t op = task->cdb[0];

	if (pass_cdb_length(task) > limits->max_cdb_bytes)
		return refuse(task, INVALID_OPERATION_CODE);
	if (op == OP_VARIABLE_LENGTH && pass_cdb_bytes(task->cdb) > task->cdb_bytes) {
		spt_task_check_cdb_field(task, 7, -1); /* longer than what came */
		return false;
	}
	if (task->expected_in_bytes && task->expected_out_bytes)
		return refuse(task, INVALID_OPERATION_CODE); /* bidirectional */
	if ((op == OP_EXTENDED_COPY || op == OP_RECEIVE_COPY) && !limits->third_party_copy)
		return refuse(task, INVALID_OPERATION_CODE);
	if (task->expected_in_bytes > limits->max_transfer_bytes ||
		task->expected_out_bytes > limits->max_transfer_bytes)
		return refuse(task, INVALID_FIELD_IN_CDB);
	return true;
}
