/* SPDX-License-Identifier: MIT */
/*
 * The commands that reservations consist of, on their way: refused, judged, run, and answered when
 * what follows is done: the file is written (elsewhere, it blocks), preempted tasks have ended.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/util.h"
#include "core/removal.h"
#include "core/reservation_out.h"
#include "core/tmf.h"
#include "scsi/cdb.h"

enum {
	OP_RESERVE_6 = 0x16,
	OP_RELEASE_6 = 0x17,
	OP_START_STOP_UNIT = 0x1b,
	OP_PREVENT_ALLOW = 0x1e,
	OP_RESERVE_10 = 0x56,
	OP_RELEASE_10 = 0x57,
	OP_PERSISTENT_IN = 0x5e,
	OP_PERSISTENT_OUT = 0x5f,
	OP_READ_ELEMENT_STATUS = 0xb8,
	CURDATA = 0x02, /* byte 6: what is known, without moving anything */
};

/* What follows a service action that has changed something. */
struct followup {
	struct spt_task *task;
	struct spt_work work;
	struct spt_post post;
	struct reservation_image image;
	int written; /* 0 or -errno */
	struct reservation_victim *victims;
	size_t n_victims;
	bool unlocks;
	unsigned pending;
	struct spt_tmf *aborts; /* one for each victim */
};

/*
 * The rows with conditions: starting a disk is free, and so is allowing removal (SBC-4 table 13), and
 * the status of elements as far as it is known (SMC-3).
 */
static bool eased(const struct spt_task *task)
{
	unsigned families = task->itl->families;

	switch (task->cdb[0]) {
	case OP_START_STOP_UNIT:
		return !(families & (CDB_SSC | CDB_SMC)) && (task->cdb[4] & 0xf1) == 0x01;
	case OP_READ_ELEMENT_STATUS:
		return (families & CDB_SMC) && (task->cdb[6] & CURDATA);
	case OP_PREVENT_ALLOW:
		return !(task->cdb[4] & 0x03);
	default:
		return false;
	}
}

static unsigned class_of(const struct spt_task *task)
{
	const struct cdb_command *c = cdb_find(task->cdb, task->cdb_bytes, task->itl->families);
	unsigned flags = c ? c->flags : 0;

	if (flags & CDB_RES_SPC2)
		return 0;
	if (task->cdb[0] == OP_PERSISTENT_IN || task->cdb[0] == OP_PERSISTENT_OUT)
		return REFUSE_PERSISTENT;
	if (task->cdb[0] != OP_START_STOP_UNIT && eased(task))
		return 0; /* by SPC-2, too */
	if ((flags & CDB_RES_FREE) || eased(task))
		return REFUSE_FREE;
	return flags & CDB_RES_READ ? REFUSE_READS : REFUSE_OTHERS;
}

static void conflict(struct spt_task *task)
{
	task->status = SPT_RESERVATION_CONFLICT;
	spt_task_complete(task);
}

bool reservation_refuses(struct spt_task *task)
{
	unsigned refuses = atomic_load_explicit(&task->itl->refuses, memory_order_relaxed);

	if (!refuses || !(refuses & class_of(task)))
		return false;
	conflict(task);
	return true;
}

bool reservation_claims(const struct spt_task *task)
{
	switch (task->cdb[0]) {
	case OP_RESERVE_6:
	case OP_RELEASE_6:
	case OP_RESERVE_10:
	case OP_RELEASE_10:
	case OP_PERSISTENT_IN:
	case OP_PERSISTENT_OUT:
		return task->itl->device->reservations.on;
	default:
		return false;
	}
}

/* SPC-5 6.17.3: TransportIDs may come behind the 24 bytes of REGISTER and of REGISTER AND MOVE. */
static void judge_out(struct spt_task *task)
{
	uint32_t bytes = be32_get(task->cdb + 5);
	uint8_t action = task->cdb[1] & 0x1f;
	bool longer = action == OUT_REGISTER || action == OUT_REGISTER_AND_MOVE;

	if (bytes < OUT_LIST_BYTES) {
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, 0x1a00);
		return;
	}
	task->out_would_bytes = bytes;
	/* What comes after that is known to be refused. */
	bytes = MIN(bytes, longer ? RESERVATION_LIST_MAX : OUT_LIST_BYTES);
	task->out_wanted_bytes = MIN(bytes, task->expected_out_bytes);
}

void reservation_judge(struct spt_task *task)
{
	const struct cdb_command *c = cdb_find(task->cdb, task->cdb_bytes, CDB_SPC);
	int bit = -1;

	if (!c || !c->bytes) { /* a service action that is not supported */
		spt_task_check_cdb_field(task, 1, 4);
		return;
	}
	if (task->cdb_bytes < c->bytes) {
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, 0x2400);
		return;
	}
	int byte = cdb_reserved_bit(c, task->cdb, &bit);
	if (byte >= 0)
		spt_task_check_cdb_field(task, (unsigned)byte, bit);
	else if (task->cdb[0] == OP_PERSISTENT_OUT)
		judge_out(task);
}

