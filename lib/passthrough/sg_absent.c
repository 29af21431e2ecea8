/* SPDX-License-Identifier: MIT */
/*
 * The logical unit of a device that is away: it is there, and NOT READY. INQUIRY is answered
 * as the device did (SPC-5 6.6.1: a device server answers it in any state), REQUEST SENSE tells why,
 * REPORT LUNS is the library's own.
 *
 * MANUAL INTERVENTION REQUIRED, because somebody has to plug it in; and because it is what initiators
 * neither repeat for minutes nor try to spin up. Once it is found, IN PROCESS OF BECOMING READY,
 * which they repeat.
 */
#include <string.h>

#include "base/be.h"
#include "base/util.h"
#include "passthrough/sg_device.h"

#define OP_REQUEST_SENSE 0x03
#define OP_INQUIRY       0x12

#define BECOMING_READY       0x0401
#define MANUAL_INTERVENTION  0x0403

/* SPC-5 6.6.2: qualifier 001b, no device is connected now; its type is not known. */
static const uint8_t NEVER_SEEN[36] = { 0x3f, 0, 0x06, 0x02, sizeof(NEVER_SEEN) - 5, [8] = ' ',
	' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ',
	' ', ' ', ' ', ' ', ' ' };

static size_t vpd_page(const struct sg_pages *pages, uint8_t code, const uint8_t **ret_data,
	uint8_t list[8])
{
	const struct sg_page *page = code == 0x80 ? &pages->serial : &pages->identification;
	size_t n = 4;

	if (code) {
		*ret_data = page->data;
		return code == 0x80 || code == 0x83 ? page->bytes : 0;
	}
	/* Page 00h: those that can be told now. */
	list[0] = pages->standard.data[0];
	list[1] = list[2] = 0;
	list[n++] = 0x00;
	if (pages->serial.bytes)
		list[n++] = 0x80;
	if (pages->identification.bytes)
		list[n++] = 0x83;
	list[3] = (uint8_t)(n - 4);
	*ret_data = list;
	return n;
}

static void answer_inquiry(struct sg_device *d, struct spt_task *task)
{
	uint32_t allocation = be16_get(task->cdb + 3);
	uint8_t list[8], copy[sizeof(((struct sg_page *)0)->data)];
	const uint8_t *data = NEVER_SEEN;
	size_t n = sizeof(NEVER_SEEN);

	pthread_mutex_lock(&d->lock);
	if (task->cdb[1] & 1) {
		n = d->known ? vpd_page(&d->pages, task->cdb[2], &data, list) : 0;
	} else if (d->known) {
		data = d->pages.standard.data;
		n = d->pages.standard.bytes;
	}
	memcpy(copy, data, n);
	pthread_mutex_unlock(&d->lock);
	if (n)
		spt_task_reply(task, copy, n, allocation);
	else
		spt_task_check_cdb_field(task, 2, -1);
}

bool sg_absent_submits(const struct spt_task *task)
{
	return task->cdb[0] == OP_INQUIRY;
}

void sg_absent_answer(struct sg_device *d, struct spt_task *task, bool returning)
{
	struct spt_sense sense = {
		.key = SPT_KEY_NOT_READY,
		.asc = returning ? BECOMING_READY : MANUAL_INTERVENTION,
	};
	uint8_t data[SPT_SENSE_MAX];

	switch (task->cdb[0]) {
	case OP_INQUIRY:
		answer_inquiry(d, task);
		break;
	case OP_REQUEST_SENSE: {
		int n = spt_sense_encode(&sense, task->cdb[1] & 1, data, sizeof(data));
		spt_task_reply(task, data, n > 0 ? (size_t)n : 0, task->cdb[4]);
		break;
	}
	default:
		spt_task_check(task, sense.key, sense.asc);
	}
}
