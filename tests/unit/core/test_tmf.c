/* SPDX-License-Identifier: MIT */
/* Task management on one loop: every function in every state of a task (SAM-5 7, RFC 7143 11.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "rig.h"

/* The states in which a function may find a task, and the way there. */
static void make_entered(struct rig *rig, struct job *job, uint32_t tag)
{
	job_init(job, rig, 0, tag);
	assert_int_equal(job_enter(rig, job), 0);
}

static void make_collect(struct rig *rig, struct job *job, uint32_t tag)
{
	job_init_write(job, rig, 0, tag, 4096);
	job_run(rig, job);
}

static void make_device(struct rig *rig, struct job *job, uint32_t tag)
{
	job_init(job, rig, 0, tag);
	job_run(rig, job);
}

static void make_blocked(struct rig *rig, struct job *job, uint32_t tag)
{
	static struct job before[8];
	static unsigned n;

	make_device(rig, &before[n++ % ARRAY_SIZE(before)], tag + 0x100);
	job_init(job, rig, 0, tag);
	job->task.attribute = SPT_ORDERED;
	job_run(rig, job);
}

/* It has its result, of which nobody has heard (RFC 7143 11.4.2). */
static void make_held(struct rig *rig, struct job *job, uint32_t tag)
{
	make_device(rig, job, tag);
	job->hold = true;
	fake_complete(rig_channel(rig, 0));
	assert_int_equal(job->done, 0);
}

static const struct {
	void (*make)(struct rig *rig, struct job *job, uint32_t tag);
	uint8_t state;
} STATES[] = {
	{ make_entered, SPT_TASK_ENTERED },
	{ make_collect, SPT_TASK_COLLECT },
	{ make_blocked, SPT_TASK_BLOCKED },
	{ make_device, SPT_TASK_DEVICE },
	{ make_held, SPT_TASK_HELD },
};

/* RFC 7143 11.5.1 */
static void abort_in_every_state(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(STATES); i++) {
		struct rig rig;
		struct job job;
		struct tmf_job tmf;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		rig.fake->cancels = true;
		STATES[i].make(&rig, &job, 1);
		assert_int_equal(job.task.state, STATES[i].state);
		assert_int_equal(tmf_abort(&rig, &tmf, 0, &job), 0);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
		assert_int_equal(job.done, 1);
		assert_int_equal(job.outcome, SPT_ABORTED);
		/* It is gone: the same again finds nothing (RFC 7143 11.6.1). */
		assert_int_equal(tmf_abort(&rig, &tmf, 0, &job), 0);
		assert_int_equal(tmf.tmf.response, SPT_TMF_NO_TASK);
		rig_close(&rig);
	}
}

/* Functions with a scope, and the LUN they are sent to. */
static const struct {
	uint8_t function;
	uint64_t lun;
	bool other_lun; /* concerns the device at LUN 5 too */
} SCOPES[] = {
	{ SPT_TMF_ABORT_TASK_SET, RIG_LUN, false },
	{ SPT_TMF_CLEAR_TASK_SET, RIG_LUN, false },
	{ SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN, false },
	{ SPT_TMF_TARGET_WARM_RESET, 0, true },
	{ SPT_TMF_TARGET_COLD_RESET, 0, true },
};

/* Every state is abortable, that of a command that waits for a hole in CmdSN too. */
static void scopes_in_every_state(void **state)
{
	for (size_t f = 0; f < ARRAY_SIZE(SCOPES); f++) {
		for (size_t i = 0; i < ARRAY_SIZE(STATES); i++) {
			struct rig rig;
			struct job job, other;
			struct tmf_job tmf;

			rig_open(&rig, NULL);
			rig_start(&rig, 0, 0);
			rig.fake->cancels = rig.fake_2->cancels = true;
			STATES[i].make(&rig, &job, 1);
			job_init(&other, &rig, 0, 77);
			other.task.aux.lun = RIG_LUN_2;
			job_run(&rig, &other);
			assert_int_equal(tmf_run(&rig, &tmf, 0, SCOPES[f].function, SCOPES[f].lun), 0);
			assert_int_equal(tmf.done, 1);
			assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
			assert_int_equal(job.done, 1);
			assert_int_equal(job.outcome, SPT_ABORTED);
			assert_int_equal(other.done, SCOPES[f].other_lun);
			rig_close(&rig);
		}
	}
}

/* A task that has its result is past aborting, and its result stays. */
static void done_is_too_late(void **state)
{
	for (size_t f = 0; f < ARRAY_SIZE(SCOPES); f++) {
		struct rig rig;
		struct job job;
		struct tmf_job tmf;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		make_device(&rig, &job, 1);
		job.keep = true;
		fake_complete(rig_channel(&rig, 0));
		assert_int_equal(job.task.state, SPT_TASK_DONE);
		tmf_abort(&rig, &tmf, 0, &job);
		assert_int_equal(tmf.tmf.response, SPT_TMF_NO_TASK);
		tmf_run(&rig, &tmf, 0, SCOPES[f].function, SCOPES[f].lun);
		assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
		assert_int_equal(job.done, 1);
		assert_int_equal(job.task.outcome, SPT_COMPLETED);
		spt_task_end(&job.task);
		rig_close(&rig);
	}
}

