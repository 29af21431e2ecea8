/* SPDX-License-Identifier: MIT */
/* Rules that change while commands are within: what they began with they end with, and nothing is kept. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "layered.h"

/* What a rule keeps goes on when the rule is no more, by whatever it is replaced; on either loop. */
static void kept_goes_on(void **state)
{
	static const struct {
		const char *layer, *rule, *change;
	} rows[] = {
		{ "fault", "hang=fence", "off" },
		{ "fault", "hang=fence", "release" },
		{ "fault", "hang=reset", "op=00 status=busy" },
		{ "delay", "before=1h", "off" },
		{ "delay", "before=1h", "release" },
		{ "delay", "before=1h", "op=00 before=1h" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		struct job jobs[2];

		layered_open(&rig);
		layered_set(&rig, rows[i].layer, rows[i].rule);
		for (unsigned s = 0; s < 2; s++) {
			layered_read(&rig, &jobs[s], s, 1, 0, 1);
			job_run(&rig, &jobs[s]);
		}
		assert_int_equal(rig.fake->submits, 0);
		assert_int_equal(layered_row(&rig, rows[i].layer).held, 2);
		layered_set(&rig, rows[i].layer, rows[i].change);
		assert_int_equal(rig.fake->submits, 2);
		for (unsigned s = 0; s < 2; s++) {
			assert_int_equal(layered_timers(&rig, s), 0);
			fake_complete(rig_channel(&rig, s));
			assert_int_equal(jobs[s].done, 1);
			assert_int_equal(jobs[s].status, SPT_GOOD);
		}
		rig_close(&rig);
	}
}

/* A result that is kept goes on likewise; and the device has executed it once. */
static void result_goes_on(void **state)
{
	struct rig rig;
	struct job job;

	layered_open(&rig);
	layered_set(&rig, "delay", "after=1h");
	layered_read(&rig, &job, 0, 1, 0, 1);
	job_run(&rig, &job);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(job.done, 0);
	layered_set(&rig, "delay", "off");
	assert_int_equal(job.done, 1);
	assert_int_equal(job.status, SPT_GOOD);
	assert_int_equal(rig.fake->submits, 1);
	rig_close(&rig);
}

/* What was to be ended meanwhile is not begun because a rule goes away. */
static void aborted_is_not_begun(void **state)
{
	static const char *const changes[] = { "off", "release", "op=00 drop" };

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct rig rig;
		struct job job;
		struct tmf_job tmf;

		layered_open(&rig);
		layered_set(&rig, "fault", "hang=fence");
		layered_read(&rig, &job, 0, 1, 0, 1);
		job_run(&rig, &job);
		tmf_abort(&rig, &tmf, 0, &job);
		rig_settle(&rig);
		assert_int_equal(tmf.done, 0);
		layered_set(&rig, "fault", changes[i]);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(job.outcome, SPT_ABORTED);
		assert_int_equal(rig.fake->submits, 0);
		rig_close(&rig);
	}
}

/* At the device while its rule is taken away: nothing keeps its result any more, nor those of new ones. */
static void below_while_changed(void **state)
{
	struct rig rig;
	struct job old, new;

	layered_open(&rig);
	layered_set(&rig, "delay", "after=40ms");
	layered_read(&rig, &old, 0, 1, 0, 1);
	job_run(&rig, &old);
	layered_set(&rig, "delay", "op=00 after=1h");
	layered_set(&rig, "fault", "status=busy");
	layered_set(&rig, "fault", "off");
	layered_read(&rig, &new, 0, 2, 0, 1);
	job_run(&rig, &new);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(old.done, 1);
	assert_int_equal(old.status, SPT_GOOD);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(new.done, 1);
	rig_close(&rig);
}

/*
 * On its way to a layer that is changed meanwhile: it must not come to stay with a rule that nobody sees
 * any more and nobody can release.
 */
static void gone_before_it_came(void **state)
{
	static const char *const changes[] = { "off", "op=00 drop" };

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		struct rig rig;
		struct job job;

		layered_open(&rig);
		layered_set(&rig, "delay", "before=10ms");
		layered_set(&rig, "fault", "hang=fence");
		layered_read(&rig, &job, 0, 1, 0, 1);
		job_run(&rig, &job);
		layered_set(&rig, "fault", changes[i]);
		rig_pass(&rig, 10000);
		assert_int_equal(rig.fake->submits, 1);
		fake_complete(rig_channel(&rig, 0));
		assert_int_equal(job.done, 1);
		rig_close(&rig);
	}
}

