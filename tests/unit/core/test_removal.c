/* SPDX-License-Identifier: MIT */
/* PREVENT ALLOW MEDIUM REMOVAL of several nexuses (SPC-5 6.15), and the errands that come of it. */
#include <spt/operate.h>

#include "base/util.h"
#include "persist.h"

#define PREVENTED 0x5302

/* What the device, which knows one initiator, was told. */
static struct {
	bool locked;
	unsigned prevents, allows;
	spt_asc_t attention; /* answered once, instead */
	bool fails, keeps;
	struct spt_device *unit;
	struct spt_task *kept;
} drive;

static bool answer(struct spt_task *task)
{
	if (task->cdb[0] != 0x1e)
		return false;
	if (drive.keeps) {
		drive.kept = task;
		drive.keeps = false;
		return true;
	}
	if (drive.attention) {
		spt_device_attention(drive.unit, task, drive.attention);
		spt_task_check(task, SPT_KEY_UNIT_ATTENTION, drive.attention);
		drive.attention = 0;
		return true;
	}
	if (drive.fails) {
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, 0x2000);
		return true;
	}
	drive.locked = task->cdb[4] & 1;
	if (drive.locked)
		drive.prevents++;
	else
		drive.allows++;
	spt_task_good(task);
	return true;
}

static void open_drive(struct rig *rig, const struct spt_backend_ops *ops)
{
	memset(&drive, 0, sizeof(drive));
	fake_event[0] = 0;
	rig_open(rig, &(struct rig_params){ .ops = ops });
	rig->fake->answer = answer;
	drive.unit = rig->device;
	rig_start(rig, 0, 0);
	rig_start(rig, 1, 1);
	rig_start(rig, 2, 1);
}

static unsigned prevent(struct rig *rig, unsigned session, uint8_t field)
{
	struct job job;

	return plain(rig, session, &job, 0x1e, 0, field);
}

static unsigned eject(struct rig *rig, unsigned session)
{
	struct job job;

	return plain(rig, session, &job, 0x1b, 0, 0x02);
}

/* Locked while any nexus prevents, whoever ejects; unlocked by the last one only. */
static void two_nexuses(void **state)
{
	struct rig rig;
	struct job job;

	open_drive(&rig, NULL);
	assert_int_equal(eject(&rig, 0), GOOD);
	assert_int_equal(prevent(&rig, 0, 1), GOOD);
	assert_int_equal(prevent(&rig, 1, 1), GOOD);
	assert_true(drive.locked);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(eject(&rig, i), PREVENTED);
	/* SBC-4 5.31: loading, starting and stopping take nothing out; nor does a power condition. */
	static const uint8_t harmless[] = { 0x00, 0x01, 0x03, 0x12, 0x32 };
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		assert_int_equal(plain(&rig, 2, &job, 0x1b, 0, harmless[i]), GOOD);
	/* Who does not prevent has nothing to allow. */
	assert_int_equal(prevent(&rig, 2, 0), GOOD);
	assert_int_equal(prevent(&rig, 0, 0), GOOD);
	assert_int_equal(prevent(&rig, 0, 0), GOOD);
	assert_true(drive.locked);
	assert_int_equal(drive.allows, 0);
	assert_int_equal(eject(&rig, 0), PREVENTED);
	assert_int_equal(prevent(&rig, 1, 0), GOOD);
	assert_false(drive.locked);
	assert_int_equal(eject(&rig, 0), GOOD);
	rig_close(&rig);
}

/* SPC-5 6.15: an I_T nexus loss ends its prevention, and the last one's unlocks the device. */
static void nexus_loss(void **state)
{
	struct rig rig;
	int stopped = 0;

	open_drive(&rig, NULL);
	assert_int_equal(prevent(&rig, 0, 1), GOOD);
	assert_int_equal(prevent(&rig, 1, 1), GOOD);
	rig_stop(&rig, 0, &stopped);
	rig_settle(&rig);
	assert_int_equal(stopped, 1);
	assert_true(drive.locked);
	assert_int_equal(eject(&rig, 2), PREVENTED);
	/* The session stays until the device is unlocked; its unit attention is for who is left. */
	drive.attention = 0x2800;
	drive.keeps = true;
	rig_stop(&rig, 1, &stopped);
	rig_settle(&rig);
	assert_int_equal(stopped, 1);
	assert_non_null(drive.kept);
	answer(drive.kept);
	rig_settle(&rig);
	assert_int_equal(stopped, 2);
	assert_false(drive.locked);
	assert_int_equal(drive.allows, 1);
	assert_int_equal(attention(&rig, 2), 0x2800);
	assert_int_equal(eject(&rig, 2), GOOD);
	assert_string_equal(fake_event, "");
	rig_close(&rig);
}

