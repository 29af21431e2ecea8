/* SPDX-License-Identifier: MIT */
/* MODE SENSE and MODE SELECT, 6 and 10 bytes (SPC-5 6.13 to 6.16), and the disk's mode pages. */
#include <errno.h>

#include "base/be.h"
#include "base/util.h"
#include "disk/io.h"
#include "scsi/mode.h"

enum { WP = 0x80, DPOFUA = 0x10 };

/* SBC-4 6.5, SPC-5 7.5. TST 001b: one task set for each I_T nexus. QUEUE ALGORITHM MODIFIER 1. */
static const struct mode_page PAGES[] = {
	{ MODE_READ_WRITE_ERROR_RECOVERY, 12, { 0 } },
	{ MODE_CACHING, 20, { 0 } },
	{ MODE_CONTROL, 12, { [2] = 0x20, [3] = 0x10 } },
	{ MODE_INFORMATIONAL_EXCEPTIONS, 12, { [2] = 0x08 } }, /* DEXCPT: none are reported */
};

static const struct mode_bit BITS[] = {
	{ MODE_CACHING, 2, 0x04, DISK_WCE },
	{ MODE_CONTROL, 2, 0x04, DISK_D_SENSE },
	{ MODE_CONTROL, 4, 0x08, DISK_SWP },
	{ MODE_CONTROL, 5, 0x40, DISK_TAS },
};

static const struct mode_pages SET = { PAGES, ARRAY_SIZE(PAGES), BITS, ARRAY_SIZE(BITS) };

static bool is_ten(const struct spt_task *task)
{
	return task->cdb[0] & 0x40;
}

static struct mode_sense request_of(const struct disk *d, const struct spt_task *task)
{
	const uint8_t *cdb = task->cdb;
	uint32_t state = disk_state(d);
	bool protected = d->read_only || (state & DISK_SWP);

	return (struct mode_sense){
		.ten = is_ten(task),
		.long_lba = cdb[1] & 0x10,
		.descriptor = !(cdb[1] & 0x08),
		.page = cdb[2] & 0x3f,
		.subpage = cdb[3],
		.control = (enum mode_control)(cdb[2] >> 6),
		.device_parameter = (uint8_t)((protected ? WP : 0) | DPOFUA),
		.blocks = d->blocks,
		.block_bytes = d->block_bytes,
		.current = state,
		.defaults = d->defaults,
	};
}

static bool judge_sense(struct disk_channel *c, struct spt_task *task)
{
	if (task->cdb[2] >> 6 != MODE_SAVED)
		return true;
	spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, ASC_SAVING_PARAMETERS_NOT_SUPPORTED);
	return false;
}

static void run_sense(struct disk_channel *c, struct spt_task *task)
{
	struct mode_sense request = request_of(c->disk, task);
	uint8_t data[MODE_DATA_MAX];
	int n = mode_sense(&SET, &request, data, sizeof(data));

	if (n == -ENOENT)
		spt_task_check_cdb_field(task, 2, 5);
	else if (n < 0)
		spt_task_check_cdb_field(task, 3, -1);
	else
		spt_task_reply(task, data, (size_t)n,
			request.ten ? be16_get(task->cdb + 7) : task->cdb[4]);
}

static uint32_t list_length(const struct spt_task *task)
{
	return is_ten(task) ? be16_get(task->cdb + 7) : task->cdb[4];
}

static bool judge_select(struct disk_channel *c, struct spt_task *task)
{
	uint32_t length = list_length(task);

	task->out_would_bytes = length;
	task->out_wanted_bytes = MIN(length, task->expected_out_bytes);
	return true;
}

/* Sets the mode bits as selected; what changed is returned. */
static uint32_t change_state(struct disk *d, uint32_t selected)
{
	uint32_t old = disk_state(d), new;

	do
		new = (old & ~(uint32_t)DISK_MODE_BITS) | (selected & DISK_MODE_BITS);
	while (!atomic_compare_exchange_weak(&d->state, &old, new));
	return old ^ new;
}

static void apply(struct disk_channel *c, struct spt_task *task, uint32_t selected)
{
	struct disk *d = c->disk;
	uint32_t changed = change_state(d, selected);

	if (changed & DISK_D_SENSE)
		spt_device_set_descriptor_sense(d->device, selected & DISK_D_SENSE);
	if (changed & DISK_TAS)
		spt_device_set_task_aborted_status(d->device, selected & DISK_TAS);
	if (changed)
		spt_device_attention(d->device, task, ASC_MODE_PARAMETERS_CHANGED);
	/* SBC-4 6.5.5: a cache that is switched off is written out. */
	if ((changed & DISK_WCE) && !(selected & DISK_WCE) && !d->read_only) {
		struct disk_io *io = disk_io_new(c, task);
		if (io)
			disk_io_step(io, STORE_FLUSH, NULL, 0, 0, false, disk_io_good);
		return;
	}
	spt_task_good(task);
}

static void run_select(struct disk_channel *c, struct spt_task *task)
{
	struct disk *d = c->disk;
	struct mode_select select = {
		.ten = is_ten(task),
		.blocks = d->blocks,
		.block_bytes = d->block_bytes,
		.flags = disk_state(d),
		.bit = -1,
	};
	enum mode_fault fault = MODE_BAD_LENGTH;

	if (task->out_wanted_bytes == list_length(task))
		fault = mode_select(&SET, task->out.data, task->out_wanted_bytes, &select);
	switch (fault) {
	case MODE_OK:
		apply(c, task, select.flags);
		break;
	case MODE_BAD_FIELD:
		spt_task_check_parameter(task, select.byte, select.bit);
		break;
	case MODE_BAD_LENGTH:
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH_ERROR);
		break;
	}
}

static const struct disk_row ROWS[] = {
	{ 0x1a, CDB_NO_SERVICE_ACTION, 0, judge_sense, run_sense },
	{ 0x5a, CDB_NO_SERVICE_ACTION, 0, judge_sense, run_sense },
	{ 0x15, CDB_NO_SERVICE_ACTION, 0, judge_select, run_select },
	{ 0x55, CDB_NO_SERVICE_ACTION, 0, judge_select, run_select },
};

const struct disk_family disk_mode = { ROWS, ARRAY_SIZE(ROWS) };
