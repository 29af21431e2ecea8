/* SPDX-License-Identifier: MIT */
/* What backends say with: the usual results of a task, its data-in buffer, its nexus. */
#include <assert.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"
#include "core/core.h"

void spt_task_good(struct spt_task *task)
{
	task->status = SPT_GOOD;
	spt_task_complete(task);
}

static void set_check(struct spt_task *task, const struct spt_sense *sense)
{
	bool descriptor = task->itl &&
		atomic_load_explicit(&task->itl->device->descriptor_sense, memory_order_relaxed);
	int n = spt_sense_encode(sense, descriptor, task->sense, sizeof(task->sense));

	assert(n > 0);
	task->status = SPT_CHECK_CONDITION;
	task->sense_bytes = (uint16_t)n;
}

void spt_task_check_sense(struct spt_task *task, const struct spt_sense *sense)
{
	set_check(task, sense);
	spt_task_complete(task);
}

void spt_task_overrule(struct spt_task *task, uint8_t key, spt_asc_t asc)
{
	struct spt_sense sense = { .key = key, .asc = asc };

	assert(task->state == SPT_TASK_DONE);
	set_check(task, &sense);
}

void spt_task_check(struct spt_task *task, uint8_t key, spt_asc_t asc)
{
	struct spt_sense sense = { .key = key, .asc = asc };
	spt_task_check_sense(task, &sense);
}

/* SPC-5 4.5.2.4.2: the field pointer sense-key specific data. */
static void check_field(struct spt_task *task, spt_asc_t asc, bool in_cdb, unsigned byte, int bit)
{
	struct spt_sense sense = {
		.key = SPT_KEY_ILLEGAL_REQUEST,
		.asc = asc,
		.key_specific_valid = true,
	};
	sense.key_specific[0] = (uint8_t)(0x80 | (in_cdb ? 0x40 : 0) | (bit >= 0 ? 0x08 | bit : 0));
	be16_put(sense.key_specific + 1, (uint16_t)byte);
	spt_task_check_sense(task, &sense);
}

void spt_task_check_cdb_field(struct spt_task *task, unsigned byte, int bit)
{
	check_field(task, 0x2400, true, byte, bit); /* INVALID FIELD IN CDB */
}

void spt_task_check_parameter(struct spt_task *task, unsigned byte, int bit)
{
	check_field(task, 0x2600, false, byte, bit); /* INVALID FIELD IN PARAMETER LIST */
}

void spt_task_full(struct spt_task *task)
{
	if (task->too_large) {
		/* Not a matter of waiting. INVALID FIELD IN CDB */
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, 0x2400);
		return;
	}
	/* SAM-5 5.3.1: TASK SET FULL promises that a task of this nexus will end; else BUSY. */
	task->status = task->session->n_tasks > 1 ? SPT_TASK_SET_FULL : SPT_BUSY;
	spt_task_complete(task);
}

uint8_t *spt_task_take_in(struct spt_task *task, uint32_t bytes)
{
	struct spt_session *s = task->session;

	assert(!task->in.data);
	if (task->direct_in.data && bytes <= task->direct_in.bytes) {
		task->in = (struct spt_data){ .data = task->direct_in.data, .bytes = bytes };
		return task->in.data;
	}
	task->too_large = bytes > s->budget_bytes || bytes > SPT_BUFFER_MAX;
	if (!session_charge(s, bytes))
		return NULL;
	uint8_t *p = spt_pool_get(s->context->host->pool, bytes);
	if (!p) {
		session_uncharge(s, bytes);
		return NULL;
	}
	task->in = (struct spt_data){ .data = p, .bytes = bytes };
	task->in_pooled = true;
	task->in_pool_bytes = bytes;
	return p;
}

void spt_task_lend_in(struct spt_task *task, const void *data, uint32_t bytes,
	void (*release)(struct spt_task *task))
{
	assert(!task->in.data);
	/* Nobody writes through it: the transmit path only reads. */
	task->in = (struct spt_data){ .data = (uint8_t *)(uintptr_t)data, .bytes = bytes };
	task->in_lent = true;
	task->lent_release = release;
}

void spt_task_reply(struct spt_task *task, const void *data, size_t bytes, uint32_t allocation)
{
	uint32_t would = (uint32_t)MIN(bytes, (size_t)allocation);
	uint32_t moved = MIN(would, task->expected_in_bytes);

	task->in_would_bytes = would;
	if (moved) {
		uint8_t *p = spt_task_take_in(task, moved);
		if (!p) {
			spt_task_full(task);
			return;
		}
		memcpy(p, data, moved);
	}
	spt_task_good(task);
}

const struct spt_nexus *spt_task_nexus(const struct spt_task *task)
{
	return &task->session->nexus;
}
