/* SPDX-License-Identifier: MIT */
/*
 * The delay layer on a virtual clock: when a task goes on, and that whoever wants it gone is answered
 * at once (SAM-5 7.2, 7.7), with nothing left that looks at the task's memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "layered.h"

static void on_time(void **state)
{
	struct rig rig;
	struct job job, other;

	layered_open(&rig);
	layered_set(&rig, "delay", "op=28h before=20ms after=30ms");
	layered_read(&rig, &job, 0, 1, 0, 1);
	job_run(&rig, &job);
	job_init(&other, &rig, 0, 2); /* is not meant: it does not wait behind the other */
	job_run(&rig, &other);
	assert_int_equal(rig.fake->submits, 1);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(other.done, 1);
	rig_pass(&rig, 19999);
	assert_int_equal(rig.fake->submits, 1);
	assert_int_equal(layered_row(&rig, "delay").held, 1);
	rig_pass(&rig, 1);
	assert_int_equal(rig.fake->submits, 2);
	assert_int_equal(layered_row(&rig, "delay").held, 0);
	rig_pass(&rig, 1000000); /* at the device, which takes its own time */
	assert_int_equal(job.done, 0);
	fake_complete(rig_channel(&rig, 0));
	rig_pass(&rig, 29999);
	assert_int_equal(job.done, 0);
	rig_pass(&rig, 1);
	assert_int_equal(job.done, 1);
	assert_int_equal(job.status, SPT_GOOD);
	rig_close(&rig);
}

/* A range is kept to, and its times are not all the same. */
static void within_range(void **state)
{
	struct rig rig;
	struct job jobs[20];
	unsigned early = 0;

	layered_open(&rig);
	layered_set(&rig, "delay", "before=10ms-50ms");
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		job_init(&jobs[i], &rig, 0, i);
		job_run(&rig, &jobs[i]);
	}
	rig_pass(&rig, 9999);
	assert_int_equal(rig.fake->submits, 0);
	rig_pass(&rig, 20000);
	early = rig.fake->submits;
	assert_in_range(early, 1, ARRAY_SIZE(jobs) - 1);
	rig_pass(&rig, 20001);
	assert_int_equal(rig.fake->submits, ARRAY_SIZE(jobs));
	while (rig_channel(&rig, 0)->n_tasks)
		fake_complete(rig_channel(&rig, 0));
	rig_close(&rig);
}

/* Every way of ending a task, while it is kept before and after the device. */
enum end { END_ABORT, END_TASK_SET, END_UNIT, END_UNIT_OTHER, END_GIVE_UP, END_SESSION, ENDS };

static void end_it(struct rig *rig, enum end end, struct job *job, struct tmf_job *tmf, int *over)
{
	static const uint8_t functions[] = {
		[END_TASK_SET] = SPT_TMF_ABORT_TASK_SET,
		[END_UNIT] = SPT_TMF_LOGICAL_UNIT_RESET,
		[END_UNIT_OTHER] = SPT_TMF_LOGICAL_UNIT_RESET,
	};

	if (end == END_ABORT) {
		tmf_abort(rig, tmf, 0, job);
	} else if (end == END_GIVE_UP) {
		spt_task_abort(&job->task);
	} else if (end == END_SESSION) {
		rig_stop(rig, 0, over);
	} else {
		tmf_run(rig, tmf, end == END_UNIT_OTHER, functions[end], RIG_LUN);
	}
	rig_settle(rig); /* and no time passes */
}

static void ended_at_once(void **state)
{
	for (int after = 0; after < 2; after++) {
		for (enum end end = 0; end < ENDS; end++) {
			struct rig rig;
			struct job *job = malloc(sizeof(*job));
			struct tmf_job tmf = { .done = 0 };
			int over = 0;

			layered_open(&rig);
			layered_set(&rig, "delay", after ? "after=1h" : "before=1h");
			job_init_write(job, &rig, 0, 1, 512);
			job_run(&rig, job);
			job_data(job);
			if (after)
				fake_complete(rig_channel(&rig, 0));
			assert_int_equal(layered_row(&rig, "delay").held, 1);
			assert_int_equal(job->done, 0);
			unsigned timers = layered_timers(&rig, 0);
			end_it(&rig, end, job, &tmf, &over);
			assert_int_equal(job->done, 1);
			assert_int_equal(job->outcome, SPT_ABORTED);
			assert_int_equal(tmf.done + over, end != END_GIVE_UP);
			assert_int_equal(rig.fake->submits, after);
			assert_int_equal(layered_row(&rig, "delay").held, 0);
			assert_true(layered_timers(&rig, 0) < timers);
			free(job); /* whoever looks at it when the hour is over is found by a sanitizer */
			rig_pass(&rig, 3600000000u);
			rig_close(&rig);
		}
	}
}

/* What is at the device is not the layer's to end; its result is not kept back any more. */
static void aborted_below(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;

	layered_open(&rig);
	layered_set(&rig, "delay", "after=1h");
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	tmf_abort(&rig, &tmf, 0, &job);
	rig_settle(&rig);
	assert_int_equal(rig.fake->cancelled, 1);
	assert_int_equal(tmf.done, 0);
	fake_complete(rig_channel(&rig, 0));
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(job.outcome, SPT_ABORTED);
	rig_close(&rig);
}

/* More tasks than a place keeps passages for, each with its own timer. */
static void many(void **state)
{
	struct rig rig;
	struct job jobs[50];

	layered_open(&rig);
	layered_set(&rig, "delay", "before=5ms");
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
			job_init(&jobs[i], &rig, i % 2, i / 2);
			job_run(&rig, &jobs[i]);
		}
		rig_pass(&rig, 5000);
		for (unsigned s = 0; s < 2; s++) {
			while (rig_channel(&rig, s)->n_tasks)
				fake_complete(rig_channel(&rig, s));
		}
		for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++)
			assert_int_equal(jobs[i].done, 1);
	}
	assert_int_equal(layered_row(&rig, "delay").hits, 3 * ARRAY_SIZE(jobs));
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_time),
		cmocka_unit_test(within_range),
		cmocka_unit_test(ended_at_once),
		cmocka_unit_test(aborted_below),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
