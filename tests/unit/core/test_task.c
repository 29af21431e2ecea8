/* SPDX-License-Identifier: MIT */
/* Tasks: their entry, their data, their memory, the order in which a task set lets them go. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "rig.h"

/* SEEDS: what an auxiliary has to say; nothing is kept of a task that is refused. */
static void entry_is_checked(void **state)
{
	struct rig rig;
	struct job job, other;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	job_init(&job, &rig, 0, 1);
	job.task.aux.size--;
	assert_int_equal(job_enter(&rig, &job), -EINVAL);
	job_init(&job, &rig, 0, 1);
	job.task.aux.signature[7]++;
	assert_int_equal(job_enter(&rig, &job), -EINVAL);
	job_init(&job, &rig, 0, 1);
	job.task.cdb_bytes = 5;
	assert_int_equal(job_enter(&rig, &job), -EINVAL);
	job.task.cdb_bytes = SPT_CDB_MAX + 1;
	assert_int_equal(job_enter(&rig, &job), -EINVAL);
	job_init(&job, &rig, 0, 1);
	job.task.aux.session.v += 1;
	assert_int_equal(job_enter(&rig, &job), -ENOENT);
	job.task.aux.session.v = 0;
	assert_int_equal(job_enter(&rig, &job), -ENOENT);
	job_init(&job, &rig, 0, 1);
	assert_int_equal(job_enter(&rig, &job), 0);
	job_init(&other, &rig, 0, 1);
	assert_int_equal(job_enter(&rig, &other), -EEXIST);
	assert_ptr_equal(spt_task_find(rig.contexts[0], rig.sessions[0], 1), &job.task);
	assert_null(spt_task_find(rig.contexts[0], rig.sessions[0], 2));
	assert_int_equal(spt_session_tasks(rig.contexts[0], rig.sessions[0]), 1);
	spt_task_abort(&job.task);
	assert_int_equal(job.outcome, SPT_ABORTED);
	assert_int_equal(job_enter(&rig, &other), 0);
	rig_close(&rig);
	assert_int_equal(other.outcome, SPT_ABORTED);
}

static void no_entry_while_stopping(void **state)
{
	struct rig rig;
	struct job job, late;
	int stopped = 0;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	rig_stop(&rig, 0, &stopped);
	job_init(&late, &rig, 0, 2);
	assert_int_equal(job_enter(&rig, &late), -ESHUTDOWN);
	assert_int_equal(spt_session_stop(rig.contexts[0], rig.sessions[0], raise_flag, &stopped),
		-ENOENT);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(stopped, 1);
	assert_int_equal(job_enter(&rig, &late), -ENOENT);
	rig_close(&rig);
}

/* Sequences are contiguous, none is longer than what is wanted, and exactly one is final. */
static void data_sequences(void **state)
{
	static const struct {
		uint64_t offset;
		uint32_t bytes;
		bool final;
		int result;
	} rows[] = {
		{ 512, 512, false, -EINVAL },
		{ 0, 512, true, -EINVAL },
		{ 0, 4096, false, -EINVAL },
		{ 0, 4097, true, -EINVAL },
		{ 0, UINT32_MAX, true, -EINVAL },
		{ UINT64_MAX, 1, false, -EINVAL },
		{ 0, 1024, false, 0 },
		{ 0, 1024, false, -EINVAL },
		{ 1024, 3073, true, -EINVAL },
		{ 1024, 0, false, 0 },
		{ 1024, 3072, true, 0 },
		{ 4096, 0, true, -EINVAL },
	};
	struct rig rig;
	struct job job;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	job_init_write(&job, &rig, 0, 1, 4096);
	assert_int_equal(spt_task_data(&job.task, 0), -EINVAL);
	job_run(&rig, &job);
	assert_int_equal(job.task.state, SPT_TASK_COLLECT);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		job.task.aux.sequence_offset_bytes = rows[i].offset;
		job.task.aux.is_final = rows[i].final;
		assert_int_equal(spt_task_data(&job.task, rows[i].bytes), rows[i].result);
	}
	assert_int_equal(job.task.state, SPT_TASK_DEVICE);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(job.status, SPT_GOOD);
	rig_close(&rig);
}

static void offer(struct rig *rig, struct job *job, uint32_t bytes)
{
	job->task.offered.data = spt_pool_get(rig->loops[0].host.pool, bytes);
	job->task.offered.bytes = bytes;
}

