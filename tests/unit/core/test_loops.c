/* SPDX-License-Identifier: MIT */
/* Task management over two loops: turned by hand for the order that matters, and on two threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "rig.h"

static const struct rig_params PARAMS = {
	.escalation = { .wait_us = 1000000, .reset_wait_us = 1000000, .reset = false },
};

/* CLEAR TASK SET and the resets reach the tasks of other loops before they are answered. */
static void reaches_other_loops(void **state)
{
	static const uint8_t functions[] = { SPT_TMF_CLEAR_TASK_SET, SPT_TMF_LOGICAL_UNIT_RESET,
		SPT_TMF_TARGET_WARM_RESET };

	for (size_t f = 0; f < ARRAY_SIZE(functions); f++) {
		struct rig rig;
		struct job here, there, held;
		struct tmf_job tmf;

		rig_open(&rig, &PARAMS);
		rig_start(&rig, 0, 0);
		rig_start(&rig, 1, 1);
		job_init(&here, &rig, 0, 1);
		job_run(&rig, &here);
		job_init(&there, &rig, 1, 1);
		job_run(&rig, &there);
		job_init(&held, &rig, 1, 2);
		assert_int_equal(job_enter(&rig, &held), 0);
		tmf_run(&rig, &tmf, 0, functions[f], RIG_LUN);
		fake_complete(rig_channel(&rig, 0));
		assert_int_equal(here.done, 1);
		assert_int_equal(tmf.done, 0);
		rig_settle(&rig);
		assert_int_equal(held.done, 1);
		assert_int_equal(tmf.done, 0);
		fake_complete(rig_channel(&rig, 1));
		assert_int_equal(tmf.done, 0); /* its loop has yet to hear of it */
		rig_settle(&rig);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(there.outcome, SPT_ABORTED);
		rig_close(&rig);
	}
}

/*
 * SAM-5 5.6: the sender's session ends while its function is on its way, and another one on the other loop takes its place in
 * memory: that one is told of the task that it loses.
 */
static void sender_goes_away(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;
	int stopped = 0;

	rig_open(&rig, &PARAMS);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	tmf_run(&rig, &tmf, 0, SPT_TMF_CLEAR_TASK_SET, RIG_LUN);
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(stopped, 1);
	rig_start_raw(&rig, 2, 1);
	job_init(&job, &rig, 2, 1);
	job.task.cdb[0] = 0x12; /* INQUIRY passes unit attentions */
	job_run(&rig, &job);
	rig_settle(&rig);
	assert_int_equal(job.done, 0);
	fake_complete(rig_channel(&rig, 1));
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(job.outcome, SPT_ABORTED);
	spt_asc_t asc = 0;
	for (unsigned i = 0; i < 4 && asc != 0x2f00; i++) {
		job_init(&job, &rig, 2, 2 + i);
		job_run(&rig, &job);
		asc = job.done ? job.asc : 0;
		if (!job.done)
			fake_complete(rig_channel(&rig, 1));
	}
	assert_int_equal(asc, 0x2f00);
	rig_close(&rig);
}

