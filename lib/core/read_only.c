/* SPDX-License-Identifier: MIT */
/*
 * Logical units that a target shows read-only: what changes the medium is refused, whatever the
 * backend would say to it, and MODE SENSE tells it (WP, SBC-4 6.5.1), so that initiators do not try.
 */
#include "core/core.h"
#include "scsi/cdb.h"

#define OP_MODE_SENSE_6	 0x1a
#define OP_MODE_SENSE_10 0x5a
#define MODE_WP		 0x80

bool read_only_refuses(struct spt_task *task)
{
	const struct cdb_command *command = cdb_find(task->cdb, task->cdb_bytes, task->itl->families);

	/* What is not known may write: vendor specific commands. */
	if (command && !(command->flags & CDB_WRITES))
		return false;
	spt_task_check(task, SPT_KEY_DATA_PROTECT, 0x2700); /* WRITE PROTECTED */
	return true;
}

void read_only_mark(struct spt_task *task)
{
	uint32_t byte = task->cdb[0] == OP_MODE_SENSE_6 ? 2 : 3;

	if (task->cdb[0] != OP_MODE_SENSE_6 && task->cdb[0] != OP_MODE_SENSE_10)
		return;
	if (task->status == SPT_GOOD && !task->lent_release && task->in.bytes > byte &&
		(task->in_pooled || task->in.data == task->direct_in.data))
		task->in.data[byte] |= MODE_WP;
}
