/* SPDX-License-Identifier: MIT */
/* Another LUN map for a session that runs: what stays, what comes, what goes, and who is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/util.h"
#include "rig.h"

#define CHANGED 0x3f0e

static struct spt_lun_map *map_of(const struct spt_lun_entry *entries, size_t n)
{
	struct spt_lun_map *map;

	assert_int_equal(spt_lun_map_new(entries, n, &map), 0);
	return map;
}

static void set_luns(struct rig *rig, unsigned session, const struct spt_lun_entry *entries, size_t n)
{
	struct spt_lun_map *map = map_of(entries, n);

	assert_int_equal(spt_session_set_luns(rig_context(rig, session), rig->sessions[session], map), 0);
	spt_lun_map_unref(map);
}

/* TEST UNIT READY at @lun: 0, or key and additional sense code. */
static unsigned ready(struct rig *rig, uint64_t lun)
{
	static uint32_t tag = 0x1000;
	struct job job;

	job_init(&job, rig, 0, tag++);
	job.task.aux.lun = lun;
	job_run(rig, &job);
	rig_settle(rig);
	assert_int_equal(job.done, 1);
	return job.status == SPT_GOOD ? 0 : (unsigned)job.key << 16 | job.asc;
}

static void kept_gone_and_new(void **state)
{
	struct rig rig;
	struct job kept, gone;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	job_init(&kept, &rig, 0, 1);
	job_run(&rig, &kept);
	job_init(&gone, &rig, 0, 2);
	gone.task.aux.lun = RIG_LUN_2;
	job_run(&rig, &gone);
	/* LUN 5 goes, LUN 0 stays, and the second device comes at LUN 7. */
	const struct spt_lun_entry entries[] = { { .lun = 7, .device = rig.device_2 },
		{ .lun = 0, .device = rig.device } };
	set_luns(&rig, 0, entries, ARRAY_SIZE(entries));
	assert_int_equal(kept.done, 0);
	assert_int_equal(gone.done, 0); /* still at the device */
	rig.fake->inline_good = rig.fake_2->inline_good = true;
	assert_int_equal(ready(&rig, RIG_LUN_2), 0x052500);
	assert_int_equal(ready(&rig, RIG_LUN), 0x060000 | CHANGED);
	assert_int_equal(ready(&rig, RIG_LUN), 0);
	assert_int_equal(ready(&rig, 7ull << 48), 0x062900);
	assert_int_equal(ready(&rig, 7ull << 48), 0x060000 | CHANGED);
	assert_int_equal(ready(&rig, 7ull << 48), 0);
	fake_complete_task(rig_channel(&rig, 0), &kept.task);
	assert_int_equal(kept.status, SPT_GOOD);
	fake_complete_task(rig.fake_2->channels[0], &gone.task);
	assert_int_equal(gone.done, 1);
	assert_int_equal(gone.outcome, SPT_COMPLETED);
	assert_int_equal(gone.status, SPT_TASK_ABORTED);
	rig_close(&rig);
}

static void a_device_is_left(void **state)
{
	struct rig rig;
	struct job job;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	const struct spt_lun_entry entries[] = { { .lun = 0, .device = rig.device } };
	assert_int_equal(rig.fake_2->n_channels, 1);
	job_init(&job, &rig, 0, 2);
	job.task.aux.lun = RIG_LUN_2;
	job_run(&rig, &job);
	set_luns(&rig, 0, entries, 1);
	rig_settle(&rig);
	assert_int_equal(rig.fake_2->n_channels, 1); /* its task is there */
	fake_complete_task(rig.fake_2->channels[0], &job.task);
	rig_settle(&rig);
	assert_int_equal(rig.fake_2->n_channels, 0);
	set_luns(&rig, 0, NULL, 0);
	assert_int_equal(ready(&rig, RIG_LUN), 0x052500);
	rig_close(&rig);
}

/* The session stops while logical units leave. */
static void stop_while_leaving(void **state)
{
	for (int waits = 0; waits < 2; waits++) {
		struct rig rig;
		struct job job;
		int stopped = 0;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		rig.fake_2->close_waits = waits;
		job_init(&job, &rig, 0, 2);
		job.task.aux.lun = RIG_LUN_2;
		job_run(&rig, &job);
		struct fake_channel *c = rig.fake_2->channels[0];
		set_luns(&rig, 0, &(struct spt_lun_entry){ .lun = 0, .device = rig.device }, 1);
		rig_stop(&rig, 0, &stopped);
		assert_int_equal(stopped, 0);
		fake_complete_task(c, &job.task);
		rig_settle(&rig);
		assert_int_equal(stopped, !waits);
		if (waits)
			fake_close(c);
		rig_settle(&rig);
		assert_int_equal(stopped, 1);
		rig_close(&rig);
	}
}

