/* SPDX-License-Identifier: MIT */
/*
 * The end of a command: the kernel's result becomes the initiator's, and on its way it tells
 * what is of interest to others: unit attentions, the size of the medium, that the device is gone.
 */
#include <errno.h>

#include "base/util.h"
#include "passthrough/clamp.h"
#include "passthrough/opcode_list.h"
#include "passthrough/sg_device.h"
#include "passthrough/sg_header.h"

static void finish(struct spt_task *task, const struct sg_verdict *verdict)
{
	if (verdict->own_sense) {
		spt_task_check(task, verdict->key, verdict->asc);
		return;
	}
	task->status = verdict->status;
	spt_task_complete(task);
}

/* Unit attentions were for the one initiator that the device knows: tell the others. */
static void spread_attention(const struct sg_device *d, const struct spt_task *task)
{
	struct spt_sense sense;

	if (spt_sense_decode(task->sense, task->sense_bytes, &sense) < 0)
		return;
	spt_device_set_descriptor_sense(d->handle, (task->sense[0] & 0x7f) >= 0x72);
	if (sense.key == SPT_KEY_UNIT_ATTENTION && !sense.deferred)
		spt_device_attention(d->handle, task, sense.asc);
}

static uint32_t block_bytes(const struct sg_device *d)
{
	return atomic_load_explicit(&d->learned.block_bytes, memory_order_relaxed);
}

/* SAM-5 5.4.2: what a WRITE had moved, had the initiator sent it. */
static void add_overflow(const struct sg_device *d, struct spt_task *task)
{
	unsigned type = atomic_load_explicit(&d->learned.device_type, memory_order_relaxed);
	uint64_t asked = sg_write_transfer(task->cdb, type, block_bytes(d));

	if (task->out_would_bytes == task->expected_out_bytes)
		task->out_would_bytes = MAX(task->out_would_bytes, asked);
}

void sg_result(struct sg_device *d, const struct sg_attachment *a, struct spt_task *task,
	const struct sg_result *r)
{
	struct sg_verdict v =
		sg_verdict_of(r->status, r->host_status, r->driver_status, r->sense_bytes);

	sg_count_moved(task, r->in_left, r->out_left, v.moved);
	opcode_list_hide(&a->limits, task, v.status == SPT_GOOD);
	task->in.bytes = MIN(task->in.bytes, task->expected_in_bytes);
	if (!v.own_sense)
		task->sense_bytes = (uint16_t)r->sense_bytes;
	if (task->sense_bytes)
		spread_attention(d, task);
	if (v.status == SPT_GOOD) {
		add_overflow(d, task);
		if (task->in.bytes) {
			learn(&d->learned, task->cdb, task->in.data, task->in.bytes);
			clamp_reply(task->cdb, task->in.data, task->in.bytes,
				a->limits.max_transfer_bytes, block_bytes(d));
		}
	}
	finish(task, &v);
}

void sg_result_refused(struct sg_device *d, struct sg_attachment *a, struct spt_task *task, int err)
{
	struct sg_verdict v = sg_verdict_of_errno(err);

	if (err == ENODEV || err == ENXIO)
		sg_device_gone(d, a);
	sg_count_moved(task, 0, 0, false);
	finish(task, &v);
}

void sg_result_lost(struct spt_task *task)
{
	sg_count_moved(task, 0, 0, false);
	spt_task_check(task, SPT_KEY_NOT_READY, 0x0400); /* CAUSE NOT REPORTABLE */
}
