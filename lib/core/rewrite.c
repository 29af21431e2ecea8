/* SPDX-License-Identifier: MIT */
/* Asking for the whole of a page and giving a part of another: see rewrite.h. */
#include "core/rewrite.h"

#include <assert.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/util.h"
#include "scsi/vpd.h"

#define OP_INQUIRY   0x12
#define EVPD	     0x01
#define PAGE_HEADER  4u
/* Devices older than SPC-3 look at one byte of the allocation length only; the most have room. */
#define FIRST_BYTES  252u
#define ALLOCATION_MAX 65535u

static const struct rewrite_row ROWS[] = {
	{ VPD_SUPPORTED_PAGES, identity_overridden, identity_make_supported },
	{ VPD_UNIT_SERIAL_NUMBER, identity_overridden, identity_make_serial },
	{ VPD_DEVICE_IDENTIFICATION, identity_any, identity_make_designators },
	{ VPD_SCSI_PORTS, identity_of_ports, identity_make_ports },
};

static const struct rewrite_row *find_row(const struct spt_task *task)
{
	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		if (ROWS[i].code == task->cdb[2])
			return ROWS[i].wanted(task) ? &ROWS[i] : NULL;
	}
	return NULL;
}

static uint32_t asked_bytes(const struct spt_task *task)
{
	return be16_get(task->cdb + 3);
}

static void ask(struct spt_task *task, uint32_t bytes)
{
	be16_put(task->cdb + 3, (uint16_t)bytes);
	task->expected_in_bytes = bytes;
	task->in_would_bytes = 0;
}

/* The CDB and the room are the initiator's again. */
static void restore(struct spt_task *task)
{
	be16_put(task->cdb + 3, task->rewrite_allocation);
	task->expected_in_bytes = task->rewrite_expected_bytes;
}

/* What the device said, as the initiator would have got it. */
static void pass(struct spt_task *task)
{
	task->in_would_bytes = MIN(task->in_would_bytes, (uint64_t)task->rewrite_allocation);
	task->in.bytes = MIN(task->in.bytes,
		MIN(task->expected_in_bytes, (uint32_t)task->rewrite_allocation));
	spt_task_complete(task);
}

/* Is this the page, and not what an old device says to any INQUIRY? */
static bool is_page(const struct spt_task *task)
{
	const uint8_t *p = task->in.data;

	return task->status == SPT_GOOD && task->in.bytes >= PAGE_HEADER && p[1] == task->cdb[2] &&
		(p[0] >> 5) != 3;
}

/* The device has none: INVALID FIELD IN CDB, or whatever it says to what it does not know. */
static bool is_absent(const struct spt_task *task)
{
	struct spt_sense sense;

	return task->status == SPT_CHECK_CONDITION &&
		!spt_sense_decode(task->sense, task->sense_bytes, &sense) &&
		sense.key == SPT_KEY_ILLEGAL_REQUEST;
}

static uint8_t first_byte(const struct spt_task *task)
{
	struct spt_properties p;

	if (is_page(task))
		return task->in.data[0];
	spt_device_properties(task->itl->device, &p);
	return p.device_type & 0x1f;
}

/* @data of REWRITE_ROOM beyond what the device said; the length of the new page, 0: none was made. */
static size_t make(const struct rewrite_row *row, const struct spt_task *task, uint8_t *data,
	size_t room)
{
	bool there = is_page(task);
	struct rewrite_page page = { .task = task, .code = row->code };
	struct writer w = wr_init(data, room);

	if (there) {
		page.data = task->in.data + PAGE_HEADER;
		page.bytes = MIN((size_t)be16_get(task->in.data + 2), task->in.bytes - PAGE_HEADER);
	}
	vpd_begin(&w, first_byte(task), row->code);
	return row->make(&page, &w) && vpd_end(&w) == 0 ? wr_len(&w) : 0;
}

static void page_done(struct spt_task *task, void *arg);

/* The page is longer than was asked for: once more, for all of it. True: it is on its way. */
static bool ask_again(struct spt_task *task, const struct rewrite_row *row)
{
	uint32_t whole = PAGE_HEADER + (is_page(task) ? be16_get(task->in.data + 2) : 0u);

	if (task->in.bytes < FIRST_BYTES || asked_bytes(task) != FIRST_BYTES || whole <= FIRST_BYTES)
		return false;
	task_drop_in(task);
	ask(task, MIN(whole, ALLOCATION_MAX));
	int r = spt_task_push(task, page_done, (void *)(uintptr_t)row);
	assert(r == 0); /* the place that this completion left */
	(void)r;
	backend_submit_again(task);
	return true;
}

static void page_done(struct spt_task *task, void *arg)
{
	const struct rewrite_row *row = arg;
	bool over = task->aborting || task->outcome != SPT_COMPLETED;

	if (!over && ask_again(task, row))
		return;
	size_t room = PAGE_HEADER + task->in.bytes + REWRITE_ROOM;
	AUTO_FREE uint8_t *data = malloc(room);
	size_t bytes = !over && data && (is_page(task) || is_absent(task)) ?
		make(row, task, data, room) : 0;
	restore(task);
	if (!bytes) {
		pass(task);
		return;
	}
	task_drop_in(task);
	task->sense_bytes = 0;
	spt_task_reply(task, data, bytes, task->rewrite_allocation);
}

static void standard_done(struct spt_task *task, void *arg)
{
	/* Lent memory is not ours to write. */
	if (task->status == SPT_GOOD && task->in.bytes &&
		(task->in_pooled || task->in.data == task->direct_in.data))
		identity_edit_standard(task, task->in.data, task->in.bytes);
	spt_task_complete(task);
}

void rewrite_prepare(struct spt_task *task)
{
	if (task->cdb[0] != OP_INQUIRY || task->expected_out_bytes)
		return;
	if (!(task->cdb[1] & EVPD)) {
		spt_task_push(task, standard_done, NULL);
		return;
	}
	const struct rewrite_row *row = find_row(task);
	if (!row || spt_task_push(task, page_done, (void *)(uintptr_t)row) < 0)
		return;
	task->rewrite_allocation = (uint16_t)asked_bytes(task);
	task->rewrite_expected_bytes = task->expected_in_bytes;
	ask(task, FIRST_BYTES);
}
