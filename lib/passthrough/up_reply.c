/* SPDX-License-Identifier: MIT */
/* Upstream responses: see up_reply.h. */
#include "passthrough/up_reply.h"

#include <string.h>

#include <spt/backend.h>

#include "base/be.h"
#include "base/util.h"

void up_prepare_in(struct spt_data *in, uint64_t canary)
{
	if (!in->bytes)
		return;
	memset(in->data, 0, in->bytes);
	if (in->bytes >= sizeof(canary))
		memcpy(in->data + in->bytes - sizeof(canary), &canary, sizeof(canary));
}

/* Nothing has been written to the end of the buffer of @bytes. */
static bool untouched(const uint8_t *data, uint32_t bytes, uint64_t canary)
{
	return bytes >= sizeof(canary) &&
		!memcmp(data + bytes - sizeof(canary), &canary, sizeof(canary));
}

static bool all_zero(const uint8_t *data, uint32_t bytes)
{
	return !bytes || (!data[0] && !memcmp(data, data + 1, bytes - 1));
}

static void set_sense(struct spt_task *task, uint8_t key, spt_asc_t asc)
{
	struct spt_sense sense = { .key = key, .asc = asc };

	task->status = SPT_CHECK_CONDITION;
	task->sense_bytes =
		(uint16_t)spt_sense_encode(&sense, false, task->sense, sizeof(task->sense));
	task->in.bytes = 0;
	task->in_would_bytes = task->out_would_bytes = 0;
}

static uint64_t would_move(uint32_t expected, const struct up_reply *reply)
{
	switch (reply->residual) {
	case UP_UNDERFLOW:
		return expected - MIN(expected, reply->residual_bytes);
	case UP_OVERFLOW:
		return (uint64_t)expected + reply->residual_bytes;
	default:
		return expected;
	}
}

static void copy_sense(struct spt_task *task, const struct up_reply *reply)
{
	task->sense_bytes = 0;
	if (reply->segment_bytes < 2)
		return;
	size_t n = MIN((size_t)be16_get(reply->segment), reply->segment_bytes - 2);
	n = MIN(n, (size_t)SPT_SENSE_MAX);
	if (n)
		memcpy(task->sense, reply->segment + 2, n);
	task->sense_bytes = (uint16_t)n;
}

static void apply_data(struct spt_task *task, const struct up_reply *reply, uint64_t canary)
{
	uint32_t expected = task->in.bytes;

	if (!expected) {
		task->out_would_bytes = would_move(task->out.bytes, reply);
		if (!task->out.bytes)
			task->in_would_bytes = would_move(0, reply);
		return;
	}
	task->in_would_bytes = would_move(expected, reply);
	task->in.bytes = (uint32_t)MIN(task->in_would_bytes, (uint64_t)expected);
	if (!untouched(task->in.data, expected, canary))
		return;
	memset(task->in.data + expected - sizeof(canary), 0, sizeof(canary));
	if (task->in.bytes < expected)
		return;
	if (reply->status == SPT_GOOD)
		set_sense(task, SPT_KEY_ABORTED_COMMAND, 0x4b00); /* DATA PHASE ERROR */
	else if (all_zero(task->in.data, expected))
		task->in.bytes = 0; /* an error without data, and nothing said of residuals */
}

void up_apply_reply(struct spt_task *task, const struct up_reply *reply, uint64_t canary,
	bool sequential)
{
	switch (reply->fate) {
	case UP_ABORTED:
		/* Perhaps by a reset that was meant for others: then it is answered. */
		set_sense(task, SPT_KEY_ABORTED_COMMAND, 0x0000);
		if (task->aborting)
			task->outcome = SPT_ABORTED;
		return;
	case UP_LOST:
		/* Never BUSY: it may have been executed, and an initiator repeats what was BUSY.
		 * Some repeat ABORTED COMMAND, too: a block of a tape must not be written twice.
		 * LOGICAL UNIT COMMUNICATION FAILURE */
		set_sense(task, sequential ? SPT_KEY_HARDWARE_ERROR : SPT_KEY_ABORTED_COMMAND,
			0x0800);
		return;
	case UP_ANSWERED:
		break;
	}
	task->status = reply->status;
	apply_data(task, reply, canary);
	if (reply->status != SPT_CHECK_CONDITION)
		return;
	copy_sense(task, reply);
	if (!task->sense_bytes) {
		uint32_t in_bytes = task->in.bytes;
		uint64_t in_would = task->in_would_bytes, out_would = task->out_would_bytes;
		set_sense(task, SPT_KEY_HARDWARE_ERROR, 0x4400); /* INTERNAL TARGET FAILURE */
		task->in.bytes = in_bytes;
		task->in_would_bytes = in_would;
		task->out_would_bytes = out_would;
	}
}
