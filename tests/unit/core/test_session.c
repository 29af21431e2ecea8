/* SPDX-License-Identifier: MIT */
/* Sessions and their cookies, channels and their life, LUN maps. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "rig.h"

/* A cookie that has outlived its session finds nothing, though its slot is used again. */
static void stale_cookies(void **state)
{
	struct rig rig;
	spt_session_cookie seen[50];
	struct job job;
	struct tmf_job tmf;

	rig_open(&rig, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(seen); i++) {
		int stopped = 0;
		rig_start(&rig, 0, 0);
		seen[i] = rig.sessions[0];
		assert_int_not_equal(seen[i].v, 0);
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(seen[i].v, seen[k].v);
		rig_stop(&rig, 0, &stopped);
		assert_int_equal(stopped, 1);
	}
	rig_start(&rig, 1, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(seen); i++) {
		rig.sessions[0] = seen[i];
		job_init(&job, &rig, 0, 1);
		assert_int_equal(job_enter(&rig, &job), -ENOENT);
		assert_int_equal(tmf_abort(&rig, &tmf, 0, &job), -ENOENT);
		assert_int_equal(spt_session_tasks(rig.contexts[0], seen[i]), 0);
		assert_int_equal(spt_session_stop(rig.contexts[0], seen[i], raise_flag, NULL), -ENOENT);
	}
	rig_close(&rig);
}

/* More sessions than the table had room for at first; cookies of before stay good. */
static void many_sessions(void **state)
{
	struct rig rig;
	struct spt_session_params p = {
		.nexus = { .initiator_name = "iqn.a", .target_name = "iqn.t", .peer_address = "x" },
	};
	spt_session_cookie cookies[200];
	int stopped = 0;

	rig_open(&rig, NULL);
	p.luns = rig.map;
	for (unsigned i = 0; i < ARRAY_SIZE(cookies); i++)
		assert_int_equal(spt_session_start(rig.contexts[0], &p, &cookies[i]), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(cookies); i++)
		assert_int_equal(spt_session_stop(rig.contexts[0], cookies[i], raise_flag, &stopped), 0);
	assert_int_equal(stopped, ARRAY_SIZE(cookies));
	assert_int_equal(rig.fake->opens, 1);
	assert_int_equal(rig.fake->closes, 1);
	rig_close(&rig);
}

static void names_are_checked(void **state)
{
	static char longest[SPT_NAME_MAX + 2];
	struct rig rig;
	struct spt_session_params p = { .nexus = { .initiator_name = "iqn.a", .target_name = "iqn.t" } };
	spt_session_cookie cookie = { 0 };
	int stopped = 0;

	rig_open(&rig, NULL);
	p.luns = rig.map;
	memset(longest, 'x', SPT_NAME_MAX + 1);
	p.nexus.initiator_name = longest;
	assert_int_equal(spt_session_start(rig.contexts[0], &p, &cookie), -EINVAL);
	longest[SPT_NAME_MAX] = 0;
	assert_int_equal(spt_session_start(rig.contexts[0], &p, &cookie), 0);
	assert_int_equal(spt_session_stop(rig.contexts[0], cookie, raise_flag, &stopped), 0);
	p.nexus.target_name = "";
	assert_int_equal(spt_session_start(rig.contexts[0], &p, &cookie), -EINVAL);
	p.nexus.target_name = NULL;
	assert_int_equal(spt_session_start(rig.contexts[0], &p, &cookie), -EINVAL);
	rig_close(&rig);
}