/* RFC 7144 6.3, SAM-5 7.6: the same by task management; SAM-5 6.3.3: a reset ends everybody's. */
static void task_management(void **state)
{
	static const uint8_t functions[] = { SPT_TMF_I_T_NEXUS_RESET, SPT_TMF_LOGICAL_UNIT_RESET,
		SPT_TMF_TARGET_WARM_RESET, SPT_TMF_TARGET_COLD_RESET };

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		bool reset = functions[i] != SPT_TMF_I_T_NEXUS_RESET;
		struct rig rig;
		struct tmf_job tmf;

		open_drive(&rig, NULL);
		assert_int_equal(prevent(&rig, 0, 1), GOOD);
		assert_int_equal(prevent(&rig, 1, 1), GOOD);
		memset(&tmf, 0, sizeof(tmf));
		tmf.tmf = (struct spt_tmf){ .function = functions[i], .lun = RIG_LUN,
			.session = rig.sessions[0], .done = tmf_job_done, .protocol_level_2 = true };
		assert_int_equal(spt_tmf(rig.contexts[0], &tmf.tmf), 0);
		rig_settle(&rig);
		assert_int_equal(tmf.done, 1);
		assert_int_equal(tmf.tmf.response, SPT_TMF_COMPLETE);
		assert_int_equal(drive.locked, !reset);
		for (unsigned s = 0; s < 3; s++)
			attention(&rig, s);
		assert_int_equal(eject(&rig, 2), reset ? GOOD : PREVENTED);
		rig_close(&rig);
	}
}

/* The function is answered when the device is unlocked, not before. */
static void reset_waits(void **state)
{
	struct rig rig;
	struct tmf_job tmf;

	open_drive(&rig, NULL);
	assert_int_equal(prevent(&rig, 1, 1), GOOD);
	drive.keeps = true;
	tmf_run(&rig, &tmf, 0, SPT_TMF_LOGICAL_UNIT_RESET, RIG_LUN);
	rig_settle(&rig);
	assert_int_equal(tmf.done, 0);
	answer(drive.kept);
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	assert_false(drive.locked);
	rig_close(&rig);
}

/* SPC-5 5.14.11.5: PREEMPT AND ABORT takes it from who was preempted; PREEMPT and CLEAR do not. */
static void preempted(void **state)
{
	static const struct {
		uint8_t action;
		bool locked;
	} rows[] = { { PREEMPT, true }, { CLEAR, true }, { PREEMPT_AND_ABORT, false } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;

		open_drive(&rig, NULL);
		assert_int_equal(OUT(&rig, 0, REGISTER, 0, 0, 1), GOOD);
		assert_int_equal(OUT(&rig, 1, REGISTER, 0, 0, 2), GOOD);
		assert_int_equal(prevent(&rig, 1, 1), GOOD);
		assert_int_equal(OUT(&rig, 0, rows[i].action, WE, 1, 2), GOOD);
		assert_int_equal(drive.locked, rows[i].locked);
		attention(&rig, 1);
		assert_int_equal(eject(&rig, 2), rows[i].locked ? PREVENTED : GOOD);
		rig_close(&rig);
	}
}

/* A device that cannot be locked: nobody prevents. One that fails to unlock stays locked, and is said to be. */
static void failures(void **state)
{
	struct rig rig;
	int stopped = 0;

	open_drive(&rig, NULL);
	drive.fails = true;
	assert_int_equal(prevent(&rig, 0, 1), 0x2000);
	assert_int_equal(eject(&rig, 1), GOOD);
	drive.fails = false;
	assert_int_equal(prevent(&rig, 0, 1), GOOD);
	drive.fails = true;
	assert_int_equal(prevent(&rig, 0, 0), 0x2000);
	assert_int_equal(eject(&rig, 1), PREVENTED);
	rig_stop(&rig, 0, &stopped);
	rig_settle(&rig);
	assert_int_equal(stopped, 1);
	assert_non_null(strstr(fake_event, "1Eh"));
	rig_close(&rig);
}

/* The device hears one nexus's ALLOW after another's PREVENT: it is locked again. */
static void crossing(void **state)
{
	struct rig rig;
	struct job job;

	open_drive(&rig, NULL);
	assert_int_equal(prevent(&rig, 0, 1), GOOD);
	drive.keeps = true;
	job_init(&job, &rig, 0, 1);
	job.task.cdb[0] = 0x1e;
	job_run(&rig, &job);
	assert_int_equal(prevent(&rig, 1, 1), GOOD);
	answer(drive.kept);
	rig_settle(&rig);
	assert_int_equal(job.done, 1);
	assert_true(drive.locked);
	rig_close(&rig);
}

