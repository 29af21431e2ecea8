/* SPDX-License-Identifier: MIT */
/* TEST UNIT READY, REQUEST SENSE, SEND DIAGNOSTIC (SPC-5 6.47, 6.39, 6.42). */
#include "base/be.h"
#include "base/util.h"
#include "disk/disk.h"

static void run_good(struct disk_channel *c, struct spt_task *task)
{
	spt_task_good(task);
}

/* Unit attentions are reported before a command gets here: nothing is left to tell. */
static void run_request_sense(struct disk_channel *c, struct spt_task *task)
{
	static const struct spt_sense nothing = { .key = SPT_KEY_NO_SENSE };
	uint8_t data[SPT_SENSE_MAX];
	int n = spt_sense_encode(&nothing, task->cdb[1] & 1, data, sizeof(data));

	spt_task_reply(task, data, n > 0 ? (size_t)n : 0, task->cdb[4]);
}

/* The default self-test passes; there are no diagnostic pages. */
static bool judge_send_diagnostic(struct disk_channel *c, struct spt_task *task)
{
	if (!be16_get(task->cdb + 3))
		return true;
	spt_task_check_cdb_field(task, 3, -1);
	return false;
}

static const struct disk_row ROWS[] = {
	{ 0x00, CDB_NO_SERVICE_ACTION, DISK_NEEDS_MEDIUM, NULL, run_good },
	{ 0x03, CDB_NO_SERVICE_ACTION, 0, NULL, run_request_sense },
	{ 0x1d, CDB_NO_SERVICE_ACTION, 0, judge_send_diagnostic, run_good },
	{ 0xa0, CDB_NO_SERVICE_ACTION, DISK_IN_CORE, NULL, NULL }, /* REPORT LUNS */
	{ 0x16, CDB_NO_SERVICE_ACTION, DISK_IN_CORE, NULL, NULL }, /* reservations */
	{ 0x17, CDB_NO_SERVICE_ACTION, DISK_IN_CORE, NULL, NULL },
	{ 0x56, CDB_NO_SERVICE_ACTION, DISK_IN_CORE, NULL, NULL },
	{ 0x57, CDB_NO_SERVICE_ACTION, DISK_IN_CORE, NULL, NULL },
	{ 0x5e, 0x00, DISK_IN_CORE, NULL, NULL },
	{ 0x5e, 0x01, DISK_IN_CORE, NULL, NULL },
	{ 0x5e, 0x02, DISK_IN_CORE, NULL, NULL },
	{ 0x5e, 0x03, DISK_IN_CORE, NULL, NULL },
	{ 0x5f, 0x00, DISK_IN_CORE, NULL, NULL },
	{ 0x5f, 0x01, DISK_IN_CORE, NULL, NULL },
	{ 0x5f, 0x02, DISK_IN_CORE, NULL, NULL },
	{ 0x5f, 0x03, DISK_IN_CORE, NULL, NULL },
	{ 0x5f, 0x04, DISK_IN_CORE, NULL, NULL },
	{ 0x5f, 0x05, DISK_IN_CORE, NULL, NULL },
	{ 0x5f, 0x06, DISK_IN_CORE, NULL, NULL },
	{ 0x5f, 0x07, DISK_IN_CORE, NULL, NULL },
};

const struct disk_family disk_misc = { ROWS, ARRAY_SIZE(ROWS) };
