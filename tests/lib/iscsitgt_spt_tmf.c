/* SPDX-License-Identifier: MIT */
/*
 * ISCSITGT_SPT_TMF: spt_tmf() takes the iSCSI function codes 1 to 8 (RFC 7143 11.5.1) and those of
 * RFC 7144, answers with the iSCSI response codes, and only when the tasks have left the device.
 */
#include "odd_backend.h"
#include "rig.h"

#define LUN_9 (9ull << 48) /* not mapped */

static const uint8_t TUR[] = TEST_UNIT_READY;

struct expectation {
	uint8_t function;
	bool level_2;
	uint64_t lun;
	uint8_t response;
};

/* On a logical unit without tasks. The resets leave a condition, of which 12 tells. */
static const struct expectation IDLE[] = {
	{ 0, true, 0, SPT_TMF_NOT_SUPPORTED },
	{ SPT_TMF_ABORT_TASK, false, 0, SPT_TMF_NO_TASK },
	{ SPT_TMF_ABORT_TASK_SET, false, 0, SPT_TMF_COMPLETE },
	{ SPT_TMF_ABORT_TASK_SET, false, LUN_9, SPT_TMF_NO_LUN },
	{ SPT_TMF_CLEAR_ACA, false, 0, SPT_TMF_NOT_SUPPORTED }, /* NACA is refused */
	{ SPT_TMF_CLEAR_TASK_SET, false, 0, SPT_TMF_COMPLETE },
	{ SPT_TMF_CLEAR_TASK_SET, false, LUN_9, SPT_TMF_NO_LUN },
	{ SPT_TMF_QUERY_ASYNCHRONOUS_EVENT, true, 0, SPT_TMF_COMPLETE },
	{ SPT_TMF_LOGICAL_UNIT_RESET, false, 0, SPT_TMF_COMPLETE },
	{ SPT_TMF_QUERY_ASYNCHRONOUS_EVENT, true, 0, SPT_TMF_SUCCEEDED },
	{ SPT_TMF_LOGICAL_UNIT_RESET, false, LUN_9, SPT_TMF_NO_LUN },
	{ SPT_TMF_TARGET_WARM_RESET, false, 0, SPT_TMF_COMPLETE },
	{ SPT_TMF_TARGET_COLD_RESET, false, 0, SPT_TMF_COMPLETE },
	{ SPT_TMF_TASK_REASSIGN, false, 0, SPT_TMF_NO_REASSIGN },
	{ SPT_TMF_QUERY_TASK, false, 0, SPT_TMF_NOT_SUPPORTED },
	{ SPT_TMF_QUERY_TASK_SET, false, 0, SPT_TMF_NOT_SUPPORTED },
	{ SPT_TMF_I_T_NEXUS_RESET, false, 0, SPT_TMF_NOT_SUPPORTED },
	{ SPT_TMF_QUERY_ASYNCHRONOUS_EVENT, false, 0, SPT_TMF_NOT_SUPPORTED },
	{ SPT_TMF_QUERY_TASK, true, 0, SPT_TMF_COMPLETE },
	{ SPT_TMF_QUERY_TASK, true, LUN_9, SPT_TMF_NO_LUN },
	{ SPT_TMF_QUERY_TASK_SET, true, 0, SPT_TMF_COMPLETE },
	{ SPT_TMF_I_T_NEXUS_RESET, true, 0, SPT_TMF_COMPLETE },
	{ 13, true, 0, SPT_TMF_NOT_SUPPORTED },
	{ 255, true, 0, SPT_TMF_NOT_SUPPORTED },
};

static void idle(struct spt_device *device)
{
	struct rig rig;

	rig_open(&rig, device);
	rig_start_quiet(&rig, 0);
	for (size_t i = 0; i < sizeof(IDLE) / sizeof(IDLE[0]); i++) {
		struct spt_tmf tmf = {
			.function = IDLE[i].function,
			.protocol_level_2 = IDLE[i].level_2,
			.lun = IDLE[i].lun,
			.reference = { .tag = 77 },
		};
		uint8_t response = tmf_run(&rig, 0, &tmf);
		if (response != IDLE[i].response)
			fail_msg("row %zu, function %u: response %u", i, IDLE[i].function, response);
	}
	rig_close(&rig);
}