/* A buffer that came with the command becomes the task's if it is large enough; it always goes back. */
static void offered_buffers(void **state)
{
	static const struct {
		uint32_t offered, wanted;
		bool adopted;
	} rows[] = { { 4096, 4096, true }, { 8192, 4096, true }, { 4096, 4097, false }, { 4096, 0, false } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		struct job job;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		rig.fake->wanted = rows[i].wanted;
		job_init_write(&job, &rig, 0, 1, 8192);
		offer(&rig, &job, rows[i].offered);
		const uint8_t *p = job.task.offered.data;
		job_run(&rig, &job);
		if (rows[i].wanted) {
			assert_int_equal(job.task.out.data == p, rows[i].adopted);
			job_data(&job);
		}
		fake_complete(rig_channel(&rig, 0));
		assert_int_equal(spt_pool_used(rig.loops[0].host.pool), 0);
		rig_close(&rig);
	}
}

/* Over the budget: TASK SET FULL with other tasks, BUSY without (SAM-5 5.3.1), an error for ever. */
static void budget(void **state)
{
	struct rig rig;
	struct job jobs[3];

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	job_init_write(&jobs[0], &rig, 0, 1, RIG_BUDGET);
	job_run(&rig, &jobs[0]);
	assert_int_equal(jobs[0].task.state, SPT_TASK_COLLECT);
	job_init_write(&jobs[1], &rig, 0, 2, 1);
	job_run(&rig, &jobs[1]);
	assert_int_equal(jobs[1].status, SPT_TASK_SET_FULL);
	/* REPORT LUNS wants memory too. */
	job_init(&jobs[1], &rig, 0, 2);
	jobs[1].task.cdb[0] = 0xa0;
	jobs[1].task.cdb[9] = 255;
	job_run(&rig, &jobs[1]);
	assert_int_equal(jobs[1].status, SPT_TASK_SET_FULL);
	spt_task_abort(&jobs[0].task);
	job_init_write(&jobs[1], &rig, 0, 2, RIG_BUDGET + 1);
	job_run(&rig, &jobs[1]);
	assert_int_equal(jobs[1].status, SPT_CHECK_CONDITION);
	assert_int_equal(jobs[1].key, SPT_KEY_ILLEGAL_REQUEST);
	job_init_write(&jobs[1], &rig, 0, 2, RIG_BUDGET);
	job_run(&rig, &jobs[1]);
	assert_int_equal(jobs[1].task.state, SPT_TASK_COLLECT);
	rig_close(&rig);
}

/* What a task waits with before its turn has come is charged as well. */
static void offered_is_charged(void **state)
{
	struct rig rig;
	struct job jobs[20];
	unsigned full = 0;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		job_init_write(&jobs[i], &rig, 0, i, 65536);
		offer(&rig, &jobs[i], 65536);
		assert_int_equal(job_enter(&rig, &jobs[i]), 0);
		assert_true(spt_pool_used(rig.loops[0].host.pool) <= RIG_BUDGET);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		spt_task_start(&jobs[i].task);
		full += jobs[i].done && jobs[i].status == SPT_TASK_SET_FULL;
	}
	assert_int_equal(full, ARRAY_SIZE(jobs) - RIG_BUDGET / 65536);
	rig_close(&rig);
}

static void read_in(struct rig *rig, struct job *job, uint32_t bytes)
{
	job_init(job, rig, 0, 9);
	job->task.expected_in_bytes = bytes;
	job_run(rig, job);
	if (!spt_task_take_in(&job->task, bytes))
		spt_task_full(&job->task);
	else
		fail_msg("%u bytes are taken", bytes);
	rig_channel(rig, 0)->n_tasks = 0; /* it had been there */
}

/* Data-in that can never be had is an error, not a matter of waiting. */
static void too_large_to_read(void **state)
{
	struct rig rig;
	struct job job, other;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	read_in(&rig, &job, RIG_BUDGET + 1);
	assert_int_equal(job.key, SPT_KEY_ILLEGAL_REQUEST);
	job_init_write(&other, &rig, 0, 1, 4096);
	job_run(&rig, &other);
	read_in(&rig, &job, RIG_BUDGET);
	assert_int_equal(job.status, SPT_TASK_SET_FULL);
	rig_close(&rig);
}

/* A task that its judge refuses has no data phase, and its memory may be gone at once. */
static void refused_by_judge(void **state)
{
	struct rig rig;
	struct job job;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig.fake->refuse = true;
	job_init_write(&job, &rig, 0, 1, 4096);
	offer(&rig, &job, 4096);
	job_run(&rig, &job);
	assert_int_equal(job.done, 1);
	assert_int_equal(job.asc, 0x2000);
	assert_int_equal(rig.fake->submits, 0);
	job_init_write(&job, &rig, 0, 1, 4096);
	assert_int_equal(job_enter(&rig, &job), 0);
	spt_task_refuse(&job.task, SPT_KEY_ABORTED_COMMAND, 0x0c0d);
	assert_int_equal(job.key, SPT_KEY_ABORTED_COMMAND);
	rig_close(&rig);
}

