/* SPDX-License-Identifier: MIT */
/*
 * A synchronous request as a task: entered, started, given its data, waited for. When its time is
 * over it is ended by ABORT TASK, as anybody else would end it, so that the caller's buffers are
 * free when the call returns: that may take as long as the device's escalation allows.
 */
#include <errno.h>
#include <string.h>

#include "base/list.h"
#include "base/util.h"
#include "sync/handle.h"
#include "sync/request.h"

static void task_done(struct spt_task *task)
{
	struct spt_handle *h = container_of(task, struct spt_handle, task);

	h->done = true;
}

static const struct spt_task_ops TASK_OPS = { .done = task_done };

static void tmf_done(struct spt_tmf *tmf)
{
	struct spt_handle *h = container_of(tmf, struct spt_handle, tmf);

	h->tmf_done = true;
}

/* Only data of a direction that the command has. */
static void fill_task(struct spt_handle *h, const struct sync_request *r)
{
	struct spt_task *t = &h->task;

	*t = (struct spt_task){
		.ops = &TASK_OPS,
		.aux = {
			.size = sizeof(t->aux),
			.session = h->session,
			.task = { .tag = h->tag, .generation = h->tag },
			.is_final = true,
		},
		.cdb_bytes = (uint16_t)r->cdb_bytes,
		.attribute = SPT_SIMPLE,
		.expected_out_bytes = r->out.bytes,
		.expected_in_bytes = r->in.bytes,
		.timeout_ms = (uint32_t)MIN((uint64_t)r->timeout_s * 1000, (uint64_t)UINT32_MAX),
	};
	h->tag++;
	memcpy(t->aux.signature, SPT_AUXILIARY_SIGNATURE, sizeof(t->aux.signature));
	memcpy(t->cdb, r->cdb, r->cdb_bytes);
	if (r->direct) {
		t->direct_out = r->out;
		t->direct_in = r->in;
	}
}

/* All of the data-out that the device takes, as one sequence. */
static void give_data(struct spt_task *t, const struct sync_request *r)
{
	if (t->out.data != r->out.data)
		memcpy(t->out.data, r->out.data, t->out_wanted_bytes);
	spt_task_data(t, t->out_wanted_bytes);
}

/* Its time is over: the same path that an initiator's ABORT TASK takes. */
static void give_up(struct spt_handle *h)
{
	h->aborted = true;
	h->tmf_done = false;
	h->tmf = (struct spt_tmf){
		.session = h->session,
		.function = SPT_TMF_ABORT_TASK,
		.reference = h->task.aux.task,
		.done = tmf_done,
	};
	if (spt_tmf(h->context, &h->tmf) < 0)
		h->tmf_done = true;
}

static void wait_for(struct spt_handle *h, uint32_t timeout_s)
{
	uint64_t deadline_us = UINT64_MAX;

	if (timeout_s)
		deadline_us = sync_clock_us() + (uint64_t)timeout_s * 1000000;
	h->aborted = false;
	while (!h->done || (h->aborted && !h->tmf_done)) {
		sync_loop_turn(&h->loop, h->aborted ? UINT64_MAX : deadline_us);
		if (!h->done && !h->aborted && sync_clock_us() >= deadline_us)
			give_up(h);
	}
}

static void take_result(const struct spt_task *t, struct sync_request *r)
{
	r->status = t->status;
	r->sense_moved = (uint8_t)MIN((size_t)t->sense_bytes, (size_t)r->sense_bytes);
	if (r->sense_moved)
		memcpy(r->sense, t->sense, r->sense_moved);
	r->in_moved = t->in.bytes;
	if (t->in.bytes && t->in.data != r->in.data)
		memcpy(r->in.data, t->in.data, t->in.bytes);
	r->out_moved = (uint32_t)MIN(t->out_would_bytes, (uint64_t)t->out_wanted_bytes);
}

static int outcome_of(const struct spt_handle *h)
{
	switch (h->task.outcome) {
	case SPT_COMPLETED:
		return 0;
	case SPT_ABORTED:
		return h->aborted ? -ETIMEDOUT : -ECANCELED;
	default:
		return -EIO;
	}
}

static int run_locked(struct spt_handle *h, struct sync_request *r)
{
	struct spt_task *t = &h->task;

	fill_task(h, r);
	h->done = false;
	int e = spt_task_enter(h->context, t);
	if (e < 0)
		return e;
	spt_task_start(t);
	if (!h->done && t->state == SPT_TASK_COLLECT)
		give_data(t, r);
	wait_for(h, r->timeout_s);
	e = outcome_of(h);
	if (!e)
		take_result(t, r);
	spt_task_end(t);
	return e;
}

int sync_request_run(struct spt_handle *h, struct sync_request *r)
{
	struct spt_properties p;

	spt_device_properties(h->device, &p);
	int e = sync_request_check(r, &p);
	if (e < 0)
		return e;
	pthread_mutex_lock(&h->lock);
	e = run_locked(h, r);
	pthread_mutex_unlock(&h->lock);
	return e;
}
