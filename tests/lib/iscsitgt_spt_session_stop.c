/* SPDX-License-Identifier: MIT */
/*
 * ISCSITGT_SPT_SESSION_STOP: when spt_session_stop() has called back, no task of the nexus can touch
 * the device, its cookie finds nothing, and the device has lost the nexus.
 */
#include <errno.h>

#include "odd_backend.h"
#include "rig.h"

static const uint8_t TUR[] = TEST_UNIT_READY;

static void check_waits(const struct spt_backend_ops *ops)
{
	struct rig rig;
	struct job job, late;
	int stopped = 0;

	odd_reset();
	rig_open(&rig, odd_open(ops, 0));
	rig_start_quiet(&rig, 0);
	odd.n_events = 0;
	odd.hold = true;
	job_init(&rig, &job, 0, TUR, 6, 0, 0);
	job_start(&job);
	assert_int_equal(spt_session_stop(rig.context, rig.session[0], raise_flag, &stopped), 0);
	rig.running[0] = false;
	fake_host_settle(&rig.fake);
	/* The device has the task still: nothing is told, and no other task may come. */
	assert_int_equal(stopped, 0);
	assert_int_equal(job.done, 0);
	assert_int_equal(odd_when(ODD_STOP), -1);
	job_init(&rig, &late, 0, TUR, 6, 0, 0);
	assert_int_equal(job_enter(&late), -ESHUTDOWN);
	assert_int_equal(spt_session_stop(rig.context, rig.session[0], raise_flag, &stopped), -ENOENT);
	odd_release();
	assert_int_equal(job.done, 1);
	assert_int_equal(job.task.outcome, SPT_ABORTED);
	assert_int_equal(stopped, 0); /* its caller has it */
	spt_task_end(&job.task);
	rig_until(&rig, &stopped);
	assert_true(odd_when(ODD_COMPLETE) < odd_when(ODD_STOP));
	assert_true(odd_when(ODD_STOP) < odd_when(ODD_CHANNEL_GONE));
	rig_close(&rig);
}

static void test_waits_for_the_device(void **state)
{
	check_waits(&ODD_SHARED);
	check_waits(&ODD_MIRRORED);
}

/* A stale cookie finds nothing, not even when its place has been taken. */
static void stale(struct spt_device *device)
{
	struct spt_tmf tmf = { .function = SPT_TMF_ABORT_TASK_SET };
	struct rig rig;
	struct job job;
	int stopped = 0;

	rig_open(&rig, device);
	rig_start_quiet(&rig, 0);
	spt_session_cookie old = rig.session[0];
	rig_stop(&rig, 0);
	rig_start_quiet(&rig, 1);
	assert_int_not_equal(old.v, rig.session[1].v);
	job_init(&rig, &job, 0, TUR, 6, 0, 0);
	assert_int_equal(job_enter(&job), -ENOENT);
	assert_int_equal(spt_session_stop(rig.context, old, raise_flag, &stopped), -ENOENT);
	tmf.session = old;
	assert_int_equal(spt_tmf(rig.context, &tmf), -ENOENT);
	assert_int_equal(spt_session_tasks(rig.context, old), 0);
	assert_null(spt_task_find(rig.context, old, job.task.aux.task.tag));
	assert_int_equal(stopped, 0);
	rig_close(&rig);
}

static void test_stale_cookie(void **state)
{
	for_each_device(stale);
}

/* Tasks in every state when the end comes: one waits for its turn, one for data, one is executed. */
static void with_tasks(struct spt_device *device)
{
	static const uint8_t write[] = WRITE_10(0, 8), read[] = READ_10(0, 128);
	struct rig rig;
	struct job entered, collecting, reading;
	int stopped = 0;

	rig_open(&rig, device);
	rig_start_quiet(&rig, 0);
	job_init(&rig, &entered, 0, TUR, 6, 0, 0);
	assert_int_equal(job_enter(&entered), 0);
	job_init(&rig, &collecting, 0, write, 10, 4096, 0);
	job_start(&collecting);
	assert_int_equal(collecting.task.state, SPT_TASK_COLLECT);
	job_init(&rig, &reading, 0, read, 10, 0, 65536);
	job_start(&reading);
	assert_int_equal(spt_session_tasks(rig.context, rig.session[0]), 3);
	assert_int_equal(spt_session_stop(rig.context, rig.session[0], raise_flag, &stopped), 0);
	rig.running[0] = false;
	job_wait(&entered);
	job_wait(&collecting);
	job_wait(&reading);
	assert_int_equal(entered.task.outcome, SPT_ABORTED);
	assert_int_equal(collecting.task.outcome, SPT_ABORTED);
	fake_host_settle(&rig.fake);
	assert_int_equal(stopped, 0);
	spt_task_end(&entered.task);
	spt_task_end(&collecting.task);
	spt_task_end(&reading.task);
	rig_until(&rig, &stopped);
	rig_close(&rig);
}

static void test_with_tasks(void **state)
{
	for_each_device(with_tasks);
}

/* SAM-5 6.3.4: conditions of a nexus that is lost are lost; who comes again is new. */
static void loss(struct spt_device *device)
{
	static const uint8_t sense[] = { 0x03, 0, 0, 0, 18, 0 };
	struct spt_tmf reset = { .function = SPT_TMF_LOGICAL_UNIT_RESET };
	struct rig rig;
	struct job job;

	rig_open(&rig, device);
	rig_start_quiet(&rig, 0);
	assert_int_equal(tmf_run(&rig, 0, &reset), SPT_TMF_COMPLETE); /* its own condition, 29/03 */
	rig_stop(&rig, 0);
	rig_start(&rig, 0);
	job_run(&rig, &job, 0, sense, 6, NULL, 0, 18);
	assert_int_equal(job.task.in.data[2] & 0xf, SPT_KEY_UNIT_ATTENTION);
	assert_int_equal(job.task.in.data[12] << 8 | job.task.in.data[13], 0x2900);
	spt_task_end(&job.task);
	rig_close(&rig);
}

static void test_nexus_loss(void **state)
{
	for_each_device(loss);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_for_the_device),
		cmocka_unit_test(test_stale_cookie),
		cmocka_unit_test(test_with_tasks),
		cmocka_unit_test(test_nexus_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
