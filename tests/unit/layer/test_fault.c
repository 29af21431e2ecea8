/* SPDX-License-Identifier: MIT */
/* What a fault rule does to a task: each of its actions, on either way, and what ends a task that hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/util.h"
#include "layered.h"

#define MEDIUM_BYTES 64u

static uint8_t medium[MEDIUM_BYTES];
static uint8_t *payload; /* where the device found the last data-out */

static bool lends; /* reads show the medium itself */

/* A disk of one short block. */
static bool answer(struct spt_task *task)
{
	if (task->cdb[0] == 0x2a) {
		payload = task->out.data;
		memcpy(medium, task->out.data, MIN(task->out.bytes, MEDIUM_BYTES));
		task->out_would_bytes = task->out.bytes;
		spt_task_good(task);
	} else if (lends) {
		spt_task_lend_in(task, medium, MEDIUM_BYTES, NULL);
		task->in_would_bytes = MEDIUM_BYTES;
		spt_task_good(task);
	} else {
		spt_task_reply(task, medium, MEDIUM_BYTES, MEDIUM_BYTES);
	}
	return true;
}

static void open_disk(struct rig *rig)
{
	layered_open(rig);
	rig->fake->answer = answer;
	memset(medium, 0, sizeof(medium));
	lends = false;
}

static void ends_above(void **state)
{
	static const struct {
		const char *action;
		uint8_t outcome, status, key;
		spt_asc_t asc;
	} rows[] = {
		{ "check=3/11/00", SPT_COMPLETED, SPT_CHECK_CONDITION, SPT_KEY_MEDIUM_ERROR, 0x1100 },
		{ "check=aborted-command/4b/03", SPT_COMPLETED, SPT_CHECK_CONDITION,
			SPT_KEY_ABORTED_COMMAND, 0x4b03 },
		{ "check=Unit_Attention/29/00", SPT_COMPLETED, SPT_CHECK_CONDITION,
			SPT_KEY_UNIT_ATTENTION, 0x2900 },
		{ "status=busy", SPT_COMPLETED, SPT_BUSY, 0, 0 },
		{ "status=task-set-full", SPT_COMPLETED, SPT_TASK_SET_FULL, 0, 0 },
		{ "status=reservation-conflict", SPT_COMPLETED, SPT_RESERVATION_CONFLICT, 0, 0 },
		{ "status=task_aborted", SPT_COMPLETED, SPT_TASK_ABORTED, 0, 0 },
		{ "status=good", SPT_COMPLETED, SPT_GOOD, 0, 0 },
		{ "drop", SPT_DELIVERY_FAILURE, SPT_GOOD, 0, 0 },
	};
	struct rig rig;

	open_disk(&rig);
	for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct job job;
		layered_set(&rig, "fault", rows[i].action);
		layered_read(&rig, &job, 0, i, 0, 1);
		job_run(&rig, &job);
		assert_int_equal(job.done, 1);
		assert_int_equal(job.outcome, rows[i].outcome);
		assert_int_equal(job.status, rows[i].status);
		assert_int_equal(job.key, rows[i].key);
		assert_int_equal(job.asc, rows[i].asc);
		assert_int_equal(job.in_bytes, 0);
	}
	assert_int_equal(rig.fake->submits, 0); /* the device never heard of any */
	rig_close(&rig);
}

static void read_all(struct rig *rig, struct job *job, uint32_t tag)
{
	layered_read(rig, job, 0, tag, 0, 1);
	job_run(rig, job);
	assert_int_equal(job->done, 1);
	assert_int_equal(job->status, SPT_GOOD);
}

/* Data-in is changed for the initiator, and not on the medium, be it copied or lent. */
static void corrupted_in(void **state)
{
	static const struct {
		const char *action;
		unsigned at;
		uint8_t bytes[2];
	} rows[] = {
		{ "corrupt=0", 0, { 0xff, 0 } },
		{ "corrupt=5:a55a", 5, { 0xa5, 0x5a } },
		{ "corrupt=62:0180ff", 62, { 0x01, 0x80 } }, /* no farther than the data */
		{ "corrupt=64", 0, { 0, 0 } },
	};
	struct rig rig;
	uint32_t tag = 0;

	open_disk(&rig);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		uint8_t expected[MEDIUM_BYTES] = { 0 };
		struct job job;
		lends = i % 2;
		memcpy(expected + rows[i / 2].at, rows[i / 2].bytes, 2);
		layered_set(&rig, "fault", rows[i / 2].action);
		read_all(&rig, &job, tag++);
		assert_int_equal(job.in_bytes, MEDIUM_BYTES);
		assert_memory_equal(job.in, expected, MEDIUM_BYTES);
		layered_set(&rig, "fault", "off");
		memset(expected, 0, sizeof(expected));
		read_all(&rig, &job, tag++);
		assert_memory_equal(job.in, expected, MEDIUM_BYTES);
	}
	rig_close(&rig);
}

