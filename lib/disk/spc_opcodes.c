/* SPDX-License-Identifier: MIT */
/* REPORT SUPPORTED OPERATION CODES (SPC-5 6.34), from the same rows that check the CDBs. */
#include "base/be.h"
#include "base/cursor.h"
#include "base/util.h"
#include "disk/disk.h"

enum reporting {
	REPORT_ALL = 0,
	REPORT_OPCODE = 1,	       /* one without service actions */
	REPORT_SERVICE_ACTION = 2,     /* one with */
	REPORT_EITHER = 3,
};

enum {
	SERVACTV = 0x01,
	CTDP = 0x02, /* in a list; 80h with one command */
	SUPPORT_NONE = 1,
	SUPPORT_STANDARD = 3,
	TIMEOUTS_BYTES = 12,
};

/* SPC-5 6.34.4: both times zero: not told. */
static void put_timeouts(struct writer *w)
{
	wr_be16(w, TIMEOUTS_BYTES - 2);
	wr_zero(w, TIMEOUTS_BYTES - 2);
}

static void put_listed(struct writer *w, const struct disk_command *command, bool timeouts)
{
	bool action = command->row->service_action != CDB_NO_SERVICE_ACTION;

	wr_u8(w, command->row->opcode);
	wr_u8(w, 0);
	wr_be16(w, action ? command->row->service_action : 0);
	wr_u8(w, 0);
	wr_u8(w, (uint8_t)((timeouts ? CTDP : 0) | (action ? SERVACTV : 0)));
	wr_be16(w, command->cdb->bytes);
	if (timeouts)
		put_timeouts(w);
}

static void report_all(const struct disk *d, struct spt_task *task, bool timeouts)
{
	uint8_t data[4 + DISK_COMMANDS_MAX * (8 + TIMEOUTS_BYTES)];
	struct writer w = wr_init(data, sizeof(data));

	wr_be32(&w, 0);
	for (size_t i = 0; i < d->n_commands; i++)
		put_listed(&w, &d->commands[i], timeouts);
	be32_put(data, (uint32_t)wr_len(&w) - 4);
	spt_task_reply(task, data, wr_len(&w), be32_get(task->cdb + 6));
}

static void report_one(struct spt_task *task, const struct disk_command *command, bool timeouts)
{
	uint8_t data[4 + CDB_USAGE_MAX + TIMEOUTS_BYTES];
	struct writer w = wr_init(data, sizeof(data));

	timeouts = timeouts && command;
	wr_u8(&w, 0);
	wr_u8(&w, (uint8_t)((timeouts ? 0x80 : 0) | (command ? SUPPORT_STANDARD : SUPPORT_NONE)));
	wr_be16(&w, command ? command->cdb->bytes : 0);
	if (command)
		wr_bytes(&w, command->cdb->usage, command->cdb->bytes);
	if (timeouts)
		put_timeouts(&w);
	spt_task_reply(task, data, wr_len(&w), be32_get(task->cdb + 6));
}

static enum reporting reporting_of(const struct spt_task *task)
{
	return (enum reporting)(task->cdb[2] & 7);
}

/* SPC-5 table 250: the option must fit what the operation code has. */
static bool judge_opcodes(struct disk_channel *c, struct spt_task *task)
{
	bool action = disk_has_service_action(c->disk, task->cdb[3]);
	bool known = c->disk->first[task->cdb[3]];

	switch ((unsigned)reporting_of(task)) {
	case REPORT_ALL:
	case REPORT_EITHER:
		return true;
	case REPORT_OPCODE:
		if (!known || !action)
			return true;
		break;
	case REPORT_SERVICE_ACTION:
		if (!known || action)
			return true;
		break;
	}
	spt_task_check_cdb_field(task, 2, 2);
	return false;
}

static void run_opcodes(struct disk_channel *c, struct spt_task *task)
{
	const struct disk *d = c->disk;
	bool timeouts = task->cdb[2] & 0x80;
	uint16_t action = be16_get(task->cdb + 4);
	const struct disk_command *command = disk_command_find(d, task->cdb[3], action);

	/* SPC-5 6.34: what has no service actions has service action zero only. */
	if (reporting_of(task) == REPORT_EITHER && action && !disk_has_service_action(d, task->cdb[3]))
		command = NULL;
	if (reporting_of(task) == REPORT_ALL)
		report_all(d, task, timeouts);
	else
		report_one(task, command, timeouts);
}

static const struct disk_row ROWS[] = {
	{ 0xa3, 0x0c, 0, judge_opcodes, run_opcodes },
};

const struct disk_family disk_opcodes = { ROWS, ARRAY_SIZE(ROWS) };