/* A function that waits for a task of a logical unit that leaves is answered. */
static void function_at_a_leaving_unit(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job reset;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	job_init(&job, &rig, 0, 2);
	job.task.aux.lun = RIG_LUN_2;
	job_run(&rig, &job);
	tmf_run(&rig, &reset, 0, SPT_TMF_ABORT_TASK_SET, RIG_LUN_2);
	set_luns(&rig, 0, &(struct spt_lun_entry){ .lun = 0, .device = rig.device }, 1);
	assert_int_equal(reset.done, 0);
	fake_complete_task(rig.fake_2->channels[0], &job.task);
	rig_settle(&rig);
	assert_int_equal(reset.done, 1);
	assert_int_equal(reset.tmf.response, SPT_TMF_COMPLETE);
	rig_close(&rig);
}

/* SPC-5 6.33: whoever has read the list need not be told. */
static void report_luns_takes_the_attention(void **state)
{
	struct rig rig;
	struct job job;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig.fake->inline_good = true;
	const struct spt_lun_entry entries[] = { { .lun = 0, .device = rig.device },
		{ .lun = 3, .device = rig.device } };
	set_luns(&rig, 0, entries, ARRAY_SIZE(entries));
	job_init(&job, &rig, 0, 9);
	memcpy(job.task.cdb, (uint8_t[12]){ 0xa0, [8] = 1 }, 12);
	job.task.cdb_bytes = 16;
	job.task.expected_in_bytes = 256;
	job_run(&rig, &job);
	assert_int_equal(job.status, SPT_GOOD);
	assert_int_equal(be32_get(job.in), 16);
	assert_int_equal(job.in[16 + 1], 3);
	assert_int_equal(ready(&rig, RIG_LUN), 0);
	assert_int_equal(ready(&rig, 3ull << 48), 0x062900);
	assert_int_equal(ready(&rig, 3ull << 48), 0);
	rig_close(&rig);
}

/* Closing a device may block: its last reference is a loop's, and the loop goes on. */
static void the_last_reference(void **state)
{
	struct rig rig;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	struct fake_device *fake;
	struct spt_device *third = fake_open(&FAKE_SHARED, "third", &(struct spt_escalation){ 0 }, &fake);
	const struct spt_lun_entry more[] = { { .lun = 0, .device = rig.device }, { .lun = 3, .device = third } };
	set_luns(&rig, 0, more, ARRAY_SIZE(more));
	spt_device_unref(third);
	unsigned before = fake_closed;
	set_luns(&rig, 0, more, 1);
	assert_int_equal(fake_closed, before);
	assert_non_null(rig.loops[0].works);
	rig_settle(&rig);
	assert_int_equal(fake_closed, before + 1);
	rig_close(&rig);
}

/* A device that a nexus reaches by two LUNs stays its own when one of them goes. */
static void two_luns_of_a_device(void **state)
{
	struct rig rig;
	struct job job;

	rig_open(&rig, NULL);
	const struct spt_lun_entry entries[] = { { .lun = 0, .device = rig.device },
		{ .lun = 3, .device = rig.device } };
	rig.fake->inline_good = true;
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 1);
	set_luns(&rig, 0, entries, 2);
	while (ready(&rig, RIG_LUN) || ready(&rig, 3ull << 48))
		;
	job_init(&job, &rig, 0, 1);
	job.task.cdb[0] = 0x16; /* RESERVE(6) */
	job_run(&rig, &job);
	assert_int_equal(job.status, SPT_GOOD);
	for (size_t n = 2; n-- > 0;) {
		set_luns(&rig, 0, entries, n);
		job_init(&job, &rig, 1, 1);
		job_run(&rig, &job);
		rig_settle(&rig);
		assert_int_equal(job.status, n ? SPT_RESERVATION_CONFLICT : SPT_GOOD);
	}
	rig_close(&rig);
}

static void no_such_session(void **state)
{
	struct rig rig;
	int stopped = 0;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(spt_session_set_luns(rig.contexts[0], rig.sessions[0], rig.map), -ENOENT);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_gone_and_new),
		cmocka_unit_test(a_device_is_left),
		cmocka_unit_test(stop_while_leaving),
		cmocka_unit_test(function_at_a_leaving_unit),
		cmocka_unit_test(report_luns_takes_the_attention),
		cmocka_unit_test(the_last_reference),
		cmocka_unit_test(two_luns_of_a_device),
		cmocka_unit_test(no_such_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
