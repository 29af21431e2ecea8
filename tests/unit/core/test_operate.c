/* SPDX-License-Identifier: MIT */
/* What an operator does to a device at run time: a fenced one is brought back, any one is reset. */
#include <errno.h>
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

struct operation {
	struct spt_operation o;
	int done;
};

static void operation_done(struct spt_operation *o)
{
	((struct operation *)o)->done++;
}

/* On the first loop, where a daemon has its control socket. */
static void operate(struct rig *rig, struct operation *op,
	void (*fn)(struct spt_context *, struct spt_operation *))
{
	memset(op, 0, sizeof(*op));
	op->o.device = rig->device;
	op->o.done = operation_done;
	fn(rig->contexts[0], &op->o);
	rig_settle(rig);
}

/* A command of @session that never comes back is aborted: its way to the device is fenced. */
static void fence(struct rig *rig, unsigned session)
{
	struct job job;
	struct tmf_job tmf;
	bool inline_good = rig->fake->inline_good;

	rig->fake->inline_good = false;
	job_init(&job, rig, session, 77);
	job_run(rig, &job);
	tmf_abort(rig, &tmf, session, &job);
	rig_pass(rig, WAIT_US);
	rig_pass(rig, RESET_US);
	assert_int_equal(tmf.done, 1);
	rig->fake->inline_good = inline_good;
}

static void expect(struct rig *rig, unsigned session, uint8_t key, spt_asc_t asc)
{
	struct job job;

	job_init(&job, rig, session, 500);
	job_run(rig, &job);
	assert_int_equal(job.done, 1);
	assert_int_equal(job.key, key);
	assert_int_equal(job.asc, asc);
}

/* Fenced on both loops, brought back on both: told to everybody once, and then served. */
static void unfence_on_every_loop(void **state)
{
	struct rig rig;
	struct operation op;

	rig_open(&rig, &ALL);
	rig.fake->inline_good = true;
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	rig_start(&rig, 2, 1);
	/* Both loops have a command there when the first gives up. */
	struct job job;
	struct tmf_job tmf;
	rig.fake->inline_good = false;
	job_init(&job, &rig, 1, 9);
	job_run(&rig, &job);
	fence(&rig, 0);
	assert_int_equal(spt_device_fenced_ways(rig.device), 1);
	tmf_abort(&rig, &tmf, 1, &job);
	rig_pass(&rig, WAIT_US);
	rig_pass(&rig, RESET_US);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(spt_device_fenced_ways(rig.device), 2);
	rig.fake->inline_good = true;
	/* The reset on the way to the fence is told first. */
	expect(&rig, 2, SPT_KEY_UNIT_ATTENTION, 0x2903);
	expect(&rig, 2, SPT_KEY_NOT_READY, 0x0403);
	operate(&rig, &op, spt_device_unfence);
	assert_int_equal(op.done, 1);
	assert_int_equal(op.o.result, 0);
	assert_false(spt_device_fenced(rig.device));
	assert_int_equal(spt_device_fenced_ways(rig.device), 0);
	assert_int_equal(rig.fake->opens, 4);
	assert_int_equal(rig.fake->closes, 2);
	assert_non_null(strstr(fake_event, "brought back"));
	for (unsigned i = 0; i < 3; i++) {
		expect(&rig, i, SPT_KEY_UNIT_ATTENTION, 0x2900);
		expect(&rig, i, 0, 0);
	}
	rig_close(&rig);
}

/* Only a loop whose way was fenced gets a new one: what is at the device on the other stays there. */
static void other_loops_keep_theirs(void **state)
{
	struct rig rig;
	struct operation op;
	struct job job;

	rig_open(&rig, &ALL);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	job_init(&job, &rig, 1, 1);
	job_run(&rig, &job);
	fence(&rig, 0);
	operate(&rig, &op, spt_device_unfence);
	assert_int_equal(op.o.result, 0);
	assert_int_equal(rig.fake->opens, 3);
	assert_int_equal(job.done, 0);
	fake_complete(rig_channel(&rig, 1));
	assert_int_equal(job.status, SPT_GOOD);
	rig_close(&rig);
}

/* With a way for each nexus, the one that was fenced is opened anew, and the other is not touched. */
static void unfence_of_one_nexus(void **state)
{
	struct rig rig;
	struct operation op;

	rig_open(&rig, &(struct rig_params){ .ops = &FAKE_PER_NEXUS, .escalation = ALL.escalation });
	rig.fake->inline_good = true;
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	fence(&rig, 0);
	assert_false(spt_device_fenced(rig.device));
	assert_int_equal(spt_device_fenced_ways(rig.device), 1);
	assert_non_null(strstr(fake_event, "one: LUN 0 of iqn.2026-11.org.example:a is fenced: "));
	expect(&rig, 0, SPT_KEY_NOT_READY, 0x0403);
	fake_events[0] = 0;
	operate(&rig, &op, spt_device_unfence);
	assert_int_equal(op.o.result, 0);
	assert_non_null(strstr(fake_events,
		"one: LUN 0 of iqn.2026-11.org.example:a is fenced no more: brought back by the operator\n"));
	assert_int_equal(rig.fake->opens, 3);
	assert_int_equal(rig.fake->closes, 1);
	/* Unit attentions are the far side's. */
	expect(&rig, 0, 0, 0);
	expect(&rig, 1, 0, 0);
	rig_close(&rig);
}