/* Data-out is changed for the device; memory of the caller's own stays as it was. */
static void corrupted_out(void **state)
{
	struct rig rig;
	struct job job;
	uint8_t own[MEDIUM_BYTES], same[MEDIUM_BYTES];

	open_disk(&rig);
	layered_set(&rig, "fault", "op=2ah corrupt=1:ff0f");
	job_init_write(&job, &rig, 0, 1, MEDIUM_BYTES);
	job_run(&rig, &job);
	job_data(&job);
	assert_int_equal(job.status, SPT_GOOD);
	assert_int_equal(medium[0], 0xda);
	assert_int_equal(medium[1], 0xda ^ 0xff);
	assert_int_equal(medium[2], 0xda ^ 0x0f);
	assert_int_equal(medium[3], 0xda);

	memset(same, 0xda, sizeof(same));
	job_init_write(&job, &rig, 0, 2, MEDIUM_BYTES);
	job.task.direct_out = (struct spt_data){ own, sizeof(own) };
	job.keep = true;
	job_run(&rig, &job);
	job_data(&job);
	assert_int_equal(job.status, SPT_GOOD);
	assert_ptr_not_equal(payload, own);
	assert_int_equal(medium[1], 0xda ^ 0xff);
	assert_memory_equal(own, same, sizeof(own));
	assert_ptr_equal(job.task.out.data, own);
	spt_task_end(&job.task);
	rig_close(&rig);
}

static void shortened(void **state)
{
	static const struct {
		const char *action;
		uint32_t bytes;
	} rows[] = { { "short=0", 0 }, { "short=10", 10 }, { "short=64", 64 }, { "short=1K", 64 } };
	struct rig rig;
	struct job job;

	open_disk(&rig);
	for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
		layered_set(&rig, "fault", rows[i].action);
		read_all(&rig, &job, i);
		assert_int_equal(job.in_bytes, rows[i].bytes);
		assert_int_equal(job.in_would, rows[i].bytes);
	}
	layered_set(&rig, "fault", "short=10");
	job_init_write(&job, &rig, 0, 99, MEDIUM_BYTES);
	job.keep = true;
	job_run(&rig, &job);
	job_data(&job);
	assert_int_equal(job.task.out_would_bytes, 10);
	spt_task_end(&job.task);
	rig_close(&rig);
}

/* A refusal by the device comes through a rule that only changes data. */
static void refused_below(void **state)
{
	struct rig rig;
	struct job job;

	open_disk(&rig);
	layered_set(&rig, "fault", "corrupt=0");
	rig.fake->refuse = true;
	layered_read(&rig, &job, 0, 1, 0, 1);
	job_run(&rig, &job);
	assert_int_equal(job.status, SPT_CHECK_CONDITION);
	assert_int_equal(job.asc, 0x2000);
	assert_int_equal(layered_row(&rig, "fault").seen, 0);
	rig_close(&rig);
}

/* A task that hangs and ABORT TASK: when it is answered, and by what (SAM-5 7.2). */
static void hangs_abort(void **state)
{
	static const struct {
		const char *action;
		uint64_t after_us;
		bool reset, fenced;
	} rows[] = {
		{ "hang=abort", 0, false, false },
		{ "hang=reset", LAYERED_WAIT_US, true, false },
		{ "hang", LAYERED_WAIT_US, true, false },
		{ "hang=fence", LAYERED_WAIT_US + LAYERED_RESET_US, false, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		struct job job;
		struct tmf_job tmf;

		open_disk(&rig);
		layered_set(&rig, "fault", rows[i].action);
		layered_read(&rig, &job, 0, 1, 0, 1);
		job_run(&rig, &job);
		rig_pass(&rig, 3600000000u); /* by itself it never ends */
		assert_int_equal(job.done, 0);
		assert_int_equal(layered_row(&rig, "fault").held, 1);
		tmf_abort(&rig, &tmf, 0, &job);
		rig_settle(&rig);
		if (rows[i].after_us) {
			rig_pass(&rig, LAYERED_WAIT_US - 1);
			assert_int_equal(tmf.done, 0);
			rig_pass(&rig, 1);
		}
		if (rows[i].fenced) {
			rig_pass(&rig, LAYERED_RESET_US - 1);
			assert_int_equal(tmf.done, 0);
			rig_pass(&rig, 1);
		}
		assert_int_equal(tmf.done, 1);
		assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
		assert_int_equal(job.done, 1);
		assert_int_equal(job.outcome, SPT_ABORTED);
		assert_int_equal(rig.fake->resets, rows[i].reset);
		assert_int_equal(spt_device_fenced(rig.device), rows[i].fenced);
		assert_int_equal(layered_row(&rig, "fault").held, 0);
		assert_int_equal(rig.fake->submits, 0);
		rig_close(&rig);
	}
}

/* A reset that one nexus asks for ends what hangs on the other loop, too. */
static void reset_ends_both(void **state)
{
	struct rig rig;
	struct job jobs[2];
	struct tmf_job tmf;

	open_disk(&rig);
	layered_set(&rig, "fault", "hang=reset");
	for (unsigned i = 0; i < 2; i++) {
		layered_read(&rig, &jobs[i], i, 1, 0, 1);
		job_run(&rig, &jobs[i]);
	}
	assert_int_equal(layered_row(&rig, "fault").held, 2);
	tmf_run(&rig, &tmf, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	rig_pass(&rig, LAYERED_WAIT_US);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(jobs[i].done, 1);
	assert_false(spt_device_fenced(rig.device));
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_above),
		cmocka_unit_test(corrupted_in),
		cmocka_unit_test(corrupted_out),
		cmocka_unit_test(shortened),
		cmocka_unit_test(refused_below),
		cmocka_unit_test(hangs_abort),
		cmocka_unit_test(reset_ends_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