/* The other loop's part escalates by itself: its channel is fenced, not ours. */
static void other_loop_escalates(void **state)
{
	struct rig rig;
	struct job there;
	struct tmf_job tmf;

	rig_open(&rig, &PARAMS);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	job_init(&there, &rig, 1, 1);
	job_run(&rig, &there);
	tmf_run(&rig, &tmf, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	rig_settle(&rig);
	rig_pass(&rig, 999999);
	assert_int_equal(tmf.done, 0);
	rig_pass(&rig, 1);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(rig.fake->fences, 1);
	assert_true(rig_channel(&rig, 1)->fenced);
	assert_false(rig_channel(&rig, 0)->fenced);
	rig_close(&rig);
}

/* The last session of the other loop ends, and its context with it, while a part is on its way. */
static void other_context_goes_away(void **state)
{
	struct rig rig;
	struct tmf_job tmf;
	int stopped = 0, freed = 0;

	rig_open(&rig, &PARAMS);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	tmf_run(&rig, &tmf, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	rig_stop(&rig, 1, &stopped);
	assert_int_equal(stopped, 1);
	spt_context_free(rig.contexts[1], raise_flag, &freed);
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(freed, 1);
	assert_int_equal(spt_context_new(&rig.loops[1].host, &rig.contexts[1]), 0);
	rig_close(&rig);
}

/* The session that asked is stopped, and its context freed, while the other loop is still at it. */
static void own_context_goes_away(void **state)
{
	struct rig rig;
	struct job there;
	struct tmf_job tmf;
	int stopped = 0, freed = 0;

	rig_open(&rig, &PARAMS);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	job_init(&there, &rig, 1, 1);
	job_run(&rig, &there);
	tmf_run(&rig, &tmf, 0, SPT_TMF_CLEAR_TASK_SET, RIG_LUN);
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(stopped, 1);
	spt_context_free(rig.contexts[0], raise_flag, &freed);
	rig_settle(&rig);
	assert_int_equal(freed, 0);
	fake_complete(rig_channel(&rig, 1));
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(freed, 1);
	assert_int_equal(spt_context_new(&rig.loops[0].host, &rig.contexts[0]), 0);
	rig_close(&rig);
}

/* A function from each loop at the same time, for the same tasks. */
static void crossing_functions(void **state)
{
	struct rig rig;
	struct job a, b;
	struct tmf_job from_0, from_1;

	rig_open(&rig, &PARAMS);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	job_init(&a, &rig, 0, 1);
	job_run(&rig, &a);
	job_init(&b, &rig, 1, 1);
	job_run(&rig, &b);
	tmf_run(&rig, &from_0, 0, SPT_TMF_CLEAR_TASK_SET, RIG_LUN);
	tmf_run(&rig, &from_1, 1, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	rig_settle(&rig);
	assert_int_equal(from_0.done + from_1.done, 0);
	fake_complete(rig_channel(&rig, 0));
	rig_settle(&rig);
	assert_int_equal(from_0.done + from_1.done, 0);
	fake_complete(rig_channel(&rig, 1));
	rig_settle(&rig);
	assert_int_equal(from_0.done, 1);
	assert_int_equal(from_1.done, 1);
	rig_close(&rig);
}

/* Two loops on two threads: sessions come and go, tasks run, and functions cross. For sanitizers. */
struct thread {
	struct rig *rig;
	struct spt_context *context;
	struct fake_host host;
	pthread_t id;
	atomic_uint *left;
	unsigned rounds, answered;
};

static void free_context(struct thread *t)
{
	int freed = 0;

	spt_context_free(t->context, raise_flag, &freed);
	while (!freed)
		fake_host_turn(&t->host);
}

static void round_of(struct thread *t)
{
	struct rig *rig = t->rig;
	struct spt_session_params params = {
		.nexus = { .initiator_name = "iqn.a", .target_name = "iqn.t", .peer_address = "x" },
		.luns = rig->map,
		.budget_bytes = RIG_BUDGET,
	};
	spt_session_cookie cookie;
	struct job jobs[4];
	struct tmf_job tmf;
	int stopped = 0;

	assert_int_equal(spt_session_start(t->context, &params, &cookie), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		job_init(&jobs[i], rig, 0, i);
		jobs[i].task.aux.session = cookie;
		assert_int_equal(spt_task_enter(t->context, &jobs[i].task), 0);
		if (i % 2)
			spt_task_start(&jobs[i].task);
	}
	memset(&tmf, 0, sizeof(tmf));
	tmf.tmf.session = cookie;
	tmf.tmf.function = t->rounds % 2 ? SPT_TMF_LOGICAL_UNIT_RESET : SPT_TMF_CLEAR_TASK_SET;
	tmf.tmf.done = tmf_job_done;
	assert_int_equal(spt_tmf(t->context, &tmf.tmf), 0);
	if (t->rounds % 3) {
		while (!tmf.done)
			fake_host_turn(&t->host);
	}
	assert_int_equal(spt_session_stop(t->context, cookie, raise_flag, &stopped), 0);
	while (!stopped || !tmf.done)
		fake_host_turn(&t->host);
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++)
		assert_int_equal(jobs[i].done, 1);
	t->answered++;
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	for (t->rounds = 0; t->rounds < 400; t->rounds++)
		round_of(t);
	atomic_fetch_sub(t->left, 1);
	/* The other's parts still come here. */
	while (atomic_load(t->left))
		fake_host_turn(&t->host);
	free_context(t);
	return NULL;
}

static void two_threads(void **state)
{
	struct rig rig;
	struct thread threads[2];
	atomic_uint left = 2;

	rig_open(&rig, &PARAMS);
	rig.fake->inline_good = rig.fake->cancels = true;
	for (unsigned i = 0; i < 2; i++) {
		struct thread *t = &threads[i];
		memset(t, 0, sizeof(*t));
		t->rig = &rig;
		t->left = &left;
		fake_host_init(&t->host);
		t->host.host.pool = spt_pool_new(1u << 20);
		assert_int_equal(spt_context_new(&t->host.host, &t->context), 0);
	}
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i].id, NULL, thread_main, &threads[i]), 0);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i].id, NULL);
		assert_int_equal(threads[i].answered, 400);
		spt_pool_free(threads[i].host.host.pool);
		fake_host_deinit(&threads[i].host);
	}
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reaches_other_loops),
		cmocka_unit_test(sender_goes_away),
		cmocka_unit_test(other_loop_escalates),
		cmocka_unit_test(other_context_goes_away),
		cmocka_unit_test(own_context_goes_away),
		cmocka_unit_test(crossing_functions),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
