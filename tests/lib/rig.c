/* SPDX-License-Identifier: MIT */
/* What the tests of the interface have in common: see rig.h. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH_BYTES (4 << 20)

void raise_flag(void *arg)
{
	++*(int *)arg;
}

static char scratch[64];

static void remove_scratch(void)
{
	unlink(scratch);
}

const char *scratch_path(void)
{
	if (!scratch[0]) {
		snprintf(scratch, sizeof(scratch), "/tmp/sptgt-seeds-XXXXXX");
		int fd = mkstemp(scratch);
		assert_true(fd >= 0);
		close(fd);
		atexit(remove_scratch);
	}
	assert_int_equal(truncate(scratch, 0), 0);
	assert_int_equal(truncate(scratch, SCRATCH_BYTES), 0);
	return scratch;
}

struct spt_device *open_text(const char *text)
{
	static const struct spt_escalation escalation = { .wait_us = 20000000 };
	struct spt_error error = { .text = "" };
	struct spt_device *device = NULL;

	if (spt_device_open_text(text, &escalation, &error, &device) < 0)
		fail_msg("%s: %s", text, error.text);
	return device;
}

bool device_is_real(void)
{
	const char *told = getenv("SEEDS_DEVICE");

	return told && *told;
}

void for_each_device(void (*test)(struct spt_device *device))
{
	char file[128];

	if (device_is_real()) {
		test(open_text(getenv("SEEDS_DEVICE")));
		return;
	}
	test(open_text("mem:size=4M"));
	snprintf(file, sizeof(file), "file:path=%s", scratch_path());
	test(open_text(file));
	snprintf(file, sizeof(file), "file:path=%s,io=threads", scratch_path());
	test(open_text(file));
}

static void (*handle_test)(struct spt_handle *);

static void with_handle(struct spt_device *device)
{
	struct spt_handle *handle;

	assert_int_equal(spt_handle_open(device, NULL, &handle), 0);
	spt_device_unref(device);
	handle_test(handle);
	spt_handle_close(handle);
}

void for_each_handle(void (*test)(struct spt_handle *handle))
{
	handle_test = test;
	for_each_device(with_handle);
}

void rig_open(struct rig *rig, struct spt_device *device)
{
	memset(rig, 0, sizeof(*rig));
	assert_non_null(device);
	fake_host_init(&rig->fake);
	rig->fake.real_time = true;
	rig->fake.host.pool = spt_pool_new(1u << 20);
	assert_int_equal(spt_context_new(&rig->fake.host, &rig->context), 0);
	rig->device = device;
	const struct spt_lun_entry entry = { .lun = 0, .device = device };
	assert_int_equal(spt_lun_map_new(&entry, 1, &rig->luns), 0);
}

void rig_until(struct rig *rig, const int *flag)
{
	assert_true(fake_host_until(&rig->fake, flag, 20000000));
}

void rig_stop(struct rig *rig, unsigned i)
{
	int stopped = 0;

	assert_int_equal(spt_session_stop(rig->context, rig->session[i], raise_flag, &stopped), 0);
	rig_until(rig, &stopped);
	rig->running[i] = false;
}

void rig_close(struct rig *rig)
{
	int freed = 0;

	for (unsigned i = 0; i < RIG_NEXUSES; i++) {
		if (rig->running[i])
			rig_stop(rig, i);
	}
	spt_context_free(rig->context, raise_flag, &freed);
	rig_until(rig, &freed);
	spt_lun_map_unref(rig->luns);
	spt_device_unref(rig->device);
	assert_int_equal(spt_pool_used(rig->fake.host.pool), 0);
	spt_pool_free(rig->fake.host.pool);
	fake_host_deinit(&rig->fake);
}

void rig_start(struct rig *rig, unsigned i)
{
	const struct spt_session_params params = {
		.nexus = {
			.initiator_name = "iqn.2026-11.org.example:a",
			.isid = { 0x80, 0, 0, 0, 0, (uint8_t)i },
			.target_name = "iqn.2026-11.org.example:t",
			.target_portal_group_tag = 1,
			.relative_port = 1,
			.peer_address = "127.0.0.1:1",
		},
		.luns = rig->luns,
		.budget_bytes = 8u << 20,
	};

	assert_int_equal(spt_session_start(rig->context, &params, &rig->session[i]), 0);
	rig->running[i] = true;
}

void rig_start_quiet(struct rig *rig, unsigned i)
{
	static const uint8_t test_unit_ready[] = TEST_UNIT_READY;
	struct job job;
	int n = 0;

	rig_start(rig, i);
	do {
		job_run(rig, &job, i, test_unit_ready, 6, NULL, 0, 0);
		spt_task_end(&job.task);
	} while (job.task.status == SPT_CHECK_CONDITION && ++n < 4);
	assert_int_equal(job.task.status, SPT_GOOD);
}

static void done(struct spt_task *task)
{
	((struct job *)task)->done++;
}

static const struct spt_task_ops OPS = { .done = done };

void job_init(struct rig *rig, struct job *job, unsigned i, const void *cdb, unsigned cdb_bytes,
	uint32_t out_bytes, uint32_t in_bytes)
{
	memset(job, 0, sizeof(*job));
	job->rig = rig;
	job->task = (struct spt_task){
		.ops = &OPS,
		.aux = {
			.size = sizeof(job->task.aux),
			.session = rig->session[i],
			.task = { .tag = rig->tag, .generation = ~rig->tag },
			.is_final = true,
		},
		.cdb_bytes = (uint16_t)cdb_bytes,
		.attribute = SPT_SIMPLE,
		.expected_out_bytes = out_bytes,
		.expected_in_bytes = in_bytes,
	};
	rig->tag++;
	memcpy(job->task.aux.signature, SPT_AUXILIARY_SIGNATURE, 8);
	memcpy(job->task.cdb, cdb, cdb_bytes);
}

int job_enter(struct job *job)
{
	return spt_task_enter(job->rig->context, &job->task);
}

void job_start(struct job *job)
{
	assert_int_equal(job_enter(job), 0);
	spt_task_start(&job->task);
}

void job_data(struct job *job, uint64_t offset, const void *data, uint32_t bytes, bool final,
	int result)
{
	struct spt_task *t = &job->task;

	t->aux.sequence_offset_bytes = offset;
	t->aux.is_final = final;
	if (result == 0)
		memcpy(t->out.data + offset, data, bytes);
	assert_int_equal(spt_task_data(t, bytes), result);
}

void job_wait(struct job *job)
{
	rig_until(job->rig, &job->done);
	assert_int_equal(job->done, 1);
}

void job_run(struct rig *rig, struct job *job, unsigned i, const void *cdb, unsigned cdb_bytes,
	const void *out, uint32_t out_bytes, uint32_t in_bytes)
{
	job_init(rig, job, i, cdb, cdb_bytes, out_bytes, in_bytes);
	job_start(job);
	if (job->task.state == SPT_TASK_COLLECT)
		job_data(job, 0, out, job->task.out_wanted_bytes, true, 0);
	job_wait(job);
}

long job_sense(const struct job *job)
{
	struct spt_sense s;

	if (spt_sense_decode(job->task.sense, job->task.sense_bytes, &s) < 0)
		return -1;
	return (long)s.key << 16 | s.asc;
}


static void tmf_done(struct spt_tmf *tmf)
{
	raise_flag(tmf->arg);
}

uint8_t tmf_run(struct rig *rig, unsigned i, struct spt_tmf *tmf)
{
	int flag = 0;

	tmf->session = rig->session[i];
	tmf->done = tmf_done;
	tmf->arg = &flag;
	assert_int_equal(spt_tmf(rig->context, tmf), 0);
	rig_until(rig, &flag);
	return tmf->response;
}