/* PREVENT that is aborted at the device: who knows whether it was locked, so it is unlocked. */
static void aborted(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;

	open_drive(&rig, NULL);
	drive.keeps = true;
	job_init(&job, &rig, 0, 1);
	job.task.cdb[0] = 0x1e;
	job.task.cdb[4] = 1;
	job_run(&rig, &job);
	assert_int_equal(eject(&rig, 1), PREVENTED);
	tmf_abort(&rig, &tmf, 0, &job);
	answer(drive.kept);
	rig_settle(&rig);
	assert_int_equal(tmf.done, 1);
	assert_false(drive.locked);
	assert_int_equal(drive.allows, 1);
	assert_int_equal(eject(&rig, 1), GOOD);
	rig_close(&rig);
}

/* A device that does not answer ours: the session's end waits for a time, and the log tells. */
static void not_answered(void **state)
{
	struct rig rig;
	int stopped = 0;

	open_drive(&rig, NULL);
	assert_int_equal(prevent(&rig, 0, 1), GOOD);
	drive.keeps = true;
	rig_stop(&rig, 0, &stopped);
	rig_pass(&rig, 14000000);
	assert_int_equal(stopped, 0);
	rig_pass(&rig, 2000000);
	assert_int_equal(stopped, 1);
	assert_non_null(strstr(fake_event, "not answered"));
	answer(drive.kept);
	rig_settle(&rig);
	assert_false(drive.locked);
	rig_close(&rig);
}

/* The end of the host while the device does not answer: nothing waits for ever. */
static void end_of_host(void **state)
{
	struct rig rig;
	int stopped = 0;

	open_drive(&rig, NULL);
	assert_int_equal(prevent(&rig, 0, 1), GOOD);
	rig.fake->answer = NULL;
	rig.fake->inline_good = false;
	rig_stop(&rig, 0, &stopped);
	rig_settle(&rig);
	assert_int_equal(stopped, 0);
	spt_context_fence(rig.contexts[0]);
	rig_settle(&rig);
	assert_int_equal(stopped, 1);
	rig_close(&rig);
}

static void unfenced(struct spt_operation *o)
{
	*(int *)o->arg = 1 + o->result;
}

/* Who brings a device back unlocks it, too, though the loop that he asks has no way to it. */
static void brought_back(void **state)
{
	struct rig rig;
	struct job job;
	struct tmf_job tmf;
	int stopped = 0, done = 0;

	open_drive(&rig, NULL);
	rig_stop(&rig, 0, &stopped);
	assert_int_equal(prevent(&rig, 1, 1), GOOD);
	rig.fake->inline_good = false;
	job_init(&job, &rig, 1, 1);
	job_run(&rig, &job);
	tmf_abort(&rig, &tmf, 1, &job);
	rig_pass(&rig, 1000);
	rig_pass(&rig, 1000);
	assert_int_equal(tmf.done, 1);
	assert_true(spt_device_fenced(rig.device));
	assert_true(drive.locked);
	struct spt_operation o = { .device = rig.device, .done = unfenced, .arg = &done };
	spt_device_unfence(rig.contexts[0], &o);
	rig_settle(&rig);
	assert_int_equal(done, 1);
	assert_false(drive.locked);
	rig_close(&rig);
}

/* A mirrored nexus prevents at the far side, in its own name. */
static void mirrored(void **state)
{
	struct rig rig;

	open_drive(&rig, &FAKE_PER_NEXUS);
	assert_int_equal(prevent(&rig, 0, 1), GOOD);
	assert_int_equal(prevent(&rig, 1, 1), GOOD);
	assert_int_equal(eject(&rig, 1), GOOD);
	assert_int_equal(prevent(&rig, 0, 0), GOOD);
	assert_int_equal(drive.prevents, 2);
	assert_int_equal(drive.allows, 1);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nexuses),
		cmocka_unit_test(nexus_loss),
		cmocka_unit_test(task_management),
		cmocka_unit_test(reset_waits),
		cmocka_unit_test(preempted),
		cmocka_unit_test(failures),
		cmocka_unit_test(crossing),
		cmocka_unit_test(aborted),
		cmocka_unit_test(not_answered),
		cmocka_unit_test(end_of_host),
		cmocka_unit_test(brought_back),
		cmocka_unit_test(mirrored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