/* RFC 7143 11.5.4, 11.5.1, 11.6.1: by another LUN, generation or nexus there is no such task. */
static void references_that_differ(void **state)
{
	struct rig rig;
	struct job job, like;
	struct tmf_job tmf;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	make_device(&rig, &job, 1);
	like = job;
	like.task.aux.lun = RIG_LUN_2;
	tmf_abort(&rig, &tmf, 0, &like);
	assert_int_equal(tmf.tmf.response, SPT_TMF_NO_TASK);
	like = job;
	like.task.aux.task.generation++;
	tmf_abort(&rig, &tmf, 0, &like);
	assert_int_equal(tmf.tmf.response, SPT_TMF_NO_TASK);
	tmf_abort(&rig, &tmf, 1, &job);
	assert_int_equal(tmf.tmf.response, SPT_TMF_NO_TASK);
	assert_int_equal(job.done, 0);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(job.outcome, SPT_COMPLETED);
	rig_close(&rig);
}

static void answers_without_a_task(void **state)
{
	static const struct {
		uint8_t function;
		uint64_t lun;
		uint8_t response;
	} rows[] = {
		{ SPT_TMF_ABORT_TASK_SET, RIG_LUN, SPT_TMF_COMPLETE },
		{ SPT_TMF_ABORT_TASK_SET, RIG_LUN_NONE, SPT_TMF_NO_LUN },
		{ SPT_TMF_CLEAR_TASK_SET, RIG_LUN_NONE, SPT_TMF_NO_LUN },
		{ SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN_NONE, SPT_TMF_NO_LUN },
		{ SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN_2, SPT_TMF_COMPLETE },
		{ SPT_TMF_TARGET_WARM_RESET, RIG_LUN_NONE, SPT_TMF_COMPLETE },
		{ SPT_TMF_CLEAR_ACA, RIG_LUN, SPT_TMF_NOT_SUPPORTED },
		{ 0, RIG_LUN, SPT_TMF_NOT_SUPPORTED },
		{ 8, RIG_LUN, SPT_TMF_NO_REASSIGN },
		{ 255, RIG_LUN, SPT_TMF_NOT_SUPPORTED },
	};
	struct rig rig;
	struct tmf_job tmf;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(tmf_run(&rig, &tmf, 0, rows[i].function, rows[i].lun), 0);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(tmf.tmf.response, rows[i].response);
	}
	rig.sessions[3].v = 0x100000001ull + 5;
	assert_int_equal(tmf_run(&rig, &tmf, 3, SPT_TMF_ABORT_TASK_SET, RIG_LUN), -2 /* ENOENT */);
	assert_int_equal(tmf.done, 0);
	rig_close(&rig);
}

/* ABORT TASK SET is the nexus's own; CLEAR TASK SET and the resets are everybody's. */
static void whose_tasks(void **state)
{
	for (size_t f = 0; f < ARRAY_SIZE(SCOPES); f++) {
		bool own_only = SCOPES[f].function == SPT_TMF_ABORT_TASK_SET;
		struct rig rig;
		struct job mine, theirs;
		struct tmf_job tmf;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		rig_start(&rig, 1, 0);
		rig.fake->cancels = true;
		make_device(&rig, &mine, 1);
		job_init(&theirs, &rig, 1, 1);
		job_run(&rig, &theirs);
		tmf_run(&rig, &tmf, 0, SCOPES[f].function, SCOPES[f].lun);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(mine.done, 1);
		assert_int_equal(theirs.done, !own_only);
		rig_close(&rig);
	}
}

/* What came while the function is under way is not concerned. */
static void later_tasks_go_on(void **state)
{
	struct rig rig;
	struct job first, second;
	struct tmf_job tmf;

	rig_open(&rig, &(struct rig_params){ .escalation = { .wait_us = 1000000 } });
	rig_start(&rig, 0, 0);
	make_device(&rig, &first, 1);
	tmf_run(&rig, &tmf, 0, SPT_TMF_ABORT_TASK_SET, RIG_LUN);
	assert_int_equal(tmf.done, 0);
	make_device(&rig, &second, 2);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(first.outcome, SPT_ABORTED);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(second.done, 0);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(second.outcome, SPT_COMPLETED);
	rig_close(&rig);
}

/* Two functions that wait for one task are both answered when it ends, and not before. */
static void two_wait_for_one(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job a, b;

	rig_open(&rig, &(struct rig_params){ .escalation = { .wait_us = 1000000 } });
	rig_start(&rig, 0, 0);
	make_device(&rig, &job, 1);
	tmf_abort(&rig, &a, 0, &job);
	tmf_run(&rig, &b, 0, SPT_TMF_ABORT_TASK_SET, RIG_LUN);
	assert_int_equal(rig.fake->cancelled, 1);
	rig_pass(&rig, 999999);
	assert_int_equal(a.done + b.done, 0);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(a.done, 1);
	assert_int_equal(b.done, 1);
	assert_int_equal(job.done, 1);
	rig_close(&rig);
}

/* A function that is under way when its session is stopped is answered all the same. */
static void session_stops_meanwhile(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf, reset;
	int stopped = 0;

	rig_open(&rig, &(struct rig_params){ .escalation = { .wait_us = 1000000 } });
	rig_start(&rig, 0, 0);
	rig.fake->reset_silent = true;
	make_device(&rig, &job, 1);
	tmf_abort(&rig, &tmf, 0, &job);
	tmf_run(&rig, &reset, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(stopped + tmf.done + reset.done, 0);
	struct fake_channel *c = rig_channel(&rig, 0);
	fake_reset_done(c, 0);
	assert_int_equal(reset.done, 0);
	fake_complete(c);
	assert_int_equal(stopped, 1);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(reset.done, 1);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abort_in_every_state),
		cmocka_unit_test(scopes_in_every_state),
		cmocka_unit_test(done_is_too_late),
		cmocka_unit_test(references_that_differ),
		cmocka_unit_test(answers_without_a_task),
		cmocka_unit_test(whose_tasks),
		cmocka_unit_test(later_tasks_go_on),
		cmocka_unit_test(two_wait_for_one),
		cmocka_unit_test(session_stops_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
