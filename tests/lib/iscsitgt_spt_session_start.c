/* SPDX-License-Identifier: MIT */
/*
 * ISCSITGT_SPT_SESSION_START: spt_session_start() tells the device of a nexus, with all its names,
 * before the first of its tasks; the cookie it returns is the nexus's alone.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "odd_backend.h"
#include "rig.h"

/* Starts a nexus whose names are gone when its first task comes. */
static void start_named(struct rig *rig, bool reinstated, const char *user)
{
	char initiator[] = "iqn.2026-11.org.example:initiator,i,0x80aabbccddee";
	char target[] = "iqn.2026-11.org.example:target,t,0x0007";
	char peer[] = "[2001:db8::1]:49152", chap[32] = "";

	snprintf(chap, sizeof(chap), "%s", user ? user : "");
	const struct spt_session_params params = {
		.nexus = {
			.initiator_name = initiator,
			.isid = { 0x80, 0xaa, 0xbb, 0xcc, 0xdd, 0xee },
			.target_name = target,
			.target_portal_group_tag = 7,
			.relative_port = 1,
			.peer_address = peer,
			.chap_user = user ? chap : NULL,
		},
		.reinstated = reinstated,
		.luns = rig->luns,
		.budget_bytes = 1u << 20,
	};
	assert_int_equal(spt_session_start(rig->context, &params, &rig->session[0]), 0);
	rig->running[0] = true;
	explicit_bzero(initiator, sizeof(initiator)); /* which no compiler leaves out */
	explicit_bzero(target, sizeof(target));
	explicit_bzero(peer, sizeof(peer));
	explicit_bzero(chap, sizeof(chap));
}

static void check_heard(const struct spt_backend_ops *ops, bool reinstated, const char *user)
{
	static const uint8_t isid[] = { 0x80, 0xaa, 0xbb, 0xcc, 0xdd, 0xee };
	static const uint8_t inquiry[] = INQUIRY(36);
	struct rig rig;
	struct job job;

	odd_reset();
	rig_open(&rig, odd_open(ops, 0));
	start_named(&rig, reinstated, user);
	assert_int_equal(odd_when(ODD_JUDGE), -1);
	job_run(&rig, &job, 0, inquiry, 6, NULL, 0, 36);
	assert_int_equal(job.task.status, SPT_GOOD);
	assert_true(odd_when(ODD_START) >= 0 && odd_when(ODD_START) < odd_when(ODD_JUDGE));
	assert_true(odd_when(ODD_CHANNEL) < odd_when(ODD_START));
	assert_string_equal(odd.initiator_name, "iqn.2026-11.org.example:initiator,i,0x80aabbccddee");
	assert_string_equal(odd.target_name, "iqn.2026-11.org.example:target,t,0x0007");
	assert_string_equal(odd.peer_address, "[2001:db8::1]:49152");
	assert_memory_equal(odd.isid, isid, sizeof(isid));
	assert_int_equal(odd.tag, 7);
	assert_int_equal(odd.reinstated, reinstated);
	assert_int_equal(odd.has_chap_user, user != NULL);
	if (user)
		assert_string_equal(odd.chap_user, user);
	assert_int_equal(odd.channel_reinstated, reinstated);
	/* The task can be asked, too; the memory is the library's own. */
	const struct spt_nexus *nexus = spt_task_nexus(&job.task);
	assert_string_equal(nexus->initiator_name, odd.initiator_name);
	assert_string_equal(nexus->target_name, odd.target_name);
	assert_string_equal(nexus->peer_address, odd.peer_address);
	if (user)
		assert_string_equal(nexus->chap_user, user);
	spt_task_end(&job.task);
	rig_close(&rig);
}

static void test_heard_before_the_first_task(void **state)
{
	check_heard(&ODD_SHARED, false, NULL);
	check_heard(&ODD_SHARED, true, "alice");
	check_heard(&ODD_MIRRORED, false, "alice");
	check_heard(&ODD_MIRRORED, true, NULL);
}

static void test_refused(void **state)
{
	char too_long[SPT_NAME_MAX + 2];
	struct rig rig;
	spt_session_cookie cookie = { 42 };

	memset(too_long, 'a', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = 0;
	const char *const names[][2] = {
		{ NULL, "t" }, { "", "t" }, { too_long, "t" }, { "i", NULL }, { "i", "" }, { "i", too_long },
	};
	odd_reset();
	rig_open(&rig, odd_open(&ODD_SHARED, 0));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct spt_session_params params = {
			.nexus = { .initiator_name = names[i][0], .target_name = names[i][1] },
			.luns = rig.luns,
		};
		assert_int_equal(spt_session_start(rig.context, &params, &cookie), -EINVAL);
		assert_int_equal(cookie.v, 42);
	}
	assert_int_equal(odd.n_events, 0);
	rig_close(&rig);
}

/* Two nexuses of one device: cookies of their own, and the condition POWER ON for each (SAM-5 5.14). */
static void two_nexuses(struct spt_device *device)
{
	static const uint8_t test_unit_ready[] = TEST_UNIT_READY;
	struct rig rig;
	struct job job;

	rig_open(&rig, device);
	rig_start_quiet(&rig, 0);
	rig_start(&rig, 1);
	assert_int_not_equal(rig.session[0].v, 0);
	assert_int_not_equal(rig.session[1].v, 0);
	assert_int_not_equal(rig.session[0].v, rig.session[1].v);
	job_run(&rig, &job, 0, test_unit_ready, 6, NULL, 0, 0);
	assert_int_equal(job.task.status, SPT_GOOD);
	spt_task_end(&job.task);
	job_run(&rig, &job, 1, test_unit_ready, 6, NULL, 0, 0);
	assert_int_equal(job.task.status, SPT_CHECK_CONDITION);
	assert_int_equal(job_sense(&job), 0x062900);
	spt_task_end(&job.task);
	rig_close(&rig);
}

static void test_two_nexuses(void **state)
{
	for_each_device(two_nexuses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heard_before_the_first_task),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_two_nexuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