static void test_responses(void **state)
{
	for_each_device(idle);
}

struct waiting {
	struct spt_tmf tmf;
	int done;
};

static void over(struct spt_tmf *tmf)
{
	((struct waiting *)tmf)->done++;
}

/* Starts @function of nexus 0 about @job while the device holds it. */
static void start(struct rig *rig, struct waiting *w, uint8_t function, const struct job *job)
{
	*w = (struct waiting){ .tmf = {
		.session = rig->session[0],
		.function = function,
		.protocol_level_2 = true,
		.reference = job->task.aux.task,
		.done = over,
	} };
	assert_int_equal(spt_tmf(rig->context, &w->tmf), 0);
	fake_host_settle(&rig->fake);
}

static const uint8_t ENDING[] = { SPT_TMF_ABORT_TASK, SPT_TMF_ABORT_TASK_SET, SPT_TMF_CLEAR_TASK_SET,
	SPT_TMF_LOGICAL_UNIT_RESET, SPT_TMF_TARGET_WARM_RESET, SPT_TMF_TARGET_COLD_RESET,
	SPT_TMF_I_T_NEXUS_RESET };

static void test_answered_when_the_device_is_left(void **state)
{
	struct rig rig;
	struct job job;
	struct waiting w;

	odd_reset();
	rig_open(&rig, odd_open(&ODD_SHARED, 60000000));
	for (size_t i = 0; i < sizeof(ENDING); i++) {
		rig_start_quiet(&rig, 0);
		odd.hold = true;
		job_init(&rig, &job, 0, TUR, 6, 0, 0);
		job_start(&job);
		start(&rig, &w, ENDING[i], &job);
		assert_int_equal(w.done, 0);
		assert_int_equal(job.done, 0);
		odd_release();
		assert_int_equal(job.done, 1);
		assert_int_equal(job.task.outcome, SPT_ABORTED);
		rig_until(&rig, &w.done);
		assert_int_equal(w.tmf.response, SPT_TMF_COMPLETE);
		odd.hold = false;
		spt_task_end(&job.task);
		rig_stop(&rig, 0);
	}
	rig_close(&rig);
}

/* RFC 7143 11.5.1: the whole cookie names the task, and the LUN has to be its own. */
static void test_reference(void **state)
{
	struct rig rig;
	struct job job;
	struct spt_tmf tmf;

	odd_reset();
	odd.cancels = true;
	rig_open(&rig, odd_open(&ODD_SHARED, 60000000));
	rig_start_quiet(&rig, 0);
	rig_start_quiet(&rig, 1);
	odd.hold = true;
	job_init(&rig, &job, 0, TUR, 6, 0, 0);
	job_start(&job);
	const struct spt_task_cookie right = job.task.aux.task;
	const struct {
		unsigned nexus;
		uint64_t lun;
		struct spt_task_cookie reference;
	} wrong[] = {
		{ 0, 0, { right.tag + 1, right.generation } },
		{ 0, 0, { right.tag, right.generation + 1 } }, /* a stale one */
		{ 0, LUN_9, right },
		{ 1, 0, right }, /* somebody else's */
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		tmf = (struct spt_tmf){ .function = SPT_TMF_ABORT_TASK, .lun = wrong[i].lun,
			.reference = wrong[i].reference };
		assert_int_equal(tmf_run(&rig, wrong[i].nexus, &tmf), SPT_TMF_NO_TASK);
		assert_int_equal(job.done, 0);
	}
	tmf = (struct spt_tmf){ .function = SPT_TMF_ABORT_TASK, .reference = right };
	assert_int_equal(tmf_run(&rig, 0, &tmf), SPT_TMF_COMPLETE);
	assert_int_equal(job.done, 1);
	spt_task_end(&job.task);
	rig_close(&rig);
}

static uint8_t ask(struct rig *rig, unsigned nexus, uint8_t function, const struct job *job,
	struct spt_tmf *tmf)
{
	*tmf = (struct spt_tmf){ .function = function, .protocol_level_2 = true,
		.reference = job->task.aux.task };
	return tmf_run(rig, nexus, tmf);
}

