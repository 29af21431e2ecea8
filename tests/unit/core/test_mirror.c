/* SPDX-License-Identifier: MIT */
/*
 * Functions on a mirrored nexus: the far side does them, and its answer is the response (RFC 7143
 * 11.6.1). Tasks of other nexuses are the far side's business.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "rig.h"

#define SECOND 1000000u

static void functions_go_through(void **state)
{
	static const struct {
		uint8_t function;
		int result;
		uint8_t want;
	} rows[] = {
		{ SPT_TMF_ABORT_TASK_SET, 0, SPT_TMF_COMPLETE },
		{ SPT_TMF_ABORT_TASK_SET, -EOPNOTSUPP, SPT_TMF_NOT_SUPPORTED },
		{ SPT_TMF_ABORT_TASK_SET, -ENOTCONN, SPT_TMF_COMPLETE }, /* none of its tasks is there */
		{ SPT_TMF_CLEAR_ACA, 0, SPT_TMF_COMPLETE },
		{ SPT_TMF_CLEAR_ACA, -EIO, SPT_TMF_REJECTED },
		{ SPT_TMF_CLEAR_TASK_SET, 0, SPT_TMF_COMPLETE },
		{ SPT_TMF_CLEAR_TASK_SET, -ENXIO, SPT_TMF_NO_LUN },
		{ SPT_TMF_CLEAR_TASK_SET, -ENOTCONN, SPT_TMF_REJECTED },
		{ SPT_TMF_LOGICAL_UNIT_RESET, 0, SPT_TMF_COMPLETE },
		{ SPT_TMF_LOGICAL_UNIT_RESET, -EOPNOTSUPP, SPT_TMF_NOT_SUPPORTED },
		{ SPT_TMF_LOGICAL_UNIT_RESET, -EIO, SPT_TMF_REJECTED },
		{ SPT_TMF_LOGICAL_UNIT_RESET, -ENOTCONN, SPT_TMF_REJECTED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		struct job mine, other;
		struct tmf_job tmf;

		rig_open(&rig, &(struct rig_params){ .ops = &FAKE_PER_NEXUS,
				       .escalation = { .wait_us = 5 * SECOND } });
		rig_start(&rig, 0, 0);
		rig_start(&rig, 1, 0);
		rig.fake->reset_silent = rig.fake->cancels = true;
		job_init(&mine, &rig, 0, 1);
		job_run(&rig, &mine);
		job_init(&other, &rig, 1, 1);
		job_run(&rig, &other);
		tmf_run(&rig, &tmf, 0, rows[i].function, RIG_LUN);
		rig_settle(&rig);
		struct fake_channel *c = rig.fake->channels[0];
		assert_int_equal(c->n_resets, 1);
		assert_int_equal(rig.fake->channels[1]->n_resets, 0);
		assert_int_equal(c->resets[0]->function, rows[i].function);
		assert_int_equal(tmf.done, 0); /* not before the far side has answered */
		assert_int_equal(mine.done, rows[i].function != SPT_TMF_CLEAR_ACA);
		if (rows[i].function != SPT_TMF_LOGICAL_UNIT_RESET)
			assert_int_equal(other.done, 0);
		fake_reset_done(c, rows[i].result);
		rig_settle(&rig);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(tmf.tmf.response, rows[i].want);
		rig_close(&rig);
	}
}

/* A far side that does not answer: bounded, and not called done. */
static void no_answer(void **state)
{
	struct rig rig;
	struct tmf_job tmf;

	rig_open(&rig, &(struct rig_params){ .ops = &FAKE_PER_NEXUS,
			       .escalation = { .wait_us = 5 * SECOND } });
	rig_start(&rig, 0, 0);
	rig.fake->reset_silent = true;
	tmf_run(&rig, &tmf, 0, SPT_TMF_CLEAR_TASK_SET, RIG_LUN);
	rig_settle(&rig);
	assert_int_equal(tmf.done, 0);
	rig_pass(&rig, 5 * SECOND);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(tmf.tmf.response, SPT_TMF_REJECTED);
	fake_reset_done(rig.fake->channels[0], 0);
	rig_close(&rig);
}

/* Where nexuses share a device there is no ACA condition, and task sets are the library's. */
static void shared_keeps_them(void **state)
{
	static const uint8_t functions[] = { SPT_TMF_ABORT_TASK_SET, SPT_TMF_CLEAR_TASK_SET,
		SPT_TMF_CLEAR_ACA };

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		struct rig rig;
		struct tmf_job tmf;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		tmf_run(&rig, &tmf, 0, functions[i], RIG_LUN);
		rig_settle(&rig);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(tmf.tmf.response, functions[i] == SPT_TMF_CLEAR_ACA ?
				SPT_TMF_NOT_SUPPORTED : SPT_TMF_COMPLETE);
		assert_int_equal(rig.fake->resets, 0);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_go_through),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(shared_keeps_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
