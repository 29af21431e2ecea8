/* SPDX-License-Identifier: MIT */
/* The core tests' rig: see rig.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/util.h"
#include "rig.h"

void raise_flag(void *arg)
{
	++*(int *)arg;
}

void rig_open(struct rig *rig, const struct rig_params *params)
{
	static const struct rig_params none = { 0 };
	const struct rig_params *p = params ? params : &none;

	memset(rig, 0, sizeof(*rig));
	for (unsigned i = 0; i < RIG_LOOPS; i++) {
		fake_host_init(&rig->loops[i]);
		rig->loops[i].host.pool = spt_pool_new(1u << 20);
		assert_non_null(rig->loops[i].host.pool);
		assert_int_equal(spt_context_new(&rig->loops[i].host, &rig->contexts[i]), 0);
	}
	rig->device = fake_open_params(&(struct spt_device_params){ .name = "one", .identity = 1,
		.backend = p->ops ? p->ops : &FAKE_SHARED, .escalation = p->escalation,
		.state_dir = p->state_dir, .raw_reservations = p->raw_reservations,
		.layers = p->layers }, &rig->fake);
	rig->device_2 = fake_open(p->ops ? p->ops : &FAKE_SHARED, "two", &p->escalation,
		&rig->fake_2);
	const struct spt_lun_entry entries[] = {
		{ .lun = 5, .device = rig->device_2 },
		{ .lun = 0, .device = rig->device },
	};
	assert_int_equal(spt_lun_map_new(entries, ARRAY_SIZE(entries), &rig->map), 0);
}

struct spt_context *rig_context(struct rig *rig, unsigned session)
{
	return rig->contexts[rig->loop_of[session]];
}

void rig_start_raw(struct rig *rig, unsigned i, unsigned loop)
{
	const struct rig_nexus nexus =
		rig->nexuses ? rig->nexuses[i] : (struct rig_nexus){ 'a', (uint8_t)i, 1 };
	char initiator[] = "iqn.2026-11.org.example:a";

	initiator[sizeof(initiator) - 2] = nexus.initiator;
	const struct spt_session_params params = {
		.nexus = {
			.initiator_name = initiator,
			.isid = { 0x80, 0, 0, 0, 0, nexus.isid },
			.target_name = "iqn.2026-11.org.example:t",
			.target_portal_group_tag = nexus.port,
			.relative_port = nexus.port,
			.peer_address = "127.0.0.1:1",
		},
		.luns = rig->map,
		.budget_bytes = RIG_BUDGET,
	};

	rig->loop_of[i] = loop;
	rig->running[i] = true;
	assert_int_equal(spt_session_start(rig->contexts[loop], &params, &rig->sessions[i]), 0);
}

static void take_attentions(struct rig *rig, unsigned i, uint64_t lun)
{
	for (int n = 0; n < 4; n++) {
		struct job job;
		job_init(&job, rig, i, 0xffff0000u);
		job.task.cdb[0] = 0x03; /* REQUEST SENSE is never at the device while one waits */
		job.task.cdb[4] = 18;
		job.task.aux.lun = lun;
		bool inline_good = rig->fake->inline_good;
		rig->fake->inline_good = rig->fake_2->inline_good = true;
		job_run(rig, &job);
		rig->fake->inline_good = rig->fake_2->inline_good = inline_good;
		assert_int_equal(job.done, 1);
	}
}

void rig_start(struct rig *rig, unsigned i, unsigned loop)
{
	rig_start_raw(rig, i, loop);
	take_attentions(rig, i, RIG_LUN);
	take_attentions(rig, i, RIG_LUN_2);
	rig->fake->submits = rig->fake->judges = rig->fake_2->submits = rig->fake_2->judges = 0;
}

void rig_stop(struct rig *rig, unsigned i, int *stopped)
{
	rig->running[i] = false;
	assert_int_equal(spt_session_stop(rig_context(rig, i), rig->sessions[i], raise_flag, stopped),
		0);
}

void rig_settle(struct rig *rig)
{
	bool any;

	do {
		any = false;
		for (unsigned i = 0; i < RIG_LOOPS; i++)
			any |= fake_host_turn(&rig->loops[i]);
	} while (any);
}

void rig_pass(struct rig *rig, uint64_t us)
{
	for (unsigned i = 0; i < RIG_LOOPS; i++)
		rig->loops[i].now_us += us;
	rig_settle(rig);
}