/* RFC 7144 6.4.2: a query changes nothing; FUNCTION SUCCEEDED is yes. */
static void test_queries(void **state)
{
	struct rig rig;
	struct job job;
	struct spt_tmf tmf;

	odd_reset();
	rig_open(&rig, odd_open(&ODD_SHARED, 60000000));
	rig_start_quiet(&rig, 0);
	rig_start(&rig, 1);
	odd.hold = true;
	job_init(&rig, &job, 0, TUR, 6, 0, 0);
	assert_int_equal(ask(&rig, 0, SPT_TMF_QUERY_TASK_SET, &job, &tmf), SPT_TMF_COMPLETE);
	assert_int_equal(job_enter(&job), 0);
	assert_int_equal(ask(&rig, 0, SPT_TMF_QUERY_TASK, &job, &tmf), SPT_TMF_SUCCEEDED);
	spt_task_start(&job.task);
	assert_int_equal(ask(&rig, 0, SPT_TMF_QUERY_TASK, &job, &tmf), SPT_TMF_SUCCEEDED);
	assert_int_equal(ask(&rig, 0, SPT_TMF_QUERY_TASK_SET, &job, &tmf), SPT_TMF_SUCCEEDED);
	/* The nexus's own tasks only. */
	assert_int_equal(ask(&rig, 1, SPT_TMF_QUERY_TASK, &job, &tmf), SPT_TMF_COMPLETE);
	assert_int_equal(ask(&rig, 1, SPT_TMF_QUERY_TASK_SET, &job, &tmf), SPT_TMF_COMPLETE);
	assert_int_equal(job.done, 0);
	odd_release();
	assert_int_equal(job.task.outcome, SPT_COMPLETED);
	assert_int_equal(ask(&rig, 0, SPT_TMF_QUERY_TASK, &job, &tmf), SPT_TMF_COMPLETE);
	spt_task_end(&job.task);
	/* POWER ON waits for nexus 1: one condition, UNIT ATTENTION, 29h, 00h. It goes on waiting. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(&rig, 1, SPT_TMF_QUERY_ASYNCHRONOUS_EVENT, &job, &tmf),
			SPT_TMF_SUCCEEDED);
		assert_int_equal(tmf.additional[0], 0x16);
		assert_int_equal(tmf.additional[1], 0x29);
		assert_int_equal(tmf.additional[2], 0x00);
	}
	assert_int_equal(ask(&rig, 0, SPT_TMF_QUERY_ASYNCHRONOUS_EVENT, &job, &tmf), SPT_TMF_COMPLETE);
	assert_int_equal(tmf.additional[0], 0);
	rig_close(&rig);
}

/* I_T NEXUS RESET concerns its sender, who is told (29h, 07h); a LOGICAL UNIT RESET tells everybody. */
static void effects(struct spt_device *device)
{
	struct rig rig;
	struct job job;
	struct spt_tmf nexus_reset = { .function = SPT_TMF_I_T_NEXUS_RESET, .protocol_level_2 = true };
	struct spt_tmf reset = { .function = SPT_TMF_LOGICAL_UNIT_RESET };
	const struct {
		struct spt_tmf *tmf;
		long sense[2];
	} rows[] = {
		{ &nexus_reset, { 0x062907, -1 } },
		{ &reset, { 0x062903, 0x062903 } },
	};

	rig_open(&rig, device);
	rig_start_quiet(&rig, 0);
	rig_start_quiet(&rig, 1);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(tmf_run(&rig, 0, rows[i].tmf), SPT_TMF_COMPLETE);
		for (unsigned nexus = 0; nexus < 2; nexus++) {
			job_run(&rig, &job, nexus, TUR, 6, NULL, 0, 0);
			long sense = job_sense(&job);
			/* A real device's own condition has come after ours, and takes its place. */
			if (device_is_real() && nexus && sense == 0x062900)
				sense = rows[i].sense[nexus];
			assert_int_equal(sense, rows[i].sense[nexus]);
			spt_task_end(&job.task);
			/* What a device has to say of its own reset comes after that. */
			for (int n = 0; n < 4 && job.task.status != SPT_GOOD; n++) {
				job_run(&rig, &job, nexus, TUR, 6, NULL, 0, 0);
				spt_task_end(&job.task);
			}
		}
	}
	rig_close(&rig);
}

static void test_effects(void **state)
{
	for_each_device(effects);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_answered_when_the_device_is_left),
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_effects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