/* The fence of a nexus ends with it, and the log tells whose that was. */
static void fence_ends_with_the_session(void **state)
{
	struct rig rig;
	int stopped = 0;

	rig_open(&rig, &(struct rig_params){ .ops = &FAKE_PER_NEXUS, .escalation = ALL.escalation });
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	fence(&rig, 0);
	fake_event[0] = 0;
	rig_stop(&rig, 1, &stopped);
	rig_settle(&rig);
	assert_string_equal(fake_event, "");
	rig_stop(&rig, 0, &stopped);
	rig_settle(&rig);
	assert_int_equal(stopped, 2);
	assert_int_equal(spt_device_fenced_ways(rig.device), 0);
	assert_string_equal(fake_event,
		"one: LUN 0 of iqn.2026-11.org.example:a is fenced no more: its session has ended");
	rig_close(&rig);
}

/* What cannot be opened stays fenced, and the next attempt may do better. */
static void unfence_that_fails(void **state)
{
	struct rig rig;
	struct operation op;

	rig_open(&rig, &ALL);
	rig.fake->inline_good = true;
	rig_start(&rig, 0, 0);
	operate(&rig, &op, spt_device_unfence);
	assert_int_equal(op.o.result, -EALREADY);
	assert_non_null(strstr(op.o.error.text, "one: it is not fenced"));
	fence(&rig, 0);
	rig.fake->open_error = -ENODEV;
	operate(&rig, &op, spt_device_unfence);
	assert_int_equal(op.done, 1);
	assert_int_equal(op.o.result, -ENODEV);
	assert_non_null(strstr(op.o.error.text, strerror(ENODEV)));
	assert_true(spt_device_fenced(rig.device));
	expect(&rig, 0, SPT_KEY_UNIT_ATTENTION, 0x2903);
	expect(&rig, 0, SPT_KEY_NOT_READY, 0x0403);
	rig.fake->open_error = 0;
	operate(&rig, &op, spt_device_unfence);
	assert_int_equal(op.o.result, 0);
	expect(&rig, 0, SPT_KEY_UNIT_ATTENTION, 0x2900);
	expect(&rig, 0, 0, 0);
	rig_close(&rig);
}

/* A session may end while the old way is still being closed: its memory stays until that is over. */
static void session_ends_meanwhile(void **state)
{
	struct rig rig;
	struct operation op;
	int stopped = 0;

	rig_open(&rig, &(struct rig_params){ .ops = &FAKE_PER_NEXUS, .escalation = ALL.escalation });
	rig_start(&rig, 0, 0);
	fence(&rig, 0);
	struct fake_channel *old = rig_channel(&rig, 0);
	rig.fake->close_waits = true;
	operate(&rig, &op, spt_device_unfence);
	assert_int_equal(op.o.result, 0);
	rig.fake->close_waits = false;
	rig_stop(&rig, 0, &stopped);
	rig_settle(&rig);
	assert_int_equal(stopped, 0);
	fake_close(old);
	assert_int_equal(stopped, 1);
	rig_close(&rig);
}

/* Nobody is there any more: the flag alone is left. */
static void unfence_without_sessions(void **state)
{
	struct rig rig;
	struct operation op;
	int stopped = 0;

	rig_open(&rig, &ALL);
	rig.fake->inline_good = true;
	rig_start(&rig, 0, 0);
	fence(&rig, 0);
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(stopped, 1);
	assert_int_equal(spt_device_fenced_ways(rig.device), 0);
	assert_true(spt_device_fenced(rig.device));
	operate(&rig, &op, spt_device_unfence);
	assert_int_equal(op.o.result, 0);
	rig_start(&rig, 0, 0);
	expect(&rig, 0, 0, 0);
	rig_close(&rig);
}

/* The tasks of all nexuses on all loops end, once, and everybody is told. */
static void reset_by_the_operator(void **state)
{
	struct rig rig;
	struct operation op;
	struct job jobs[2];

	rig_open(&rig, &ALL);
	rig.fake->reset_kills = true;
	rig.fake->cancels = true;
	/* The loop of the operation has no session: the reset goes by the other one. */
	rig_start(&rig, 1, 1);
	rig_start(&rig, 2, 1);
	for (unsigned i = 0; i < 2; i++) {
		job_init(&jobs[i], &rig, i + 1, 1);
		job_run(&rig, &jobs[i]);
	}
	operate(&rig, &op, spt_device_reset);
	assert_int_equal(op.done, 1);
	assert_int_equal(op.o.result, 0);
	assert_int_equal(rig.fake->resets, 1);
	rig.fake->inline_good = true;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(jobs[i].done, 1);
		assert_int_equal(jobs[i].outcome, SPT_ABORTED);
		expect(&rig, i + 1, SPT_KEY_UNIT_ATTENTION, 0x2903);
		expect(&rig, i + 1, 0, 0);
	}
	rig_close(&rig);
}

static void reset_that_fails(void **state)
{
	struct rig rig;
	struct operation op;

	rig_open(&rig, &ALL);
	operate(&rig, &op, spt_device_reset);
	assert_int_equal(op.done, 1);
	assert_int_equal(op.o.result, -ENOTCONN);
	rig_start(&rig, 0, 0);
	rig.fake->reset_silent = true;
	operate(&rig, &op, spt_device_reset);
	assert_int_equal(op.done, 0);
	rig_pass(&rig, WAIT_US + RESET_US - 1);
	assert_int_equal(op.done, 0);
	rig_pass(&rig, 1);
	assert_int_equal(op.done, 1);
	assert_int_equal(op.o.result, -ETIMEDOUT);
	fake_reset_done(rig_channel(&rig, 0), 0);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unfence_on_every_loop),
		cmocka_unit_test(other_loops_keep_theirs),
		cmocka_unit_test(unfence_of_one_nexus),
		cmocka_unit_test(fence_ends_with_the_session),
		cmocka_unit_test(unfence_that_fails),
		cmocka_unit_test(session_ends_meanwhile),
		cmocka_unit_test(unfence_without_sessions),
		cmocka_unit_test(reset_by_the_operator),
		cmocka_unit_test(reset_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