/* SAM-5 8.6: which of the tasks are let go, in which order, by attribute. */
static const uint8_t S = SPT_SIMPLE, O = SPT_ORDERED, H = SPT_HEAD_OF_QUEUE;

struct order_row {
	const char *what;
	uint8_t attributes[6]; /* zero: no more */
	const char *steps;     /* "0" completes job 0; "abc" says which are at the device by then */
};

static void submitted(const struct job *jobs, unsigned n, char *text)
{
	for (unsigned i = 0; i < n; i++) {
		if (jobs[i].task.state == SPT_TASK_DEVICE && !jobs[i].done)
			*text++ = (char)('a' + i);
	}
	*text = 0;
}

static void task_sets(void **state)
{
	const struct order_row rows[] = {
		{ "simple ones go at once", { S, S, S }, "abc0bc1c2" },
		{ "ordered waits for all before it", { S, S, O }, "ab0b1c2" },
		{ "nothing passes ordered", { S, O, S, S }, "a0b1cd2d3" },
		{ "ordered one after the other", { O, O, O }, "a0b1c2" },
		{ "head of queue goes at once", { O, O, H }, "ac0c2b1" },
		{ "and everything waits for it, older ones too", { O, O, S, H }, "ad0d3b1c2" },
		{ "head of queue beside head of queue", { H, H, S }, "ab0b1c2" },
		{ "simple behind head of queue", { H, S, S }, "a0bc1c2" },
	};

	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		struct rig rig;
		struct job jobs[6];
		unsigned n = 0;

		rig_open(&rig, NULL);
		rig_start(&rig, 0, 0);
		for (; n < 6 && rows[r].attributes[n]; n++) {
			job_init(&jobs[n], &rig, 0, n);
			jobs[n].task.attribute = rows[r].attributes[n];
			job_run(&rig, &jobs[n]);
		}
		for (const char *s = rows[r].steps; *s;) {
			char now[8];
			submitted(jobs, n, now);
			size_t length = strspn(s, "abcdef");
			if (strlen(now) != length || strncmp(now, s, length))
				fail_msg("%s: at the device %s before %s", rows[r].what, now, s);
			s += length;
			if (*s)
				fake_complete_task(rig_channel(&rig, 0), &jobs[*s++ - '0'].task);
		}
		rig_close(&rig);
	}
}

/* A long queue that a device answers at once is not a deep stack. */
static void long_queue(void **state)
{
	static struct job jobs[20000];
	struct rig rig;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
		job_init(&jobs[i], &rig, 0, i);
		jobs[i].task.attribute = SPT_ORDERED;
		job_run(&rig, &jobs[i]);
	}
	rig.fake->inline_good = true;
	fake_complete(rig_channel(&rig, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++)
		assert_int_equal(jobs[i].done, 1);
	rig_close(&rig);
}

static void aca_and_own_order(void **state)
{
	struct rig rig;
	struct job jobs[2];

	rig_open(&rig, &(struct rig_params){ .ops = &FAKE_OWN_ORDER });
	rig_start(&rig, 0, 0);
	job_init(&jobs[0], &rig, 0, 1);
	jobs[0].task.attribute = SPT_ACA;
	job_run(&rig, &jobs[0]);
	assert_int_equal(jobs[0].asc, 0x4900); /* INVALID MESSAGE ERROR: there is no ACA condition */
	for (unsigned i = 0; i < 2; i++) {
		job_init(&jobs[i], &rig, 0, i);
		jobs[i].task.attribute = SPT_ORDERED;
		job_run(&rig, &jobs[i]);
	}
	assert_int_equal(rig_channel(&rig, 0)->n_tasks, 2);
	rig.fake->cancels = true;
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_is_checked),
		cmocka_unit_test(no_entry_while_stopping),
		cmocka_unit_test(data_sequences),
		cmocka_unit_test(offered_buffers),
		cmocka_unit_test(budget),
		cmocka_unit_test(offered_is_charged),
		cmocka_unit_test(too_large_to_read),
		cmocka_unit_test(refused_by_judge),
		cmocka_unit_test(task_sets),
		cmocka_unit_test(long_queue),
		cmocka_unit_test(aca_and_own_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