void rig_close(struct rig *rig)
{
	int stopped = 0, freed = 0, n = 0;

	for (unsigned i = 0; i < RIG_SESSIONS; i++) {
		if (!rig->running[i])
			continue;
		rig_stop(rig, i, &stopped);
		n++;
	}
	for (unsigned i = 0; i < RIG_LOOPS; i++)
		spt_context_fence(rig->contexts[i]); /* what a test left at the device */
	rig_settle(rig);
	assert_int_equal(stopped, n);
	for (unsigned i = 0; i < RIG_LOOPS; i++)
		spt_context_free(rig->contexts[i], raise_flag, &freed);
	rig_settle(rig);
	assert_int_equal(freed, RIG_LOOPS);
	spt_lun_map_unref(rig->map);
	spt_device_unref(rig->device);
	spt_device_unref(rig->device_2);
	for (unsigned i = 0; i < RIG_LOOPS; i++) {
		assert_int_equal(spt_pool_used(rig->loops[i].host.pool), 0);
		spt_pool_free(rig->loops[i].host.pool);
		fake_host_deinit(&rig->loops[i]);
	}
}

struct fake_channel *rig_channel(struct rig *rig, unsigned session)
{
	for (unsigned i = 0; i < rig->fake->n_channels; i++) {
		if (rig->fake->channels[i]->host == &rig->loops[rig->loop_of[session]].host)
			return rig->fake->channels[i];
	}
	fail_msg("the device has no channel on this loop");
	return NULL;
}

static void task_done(struct spt_task *task)
{
	struct job *job = (struct job *)task;
	struct spt_sense sense;

	if (job->hold) {
		job->hold = false;
		spt_task_hold(task, false);
		return;
	}
	job->done++;
	job->outcome = task->outcome;
	job->status = task->status;
	job->state_in_done = task->state;
	job->in_would = task->in_would_bytes;
	job->in_bytes = task->in.bytes;
	if (task->in.bytes)
		memcpy(job->in, task->in.data, MIN((size_t)task->in.bytes, sizeof(job->in)));
	if (task->sense_bytes && !spt_sense_decode(task->sense, task->sense_bytes, &sense)) {
		job->key = sense.key;
		job->asc = sense.asc;
		job->field = be16_get(sense.key_specific + 1);
	}
	if (!job->keep)
		spt_task_end(task);
}

static const struct spt_task_ops TASK_OPS = { .done = task_done };

void job_init(struct job *job, struct rig *rig, unsigned session, uint32_t tag)
{
	memset(job, 0, sizeof(*job));
	job->session = session;
	job->task.ops = &TASK_OPS;
	job->task.aux = (struct spt_auxiliary){
		.size = sizeof(job->task.aux),
		.session = rig->sessions[session],
		.task = { .tag = tag, .generation = tag + 1000 },
		.lun = RIG_LUN,
		.is_final = true,
	};
	memcpy(job->task.aux.signature, SPT_AUXILIARY_SIGNATURE, 8);
	job->task.cdb_bytes = 16;
	job->task.attribute = SPT_SIMPLE;
	job->task.expected_in_bytes = sizeof(job->in);
}

void job_init_write(struct job *job, struct rig *rig, unsigned session, uint32_t tag, uint32_t bytes)
{
	job_init(job, rig, session, tag);
	job->task.cdb[0] = 0x2a;
	job->task.expected_in_bytes = 0;
	job->task.expected_out_bytes = bytes;
}

int job_enter(struct rig *rig, struct job *job)
{
	return spt_task_enter(rig_context(rig, job->session), &job->task);
}

void job_run(struct rig *rig, struct job *job)
{
	assert_int_equal(job_enter(rig, job), 0);
	spt_task_start(&job->task);
}

void job_data(struct job *job)
{
	assert_int_equal(job->task.state, SPT_TASK_COLLECT);
	memset(job->task.out.data, 0xda, job->task.out_wanted_bytes);
	job->task.aux.sequence_offset_bytes = 0;
	job->task.aux.is_final = true;
	assert_int_equal(spt_task_data(&job->task, job->task.out_wanted_bytes), 0);
}

void tmf_job_done(struct spt_tmf *tmf)
{
	((struct tmf_job *)tmf)->done++;
}

static int start(struct rig *rig, struct tmf_job *job, unsigned session)
{
	job->tmf.session = rig->sessions[session];
	job->tmf.done = tmf_job_done;
	return spt_tmf(rig_context(rig, session), &job->tmf);
}

int tmf_run(struct rig *rig, struct tmf_job *job, unsigned session, uint8_t function, uint64_t lun)
{
	memset(job, 0, sizeof(*job));
	job->tmf.function = function;
	job->tmf.lun = lun;
	return start(rig, job, session);
}

int tmf_abort(struct rig *rig, struct tmf_job *job, unsigned session, const struct job *of)
{
	memset(job, 0, sizeof(*job));
	job->tmf.function = SPT_TMF_ABORT_TASK;
	job->tmf.lun = of->task.aux.lun;
	job->tmf.reference = of->task.aux.task;
	return start(rig, job, session);
}
