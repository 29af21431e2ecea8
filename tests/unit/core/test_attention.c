/* SPDX-License-Identifier: MIT */
/* Unit attentions and what else is answered above logical units (SAM-5 4.7, 5.14; SPC-5 6.33, 6.39). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/util.h"
#include "rig.h"

#define OP_REQUEST_SENSE 0x03
#define OP_INQUIRY	 0x12
#define OP_REPORT_LUNS	 0xa0

/* A command of session @i; what is at the device ends GOOD. */
static const struct job *send_to(struct rig *rig, unsigned i, uint8_t opcode, uint64_t lun)
{
	static struct job job;

	job_init(&job, rig, i, 0x5000);
	job.task.cdb[0] = opcode;
	job.task.cdb[4] = 96;
	job.task.cdb[9] = 255;
	job.task.aux.lun = lun;
	rig->fake->inline_good = rig->fake_2->inline_good = true;
	job_run(rig, &job);
	assert_int_equal(job.done, 1);
	return &job;
}

/* The condition that is next, or 0. */
static spt_asc_t next(struct rig *rig, unsigned i)
{
	const struct job *j = send_to(rig, i, 0, RIG_LUN);

	if (j->status == SPT_GOOD)
		return 0;
	assert_int_equal(j->status, SPT_CHECK_CONDITION);
	assert_int_equal(j->key, SPT_KEY_UNIT_ATTENTION);
	return j->asc;
}

/* A new nexus: POWER ON, once at each logical unit; INQUIRY and REPORT LUNS pass it by. */
static void of_a_new_nexus(void **state)
{
	struct rig rig;

	rig_open(&rig, NULL);
	rig_start_raw(&rig, 0, 0);
	assert_int_equal(send_to(&rig, 0, OP_INQUIRY, RIG_LUN)->status, SPT_GOOD);
	assert_int_equal(send_to(&rig, 0, OP_REPORT_LUNS, RIG_LUN)->status, SPT_GOOD);
	assert_int_equal(next(&rig, 0), 0x2900);
	assert_int_equal(next(&rig, 0), 0);
	assert_int_equal(send_to(&rig, 0, 0, RIG_LUN_2)->asc, 0x2900);
	assert_int_equal(send_to(&rig, 0, 0, RIG_LUN_2)->status, SPT_GOOD);
	rig_close(&rig);
}

/* REQUEST SENSE brings the condition as data, with GOOD, and takes it. */
static void request_sense(void **state)
{
	struct rig rig;

	rig_open(&rig, NULL);
	rig_start_raw(&rig, 0, 0);
	const struct job *j = send_to(&rig, 0, OP_REQUEST_SENSE, RIG_LUN);
	assert_int_equal(j->status, SPT_GOOD);
	assert_int_equal(j->in_bytes, 18);
	assert_int_equal(j->in[0] & 0x7f, 0x70);
	assert_int_equal(j->in[2] & 0xf, SPT_KEY_UNIT_ATTENTION);
	assert_int_equal(be16_get(j->in + 12), 0x2900);
	assert_int_equal(next(&rig, 0), 0);
	rig_close(&rig);
}

static struct job excepted;

/* Raised for all but the nexus that it comes from, on every loop, oldest first, none twice. */
static void fan_out(void **state)
{
	struct rig rig;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	rig_start(&rig, 2, 1);
	job_init(&excepted, &rig, 0, 1);
	job_run(&rig, &excepted);
	spt_device_attention(rig.device, &excepted.task, 0x2a01);
	spt_device_attention(rig.device, &excepted.task, 0x2a09);
	spt_device_attention(rig.device, &excepted.task, 0x2a01);
	assert_int_equal(next(&rig, 0), 0);
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(next(&rig, i), 0x2a01);
		assert_int_equal(next(&rig, i), 0x2a09);
		assert_int_equal(next(&rig, i), 0);
	}
	/* A reset clears what was before it (SAM-5 5.14); without exception it is for all. */
	spt_device_attention(rig.device, NULL, 0x2a01);
	spt_device_attention(rig.device, NULL, 0x2903);
	spt_device_attention(rig.device, NULL, 0x3f0e);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(next(&rig, i), 0x2903);
		assert_int_equal(next(&rig, i), 0x3f0e);
		assert_int_equal(next(&rig, i), 0);
	}
	fake_complete(rig_channel(&rig, 0));
	rig_close(&rig);
}