static void answer(struct spt_task *task, const struct out_result *result)
{
	if (result->status == SPT_RESERVATION_CONFLICT)
		conflict(task);
	else if (result->status == SPT_GOOD)
		spt_task_good(task);
	else if (result->in_cdb)
		spt_task_check_cdb_field(task, result->byte, result->bit);
	else if (result->asc == INVALID_FIELD_IN_PARAMETER_LIST)
		spt_task_check_parameter(task, result->byte, result->bit);
	else
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, result->asc);
}

/* The device that takes the place of this one has read the file: there the initiator is to come with it. */
static void come_again(struct spt_task *task)
{
	task->status = SPT_BUSY;
	spt_task_complete(task);
}

static void followed(struct followup *f)
{
	struct spt_task *task = f->task;
	int written = f->written;

	for (size_t i = 0; i < f->n_victims; i++)
		context_release_elsewhere(f->victims[i].context);
	free(f->victims);
	free(f->aborts);
	free(f);
	if (written == -ESTALE)
		come_again(task);
	else if (written < 0)
		spt_task_check(task, SPT_KEY_HARDWARE_ERROR, 0x4400); /* INTERNAL TARGET FAILURE */
	else
		spt_task_good(task);
}

static void one_less(void *arg)
{
	struct followup *f = arg;

	if (--f->pending == 0)
		followed(f);
}

static void aborted(struct spt_tmf *tmf)
{
	one_less(tmf->arg);
}

/* SPC-5 5.14.11.5: the tasks of who was preempted are aborted; then comes the answer. */
static void abort_victims(struct followup *f)
{
	f->pending = 1; /* ours */
	for (size_t i = 0; f->aborts && i < f->n_victims; i++) {
		struct spt_tmf *tmf = &f->aborts[i];
		tmf->context = f->task->session->context;
		tmf->done = aborted;
		tmf->arg = f;
		f->pending++;
		tmf_preempt(tmf, f->task->session, f->task->itl->device, f->victims[i].context,
			f->victims[i].session);
	}
	if (f->unlocks && removal_unlock(f->task->itl->channel, one_less, f))
		f->pending++;
	one_less(f);
}

static void write_file(struct spt_work *work)
{
	struct followup *f = work->arg;

	f->written = reservation_write(&f->task->itl->device->reservations, &f->image);
}

static void file_written(struct spt_work *work)
{
	struct followup *f = work->arg;

	if (f->written < 0 && f->written != -ESTALE)
		spt_device_event(f->task->itl->device, "persistent reservations cannot be written to %s: "
			"errno %d", f->task->itl->device->reservations.path, -f->written);
	abort_victims(f);
}

/* Not from inside the start of another task: results of other tasks come of this. */
static void begin(struct spt_post *post)
{
	abort_victims(post->arg);
}

static void follow(struct spt_task *task, struct out_result *result)
{
	struct followup *f = calloc(1, sizeof(*f));
	struct spt_host *host = task->session->context->host;
	int r = f ? reservation_image(task->itl->device, &f->image) : -ENOMEM;

	if (f && result->n_victims)
		f->aborts = calloc(result->n_victims, sizeof(*f->aborts));
	if (r < 0 || (result->n_victims && !f->aborts)) {
		for (size_t i = 0; i < result->n_victims; i++)
			context_release_elsewhere(result->victims[i].context);
		free(result->victims);
		if (f)
			free(f->image.data);
		free(f);
		/* INSUFFICIENT RESOURCES */
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, 0x5503);
		return;
	}
	f->task = task;
	f->victims = TAKE(result->victims);
	f->n_victims = result->n_victims;
	f->unlocks = result->unlocks;
	f->work = (struct spt_work){ .work = write_file, .done = file_written, .arg = f };
	f->post = (struct spt_post){ .fn = begin, .arg = f };
	if (r > 0)
		spt_host_offload(host, &f->work);
	else if (f->n_victims)
		spt_host_post(host, &f->post);
	else
		followed(f);
}

static void persistent_out(struct spt_task *task)
{
	struct out_request request;
	struct out_result result;

	if (atomic_load_explicit(&task->itl->device->reservations.superseded, memory_order_relaxed)) {
		come_again(task);
		return;
	}
	if (!reservation_list_take(task->cdb, task->out.data, task->out.bytes, &request, &result)) {
		answer(task, &result);
		return;
	}
	reservation_out(task->itl, &request, &result);
	reservation_list_free(&request);
	if (result.changed)
		follow(task, &result);
	else
		answer(task, &result);
}

void reservation_submit(struct spt_task *task)
{
	bool done = true;

	assert(task->out_wanted_bytes == task->out_received_bytes);
	task->state = SPT_TASK_DEVICE;
	switch (task->cdb[0]) {
	case OP_PERSISTENT_IN:
		reservation_in(task);
		return;
	case OP_PERSISTENT_OUT:
		persistent_out(task);
		return;
	case OP_RESERVE_6:
	case OP_RESERVE_10:
		done = reservation_reserve(task->itl);
		break;
	default:
		done = reservation_release(task->itl);
	}
	if (done)
		spt_task_good(task);
	else
		conflict(task);
}
