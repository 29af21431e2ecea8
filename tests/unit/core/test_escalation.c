/* SPDX-License-Identifier: MIT */
/* The bounded escalation of task management: wait, reset, fence; and that nothing waits for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "rig.h"

#define WAIT_US  8000000u
#define RESET_US 5000000u

static const struct rig_params ALL = {
	.escalation = { .wait_us = WAIT_US, .reset_wait_us = RESET_US, .reset = true },
};

/* A backend that never answers: answered by fencing, at the time that was set and no sooner. */
static void wait_reset_fence(void **state)
{
	struct rig rig;
	struct job job, later;
	struct tmf_job tmf;

	rig_open(&rig, &ALL);
	rig_start(&rig, 0, 0);
	rig.fake->reset_silent = true;
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	tmf_abort(&rig, &tmf, 0, &job);
	assert_int_equal(rig.fake->cancelled, 1);
	rig_pass(&rig, WAIT_US - 1);
	assert_int_equal(rig.fake->resets, 0);
	rig_pass(&rig, 1);
	assert_int_equal(rig.fake->resets, 1);
	rig_pass(&rig, RESET_US - 1);
	assert_int_equal(rig.fake->fences, 0);
	assert_int_equal(tmf.done, 0);
	rig_pass(&rig, 1);
	assert_int_equal(rig.fake->fences, 1);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
	assert_int_equal(job.outcome, SPT_ABORTED);
	assert_true(spt_device_fenced(rig.device));
	/* The logical unit is faulted, the other one is not. */
	job_init(&later, &rig, 0, 2);
	job_run(&rig, &later);
	assert_int_equal(later.status, SPT_CHECK_CONDITION);
	assert_int_equal(later.key, SPT_KEY_NOT_READY);
	rig.fake_2->inline_good = true;
	job_init(&later, &rig, 0, 3);
	later.task.aux.lun = RIG_LUN_2;
	job_run(&rig, &later);
	assert_int_equal(later.status, SPT_GOOD);
	fake_reset_done(rig_channel(&rig, 0), -110);
	rig_close(&rig);
}

/* Steps that are switched off are not waited for. */
static void steps_switched_off(void **state)
{
	static const struct {
		struct spt_escalation escalation;
		uint64_t until_us;
		unsigned resets;
	} rows[] = {
		{ { .wait_us = WAIT_US, .reset_wait_us = RESET_US, .reset = false }, WAIT_US, 0 },
		{ { .wait_us = 0, .reset_wait_us = RESET_US, .reset = true }, RESET_US, 1 },
		{ { .wait_us = WAIT_US, .reset_wait_us = 0, .reset = true }, WAIT_US, 1 },
		{ { .wait_us = 0, .reset_wait_us = 0, .reset = false }, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		struct job job;
		struct tmf_job tmf;

		rig_open(&rig, &(struct rig_params){ .escalation = rows[i].escalation });
		rig_start(&rig, 0, 0);
		job_init(&job, &rig, 0, 1);
		job_run(&rig, &job);
		tmf_abort(&rig, &tmf, 0, &job);
		rig_pass(&rig, 0); /* steps of no time at all */
		if (rows[i].until_us) {
			rig_pass(&rig, rows[i].until_us - 1);
			assert_int_equal(rig.fake->fences, 0);
			rig_pass(&rig, 1);
		}
		assert_int_equal(rig.fake->resets, rows[i].resets);
		assert_int_equal(rig.fake->fences, 1);
		assert_int_equal(tmf.done, 1);
		rig_close(&rig);
	}
}

/* A reset that ends several tasks at once, from inside: none is looked at afterwards. */
static void reset_that_kills(void **state)
{
	struct rig rig;
	struct job jobs[5];
	struct tmf_job tmf;

	rig_open(&rig, &ALL);
	rig_start(&rig, 0, 0);
	rig.fake->reset_kills = true;
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		job_init(&jobs[i], &rig, 0, i);
		job_run(&rig, &jobs[i]);
	}
	tmf_run(&rig, &tmf, 0, SPT_TMF_ABORT_TASK_SET, RIG_LUN);
	rig_pass(&rig, WAIT_US);
	assert_int_equal(rig.fake->resets, 1);
	assert_int_equal(rig.fake->fences, 0);
	assert_int_equal(tmf.done, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		assert_int_equal(jobs[i].done, 1);
		assert_int_equal(jobs[i].outcome, SPT_ABORTED);
	}
	rig_close(&rig);
}