/* SAM-5 5.14: what takes precedence is told first, and what it tells anyhow not again. */
static void precedence(void **state)
{
	static const struct {
		spt_asc_t raised[4], told[4];
	} rows[] = {
		{ { 0x2800, 0x2907 }, { 0x2907, 0x2800 } },         /* a loss comes first, clears nothing */
		{ { 0x2800, 0x2903 }, { 0x2903 } },                 /* a reset clears */
		{ { 0x2907, 0x2903 }, { 0x2903 } },
		{ { 0x2903, 0x2907, 0x2800 }, { 0x2903, 0x2800 } }, /* lost after the reset: told by it */
		{ { 0x2900, 0x2903, 0x2a01 }, { 0x2900, 0x2a01 } },
		{ { 0x2903, 0x2902, 0x2900 }, { 0x2900 } },
		{ { 0x2907, 0x2907, 0x2a01, 0x2a01 }, { 0x2907, 0x2a01 } },
		{ { 0x2a01, 0x2800, 0x2a01, 0x2a09 }, { 0x2a01, 0x2800, 0x2a09 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		for (unsigned k = 0; k < 4 && rows[i].raised[k]; k++)
			spt_device_attention(rig.device, NULL, rows[i].raised[k]);
		for (unsigned k = 0; k < 4 && rows[i].told[k]; k++)
			assert_int_equal(next(&rig, 0), rows[i].told[k]);
		assert_int_equal(next(&rig, 0), 0);
		rig_close(&rig);
	}
}

/* The medium was changed: the device tells it once, to whoever asks first; each initiator hears it once. */
static bool changed;
static struct spt_device *drive;

static bool tell_change(struct spt_task *task)
{
	static const uint8_t data[18] = { 0x70, [2] = SPT_KEY_UNIT_ATTENTION, [7] = 10, [12] = 0x28 };

	if (!changed)
		return false;
	changed = false;
	if (task->cdb[0] == OP_REQUEST_SENSE) {
		spt_task_reply(task, data, sizeof(data), task->cdb[4]);
		return true;
	}
	spt_device_attention(drive, task, 0x2800);
	spt_task_check(task, SPT_KEY_UNIT_ATTENTION, 0x2800);
	return true;
}

static void medium_change_seen_by_two(void **state)
{
	for (unsigned by_sense = 0; by_sense < 2; by_sense++) {
		struct rig rig;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		rig_start(&rig, 1, 1);
		rig_start(&rig, 2, 1);
		drive = rig.device;
		changed = true;
		rig.fake->answer = tell_change;
		const struct job *j = send_to(&rig, 1, by_sense ? OP_REQUEST_SENSE : 0, RIG_LUN);
		assert_int_equal(j->status, by_sense ? SPT_GOOD : SPT_CHECK_CONDITION);
		assert_int_equal(by_sense ? be16_get(j->in + 12) : j->asc, 0x2800);
		assert_int_equal(next(&rig, 1), 0);
		for (unsigned i = 0; i < 3; i += 2) {
			assert_int_equal(next(&rig, i), 0x2800);
			assert_int_equal(next(&rig, i), 0);
		}
		rig_close(&rig);
	}
}

static struct spt_task *kept;

static bool keep(struct spt_task *task)
{
	kept = task;
	return true;
}

/* The command that the device told it to was aborted: its initiator heard nothing, so it is told as well. */
static void told_to_an_aborted_command(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	drive = rig.device;
	rig.fake->answer = keep;
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	tmf_abort(&rig, &tmf, 0, &job);
	changed = true;
	tell_change(kept);
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	rig.fake->answer = NULL;
	assert_int_equal(next(&rig, 0), 0x2800);
	assert_int_equal(next(&rig, 1), 0x2800);
	rig_close(&rig);
}

/* SAM-5 5.2: NACA is refused with a pointer at it, in each form of a CDB, before the device sees it. */
static void naca(void **state)
{
	static const struct {
		uint8_t opcode;
		unsigned byte; /* 0: where it is, is not known */
	} rows[] = {
		{ 0x00, 5 }, { 0x12, 5 }, { 0x28, 9 }, { 0x5e, 9 }, { 0x88, 15 }, { 0xa8, 11 }, { 0x7f, 1 },
		{ 0xc1, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		struct job job;
		struct spt_sense sense;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		rig.fake->inline_good = true;
		job_init(&job, &rig, 0, 1);
		job.keep = true;
		job.task.cdb[0] = rows[i].opcode;
		if (rows[i].byte)
			job.task.cdb[rows[i].byte] = 0x04;
		else
			memset(job.task.cdb + 1, 0x04, 15);
		job_run(&rig, &job);
		assert_int_equal(job.status, rows[i].byte ? SPT_CHECK_CONDITION : SPT_GOOD);
		if (rows[i].byte) {
			assert_int_equal(rig.fake->submits, 0);
			assert_int_equal(spt_sense_decode(job.task.sense, job.task.sense_bytes, &sense), 0);
			assert_int_equal(sense.asc, 0x2400);
			assert_int_equal(sense.key_specific[0], 0xc8 | 2);
			assert_int_equal(be16_get(sense.key_specific + 1), rows[i].byte);
		}
		spt_task_end(&job.task);
		rig_close(&rig);
	}
}

/* More than there is room for: the queue stays whole, and the newest is not lost. */
static void too_many(void **state)
{
	struct rig rig;
	spt_asc_t asc, last = 0;
	unsigned n = 0;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	for (spt_asc_t a = 0; a < 100; a++)
		spt_device_attention(rig.device, NULL, 0x2a00 + a);
	while ((asc = next(&rig, 0))) {
		last = asc;
		n++;
	}
	assert_in_range(n, 2, 16);
	assert_int_equal(last, 0x2a00 + 99);
	rig_close(&rig);
}

/* The far side of a mirrored nexus has conditions of its own: the library makes none. */
static void none_of_mirrored_nexuses(void **state)
{
	struct rig rig;

	rig_open(&rig, &(struct rig_params){ .ops = &FAKE_PER_NEXUS });
	rig_start_raw(&rig, 0, 0);
	spt_device_attention(rig.device, NULL, 0x2a01);
	assert_int_equal(next(&rig, 0), 0);
	rig_close(&rig);
}

/* One that a held result would have told of is told again when that is aborted; once it has been told it is not. */
static void of_held_results(void **state)
{
	for (unsigned aborted = 0; aborted < 2; aborted++) {
		struct rig rig;
		struct job job;
		struct tmf_job tmf;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		spt_device_attention(rig.device, NULL, 0x2a01);
		job_init_write(&job, &rig, 0, 1, 4096);
		job.hold = true;
		job_run(&rig, &job);
		assert_int_equal(job.done, 0);
		if (aborted) {
			tmf_abort(&rig, &tmf, 0, &job);
			assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
			assert_int_equal(job.outcome, SPT_ABORTED);
		} else {
			spt_task_let_go(&job.task);
			assert_int_equal(job.asc, 0x2a01);
		}
		assert_int_equal(job.done, 1);
		assert_int_equal(next(&rig, 0), aborted ? 0x2a01 : 0);
		assert_int_equal(next(&rig, 0), 0);
		rig_close(&rig);
	}
}

/* What task management leaves behind for whom. */
static void after_functions(void **state)
{
	static const struct {
		uint8_t function;
		spt_asc_t sender, loser, bystander;
	} rows[] = {
		{ SPT_TMF_ABORT_TASK_SET, 0, 0, 0 },
		{ SPT_TMF_CLEAR_TASK_SET, 0, 0x2f00, 0 },
		{ SPT_TMF_LOGICAL_UNIT_RESET, 0x2903, 0x2903, 0x2903 },
		{ SPT_TMF_TARGET_WARM_RESET, 0x2903, 0x2903, 0x2903 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned loop = 0; loop < 2; loop++) {
			struct rig rig;
			struct job job;
			struct tmf_job tmf;

			rig_open(&rig, NULL);
			rig_start(&rig, 0, 0);
			rig_start(&rig, 1, loop);
			rig_start(&rig, 2, loop);
			rig.fake->cancels = true;
			job_init(&job, &rig, 1, 1);
			job_run(&rig, &job);
			tmf_run(&rig, &tmf, 0, rows[i].function, RIG_LUN);
			rig_settle(&rig);
			assert_int_equal(tmf.done, 1);
			if (!job.done)
				fake_complete(rig_channel(&rig, 1));
			assert_int_equal(next(&rig, 0), rows[i].sender);
			assert_int_equal(next(&rig, 1), rows[i].loser);
			assert_int_equal(next(&rig, 2), rows[i].bystander);
			rig_close(&rig);
		}
	}
}

/* A reset that an abort has led to is everybody's (SAM-5 6.3.3). */
static void after_an_escalation(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;

	rig_open(&rig, &(struct rig_params){
		.escalation = { .wait_us = 1000, .reset_wait_us = 1000, .reset = true } });
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	rig.fake->reset_kills = true;
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	tmf_abort(&rig, &tmf, 0, &job);
	rig_pass(&rig, 1000);
	assert_int_equal(tmf.done, 1);
	assert_int_equal(next(&rig, 1), 0x2903);
	rig_close(&rig);
}

/* SAM-5 4.7: the forms of a LUN, and what an unmapped one answers. */
static void lun_formats(void **state)
{
	static const struct {
		uint64_t lun;
		bool there;
	} rows[] = {
		{ 0, true },
		{ 5ull << 48, true },
		{ 0x4005ull << 48, true },  /* flat space */
		{ 0x4000ull << 48, true },
		{ 0x0105ull << 48, false }, /* bus 1 */
		{ 0x8005ull << 48, false },
		{ 0xc005ull << 48, false },
		{ 0x4105ull << 48, false }, /* LUN 261 */
		{ 5ull << 48 | 1, false },  /* a second level */
		{ 5ull << 32, false },
		{ 5, false },
		{ UINT64_MAX, false },
	};
	struct rig rig;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct job *j = send_to(&rig, 0, 0, rows[i].lun);
		assert_int_equal(j->status, rows[i].there ? SPT_GOOD : SPT_CHECK_CONDITION);
		if (rows[i].there)
			continue;
		assert_int_equal(j->key, SPT_KEY_ILLEGAL_REQUEST);
		assert_int_equal(j->asc, 0x2500); /* LOGICAL UNIT NOT SUPPORTED */
		j = send_to(&rig, 0, OP_INQUIRY, rows[i].lun);
		assert_int_equal(j->status, SPT_GOOD);
		assert_int_equal(j->in[0], 0x7f);
		j = send_to(&rig, 0, OP_REQUEST_SENSE, rows[i].lun);
		assert_int_equal(j->status, SPT_GOOD);
		assert_int_equal(be16_get(j->in + 12), 0x2500);
	}
	rig_close(&rig);
}

static void report_luns(void **state)
{
	static const uint8_t luns[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 5 };
	struct rig rig;
	struct job job;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	const struct job *j = send_to(&rig, 0, OP_REPORT_LUNS, 0);
	assert_int_equal(j->status, SPT_GOOD);
	assert_int_equal(j->in_bytes, 8 + 16);
	assert_int_equal(be32_get(j->in), 16);
	assert_memory_equal(j->in + 8, luns, 16);
	for (uint8_t select = 1; select < 4; select++) {
		job_init(&job, &rig, 0, 1);
		job.task.cdb[0] = OP_REPORT_LUNS;
		job.task.cdb[2] = select;
		job.task.cdb[9] = 255;
		job_run(&rig, &job);
		assert_int_equal(job.status, select == 3 ? SPT_CHECK_CONDITION : SPT_GOOD);
		if (select < 3)
			assert_int_equal(be32_get(job.in), select == 1 ? 8 : 24);
	}
	/* Cut by the allocation length, the list's own length stays; the residual is against that. */
	job_init(&job, &rig, 0, 1);
	job.task.cdb[0] = OP_REPORT_LUNS;
	job.task.cdb[9] = 16;
	job_run(&rig, &job);
	assert_int_equal(job.in_bytes, 16);
	assert_int_equal(job.in_would, 16);
	assert_int_equal(be32_get(job.in), 16);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_new_nexus),
		cmocka_unit_test(request_sense),
		cmocka_unit_test(fan_out),
		cmocka_unit_test(too_many),
		cmocka_unit_test(precedence),
		cmocka_unit_test(medium_change_seen_by_two),
		cmocka_unit_test(told_to_an_aborted_command),
		cmocka_unit_test(naca),
		cmocka_unit_test(none_of_mirrored_nexuses),
		cmocka_unit_test(after_functions),
		cmocka_unit_test(of_held_results),
		cmocka_unit_test(after_an_escalation),
		cmocka_unit_test(lun_formats),
		cmocka_unit_test(report_luns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