/* A layer that is switched on finds tasks at the device that never saw it; they come back as they went. */
static void on_while_below(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;

	layered_open(&rig);
	layered_read(&rig, &job, 0, 1, 0, 1);
	job_run(&rig, &job);
	layered_set(&rig, "fault", "hang");
	layered_set(&rig, "delay", "before=1h after=1h");
	tmf_abort(&rig, &tmf, 0, &job);
	rig_settle(&rig);
	assert_int_equal(rig.fake->cancelled, 1);
	fake_complete(rig_channel(&rig, 0));
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	rig_close(&rig);
}

/* Down through one layer and kept in the next: the change of either lets it go only where it is kept. */
static void kept_by_the_second(void **state)
{
	struct rig rig;
	struct job job;

	layered_open(&rig);
	layered_set(&rig, "delay", "before=10ms");
	layered_set(&rig, "fault", "hang");
	layered_read(&rig, &job, 0, 1, 0, 1);
	job_run(&rig, &job);
	rig_pass(&rig, 10000);
	assert_int_equal(layered_row(&rig, "fault").held, 1);
	layered_set(&rig, "delay", "before=20ms");
	layered_set(&rig, "delay", "off");
	assert_int_equal(layered_row(&rig, "fault").held, 1);
	assert_int_equal(rig.fake->submits, 0);
	layered_set(&rig, "fault", "off");
	assert_int_equal(rig.fake->submits, 1);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(job.done, 1);
	rig_close(&rig);
}

/* Every change while every kind of task is under way, over and over: none is lost, none ends twice. */
static void under_way(void **state)
{
	static const char *const changes[][2] = {
		{ "fault", "op=28h every=3 hang=fence" }, { "delay", "before=1ms-9ms" },
		{ "fault", "off" }, { "delay", "after=1ms-9ms" }, { "fault", "every=2 status=busy" },
		{ "fault", "hang=reset" }, { "delay", "off" }, { "fault", "op=00 drop" },
	};
	struct rig rig;
	struct job jobs[40];
	uint32_t tag = 0;

	layered_open(&rig);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
			if (i % 5 == 0) {
				const char *const *c = changes[(round * 3 + i / 5) % ARRAY_SIZE(changes)];
				layered_set(&rig, c[0], c[1]);
			}
			layered_read(&rig, &jobs[i], i % 2, tag++, i, 1);
			job_run(&rig, &jobs[i]);
			if (i % 7 == 0 && !jobs[i].done)
				spt_task_abort(&jobs[i].task);
			rig_pass(&rig, 500);
		}
		if (layered_row(&rig, "fault").on)
			layered_set(&rig, "fault", "release");
		layered_set(&rig, "fault", "off");
		layered_set(&rig, "delay", "off");
		for (unsigned s = 0; s < 2; s++) {
			while (rig_channel(&rig, s)->n_tasks)
				fake_complete(rig_channel(&rig, s));
		}
		rig_pass(&rig, 20000);
		for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++)
			assert_int_equal(jobs[i].done, 1);
	}
	rig_close(&rig);
}

static struct spt_work *sweep;

static void keep_work(struct spt_host *host, struct spt_work *work)
{
	assert_null(sweep);
	work->host = host;
	sweep = work;
}

static unsigned open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* What nobody has any more is closed also where it became so after a sweep had looked, and before that had ended. */
static void dropped_while_sweeping(void **state)
{
	char path[] = "/tmp/sptgt-sweep-XXXXXX", setting[64];
	AUTO_FD int fd = mkstemp(path);
	struct rig rig;

	assert_true(fd >= 0);
	snprintf(setting, sizeof(setting), "file=%s", path);
	layered_open(&rig);
	unsigned files = open_files();
	layered_set(&rig, "trace", setting);
	assert_true(open_files() > files);

	const struct spt_host_ops *own = rig.loops[0].host.ops;
	struct spt_host_ops ops = *own;
	ops.offload = keep_work;
	rig.loops[0].host.ops = rig.loops[1].host.ops = &ops;
	layered_set(&rig, "fault", "op=00 drop");
	sweep->work(sweep);
	layered_set(&rig, "trace", "off");
	rig.loops[0].host.ops = rig.loops[1].host.ops = own;
	struct spt_work *ends = TAKE(sweep);
	ends->done(ends);
	rig_settle(&rig);
	assert_int_equal(open_files(), files);
	rig_close(&rig);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_goes_on),
		cmocka_unit_test(result_goes_on),
		cmocka_unit_test(aborted_is_not_begun),
		cmocka_unit_test(below_while_changed),
		cmocka_unit_test(gone_before_it_came),
		cmocka_unit_test(on_while_below),
		cmocka_unit_test(kept_by_the_second),
		cmocka_unit_test(under_way),
		cmocka_unit_test(dropped_while_sweeping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