/* What LOGICAL UNIT RESET ends owes no response (SAM-5 5.6): its tasks are marked before the reset. */
static void reset_marks_first(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;

	rig_open(&rig, &ALL);
	rig_start(&rig, 0, 0);
	rig.fake->reset_kills = true;
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	tmf_run(&rig, &tmf, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(job.outcome, SPT_ABORTED);
	rig_close(&rig);
}

/* A reset that is never answered does not keep the function from its answer, and the answer is no. */
static void reset_never_answered(void **state)
{
	static const struct {
		uint8_t function;
		uint64_t lun;
	} rows[] = { { SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN }, { SPT_TMF_TARGET_WARM_RESET, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		struct tmf_job tmf;

		rig_open(&rig, &ALL);
		rig_start(&rig, 0, 0);
		rig.fake->reset_silent = true;
		tmf_run(&rig, &tmf, 0, rows[i].function, rows[i].lun);
		assert_int_equal(tmf.done, 0);
		rig_pass(&rig, WAIT_US + RESET_US - 1);
		assert_int_equal(tmf.done, 0);
		rig_pass(&rig, 1);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(tmf.tmf.response, SPT_TMF_REJECTED);
		/* A late answer hurts nobody. */
		fake_reset_done(rig_channel(&rig, 0), 0);
		assert_int_equal(tmf.done, 1);
		rig_close(&rig);
	}
}

/* The answer of a reset is waited for when no task is there. */
static void reset_is_waited_for(void **state)
{
	struct rig rig;
	struct tmf_job tmf;

	rig_open(&rig, &ALL);
	rig_start(&rig, 0, 0);
	rig.fake->reset_silent = true;
	tmf_run(&rig, &tmf, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	rig_pass(&rig, 1000);
	assert_int_equal(tmf.done, 0);
	fake_reset_done(rig_channel(&rig, 0), 0);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
	rig_close(&rig);
}

/* Without fence() a task ends by itself in bounded time, and the function waits for that. */
static void no_fence(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;

	rig_open(&rig, &(struct rig_params){ .ops = &FAKE_NO_FENCE, .escalation = ALL.escalation });
	rig_start(&rig, 0, 0);
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	tmf_abort(&rig, &tmf, 0, &job);
	rig_pass(&rig, WAIT_US);
	rig_pass(&rig, RESET_US);
	assert_int_equal(tmf.done, 0);
	assert_false(spt_device_fenced(rig.device));
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(tmf.done, 1);
	rig_close(&rig);
}

/* A nexus's own way to the device that is fenced is nobody else's: the device is not faulted. */
static void fence_of_one_nexus(void **state)
{
	struct rig rig;
	struct job job, other;
	struct tmf_job tmf;

	rig_open(&rig, &(struct rig_params){ .ops = &FAKE_PER_NEXUS, .escalation = ALL.escalation });
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	tmf_abort(&rig, &tmf, 0, &job);
	rig_pass(&rig, WAIT_US);
	rig_pass(&rig, RESET_US);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(rig.fake->fences, 1);
	rig.fake->inline_good = true;
	job_init(&other, &rig, 1, 1);
	job_run(&rig, &other);
	assert_int_equal(other.status, SPT_GOOD);
	job_init(&other, &rig, 0, 2);
	job_run(&rig, &other);
	assert_int_equal(other.key, SPT_KEY_NOT_READY);
	rig_close(&rig);
}

/* The end of a nexus never resets or fences; the end of the daemon may. */
static void end_of_a_nexus_waits(void **state)
{
	struct rig rig;
	struct job job;
	int stopped = 0;

	rig_open(&rig, &ALL);
	rig_start(&rig, 0, 0);
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	rig_stop(&rig, 0, &stopped);
	rig_pass(&rig, 100 * (uint64_t)WAIT_US);
	assert_int_equal(rig.fake->resets + rig.fake->fences, 0);
	assert_int_equal(stopped, 0);
	spt_context_fence(rig.contexts[0]);
	assert_int_equal(rig.fake->fences, 1);
	assert_int_equal(stopped, 1);
	assert_int_equal(job.outcome, SPT_ABORTED);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_reset_fence),
		cmocka_unit_test(steps_switched_off),
		cmocka_unit_test(reset_that_kills),
		cmocka_unit_test(reset_marks_first),
		cmocka_unit_test(reset_never_answered),
		cmocka_unit_test(reset_is_waited_for),
		cmocka_unit_test(no_fence),
		cmocka_unit_test(fence_of_one_nexus),
		cmocka_unit_test(end_of_a_nexus_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