/* One channel for a loop, or for a nexus; it closes with the last that uses it. */
static void channels(void **state)
{
	static const struct {
		const struct spt_backend_ops *ops;
		unsigned opens, left;
	} rows[] = { { &FAKE_SHARED, 2, 2 }, { &FAKE_PER_NEXUS, 3, 2 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		int stopped = 0;

		rig_open(&rig, &(struct rig_params){ .ops = rows[i].ops });
		rig_start(&rig, 0, 0);
		rig_start(&rig, 1, 0);
		rig_start(&rig, 2, 1);
		assert_int_equal(rig.fake->opens, rows[i].opens);
		rig_stop(&rig, 0, &stopped);
		assert_int_equal(stopped, 1);
		assert_int_equal(rig.fake->n_channels, rows[i].left);
		rig_close(&rig);
	}
}

/* A channel that takes its time to close keeps its session; who comes meanwhile gets another one. */
static void slow_close(void **state)
{
	struct rig rig;
	int stopped = 0;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	rig.fake->close_waits = true;
	struct fake_channel *old = rig_channel(&rig, 0);
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(stopped, 0);
	assert_int_equal(rig.fake->closes, 1);
	rig_start(&rig, 1, 0);
	assert_int_equal(rig.fake->opens, 2);
	fake_close(old);
	assert_int_equal(stopped, 1);
	rig.fake->close_waits = false;
	rig_close(&rig);
}

/* Without a channel the logical unit is there and says NOT READY. */
/* One device has let go of the session, the other takes its time: nothing is at either any more, whoever looks. */
static void leaving(void **state)
{
	struct rig rig;
	struct tmf_job own, other;
	int stopped = 0;

	rig_open(&rig, &(struct rig_params){ .ops = &FAKE_PER_NEXUS });
	rig_start(&rig, 0, 0);
	rig_start(&rig, 1, 0);
	rig.fake_2->close_waits = true;
	struct fake_channel *late = rig.fake_2->channels[0];
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(stopped, 0);
	assert_int_equal(rig.fake->n_channels, 1);
	assert_int_equal(tmf_run(&rig, &own, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN), 0);
	assert_int_equal(own.done, 1);
	assert_int_equal(own.tmf.response, SPT_TMF_NO_LUN);
	tmf_run(&rig, &other, 1, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	assert_int_equal(other.done, 1);
	assert_int_equal(other.tmf.response, SPT_TMF_COMPLETE);
	fake_close(late);
	assert_int_equal(stopped, 1);
	rig.fake_2->close_waits = false;
	rig_close(&rig);
}

static void no_channel(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;

	rig_open(&rig, NULL);
	rig.fake->open_error = -EIO;
	rig_start(&rig, 0, 0);
	assert_string_equal(fake_event, "one: not ready for iqn.2026-11.org.example:a: Input/output error");
	job_init(&job, &rig, 0, 1);
	job_run(&rig, &job);
	assert_int_equal(job.key, SPT_KEY_NOT_READY);
	assert_int_equal(tmf_run(&rig, &tmf, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN), 0);
	assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
	rig_close(&rig);
}

/* Stopped with tasks in every state: what is not at a device ends at once, the rest with the device. */
static void stop_with_tasks(void **state)
{
	struct rig rig;
	struct job entered, collect, device, blocked, done;
	int stopped = 0;

	rig_open(&rig, NULL);
	rig_start(&rig, 0, 0);
	job_init(&done, &rig, 0, 1);
	done.keep = true;
	job_run(&rig, &done);
	fake_complete(rig_channel(&rig, 0));
	job_init(&entered, &rig, 0, 2);
	assert_int_equal(job_enter(&rig, &entered), 0);
	job_init(&device, &rig, 0, 3);
	job_run(&rig, &device);
	job_init(&blocked, &rig, 0, 4);
	blocked.task.attribute = SPT_ORDERED;
	job_run(&rig, &blocked);
	job_init_write(&collect, &rig, 0, 5, 4096);
	job_run(&rig, &collect);
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(entered.done + collect.done + blocked.done, 3);
	assert_int_equal(device.done, 0);
	assert_int_equal(stopped, 0);
	assert_int_equal(rig.fake->cancelled, 1);
	fake_complete(rig_channel(&rig, 0));
	assert_int_equal(device.outcome, SPT_ABORTED);
	assert_int_equal(stopped, 0); /* one result has not been let go */
	spt_task_end(&done.task);
	assert_int_equal(stopped, 1);
	rig_close(&rig);
}

static void lun_maps(void **state)
{
	struct rig rig;
	struct spt_lun_map *map;

	rig_open(&rig, NULL);
	const struct spt_lun_entry twice[] = { { .lun = 1, .device = rig.device },
		{ .lun = 1, .device = rig.device } };
	const struct spt_lun_entry beyond[] = { { .lun = 16384, .device = rig.device } };
	const struct spt_lun_entry last[] = { { .lun = 16383, .device = rig.device } };
	assert_int_equal(spt_lun_map_new(twice, 2, &map), -EINVAL);
	assert_int_equal(spt_lun_map_new(beyond, 1, &map), -EINVAL);
	assert_int_equal(spt_lun_map_new(NULL, 0, &map), 0);
	assert_int_equal(spt_lun_map_count(map), 0);
	spt_lun_map_unref(map);
	assert_int_equal(spt_lun_map_new(last, 1, &map), 0);
	assert_int_equal(spt_lun_map_at(map, 0)->lun, 16383);
	spt_lun_map_unref(spt_lun_map_ref(map));
	spt_lun_map_unref(map);
	spt_lun_map_unref(NULL);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stale_cookies),
		cmocka_unit_test(many_sessions),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(channels),
		cmocka_unit_test(slow_close),
		cmocka_unit_test(leaving),
		cmocka_unit_test(no_channel),
		cmocka_unit_test(stop_with_tasks),
		cmocka_unit_test(lun_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
