/* SPDX-License-Identifier: MIT */
/*
 * What is answered above the logical units: REPORT LUNS, commands for a LUN that is not mapped,
 * and unit attention conditions on their way to the initiator (SAM-5 4.7, 5.14; SPC-5 6.33).
 */
#include <string.h>

#include "base/be.h"
#include "base/util.h"
#include "core/core.h"
#include "scsi/lun.h"

#define OP_REQUEST_SENSE 0x03
#define OP_INQUIRY	 0x12
#define OP_REPORT_LUNS	 0xa0

struct spt_itl *lun_find(struct spt_session *session, uint64_t lun)
{
	size_t low = 0, high = session->n_itls;
	uint32_t number;

	if (lun_decode(lun, &number) != LUN_NUMBERED)
		return NULL;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (session->itls[mid]->lun == number)
			return session->itls[mid];
		if (session->itls[mid]->lun < number)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct spt_itl *spt_session_itl(struct spt_context *context, spt_session_cookie session, uint64_t lun)
{
	struct spt_session *s = session_find(context, session);

	return s ? lun_find(s, lun) : NULL;
}

/* SPC-5 6.33. LUNs below 256 are reported in the peripheral format, as everybody expects them. */
static void report_luns(struct spt_task *task)
{
	struct spt_session *s = task->session;
	uint32_t allocation = be32_get(task->cdb + 6);
	uint8_t select = task->cdb[2];
	size_t n = 0;

	if (task->cdb_bytes < 12 || select > 2) {
		spt_task_check_cdb_field(task, 2, -1);
		return;
	}
	uint32_t bytes = 8 + 8 * (uint32_t)(s->n_itls + 1);
	uint8_t *list = calloc(1, bytes);
	if (!list) {
		spt_task_full(task);
		return;
	}
	for (size_t i = 0; i < s->n_itls && select != 1; i++)
		be64_put(list + 8 + 8 * n++, lun_encode(s->itls[i]->lun));
	if (select != 0)
		be64_put(list + 8 + 8 * n++, LUN_W_REPORT_LUNS);
	be32_put(list, (uint32_t)(8 * n));
	if (select != 1)
		session_luns_reported(s);
	spt_task_reply(task, list, 8 + 8 * n, allocation);
	free(list);
}

/* SPC-5 6.6.1: no device server at this LUN: qualifier 011b, type 1Fh. */
static void inquiry_unmapped(struct spt_task *task)
{
	uint8_t data[36] = { 0x7f, 0, 0x06, 0x02, sizeof(data) - 5 };

	if (task->cdb[1] & 1) {
		spt_task_check_cdb_field(task, 1, 0);
		return;
	}
	memset(data + 8, ' ', 28);
	spt_task_reply(task, data, sizeof(data), be16_get(task->cdb + 3));
}

/* REQUEST SENSE that brings a condition of ours as parameter data (SPC-5 6.39). */
static void sense_as_data(struct spt_task *task, uint8_t key, spt_asc_t asc)
{
	struct spt_sense sense = { .key = key, .asc = asc };
	uint8_t data[SPT_SENSE_MAX];
	int n = spt_sense_encode(&sense, task->cdb[1] & 1, data, sizeof(data));

	spt_task_reply(task, data, n > 0 ? (size_t)n : 0, task->cdb[4]);
}

static void answer_unmapped(struct spt_task *task)
{
	const spt_asc_t not_supported = 0x2500; /* LOGICAL UNIT NOT SUPPORTED */

	switch (task->cdb[0]) {
	case OP_INQUIRY:
		inquiry_unmapped(task);
		break;
	case OP_REQUEST_SENSE:
		sense_as_data(task, SPT_KEY_ILLEGAL_REQUEST, not_supported);
		break;
	default:
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, not_supported);
	}
}

/* SAM-5 5.14: reported by CHECK CONDITION, except to INQUIRY and REPORT LUNS, which pass it by. */
static bool answer_attention(struct spt_task *task)
{
	struct spt_itl *itl = task->itl;

	if (!atomic_load_explicit(&itl->attention_count, memory_order_acquire) ||
		task->cdb[0] == OP_INQUIRY)
		return false;
	spt_asc_t asc = itl_take_attention(itl);
	if (!asc)
		return false;
	if (task->cdb[0] == OP_REQUEST_SENSE)
		sense_as_data(task, SPT_KEY_UNIT_ATTENTION, asc);
	else
		spt_task_check(task, SPT_KEY_UNIT_ATTENTION, asc);
	return true;
}

bool lun_answer(struct spt_task *task)
{
	if (task->cdb[0] == OP_REPORT_LUNS &&
		(task->itl || task->aux.lun == 0 || task->aux.lun == LUN_W_REPORT_LUNS)) {
		report_luns(task);
		return true;
	}
	if (!task->itl) {
		answer_unmapped(task);
		return true;
	}
	return answer_attention(task);
}
