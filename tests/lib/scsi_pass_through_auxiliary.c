/* SPDX-License-Identifier: MIT */
/*
 * SCSI_PASS_THROUGH_AUXILIARY: struct spt_auxiliary is checked in each member: size, signature, known
 * session, a cookie that no other task has, contiguous sequences of which exactly one is the final one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "odd_backend.h"
#include "rig.h"

static const uint8_t TUR[] = TEST_UNIT_READY;

static void bad_size(struct spt_auxiliary *a)
{
	a->size--;
}

static void bad_size_more(struct spt_auxiliary *a)
{
	a->size++;
}

static void no_size(struct spt_auxiliary *a)
{
	a->size = 0;
}

static void bad_signature(struct spt_auxiliary *a)
{
	a->signature[7] ^= 1;
}

static void no_signature(struct spt_auxiliary *a)
{
	memset(a->signature, 0, sizeof(a->signature));
}

static void no_session(struct spt_auxiliary *a)
{
	a->session.v = 0;
}

static void other_slot(struct spt_auxiliary *a)
{
	a->session.v += 1;
}

static void other_generation(struct spt_auxiliary *a)
{
	a->session.v += 1ull << 32;
}

static const struct {
	void (*spoil)(struct spt_auxiliary *aux);
	int error;
} BAD[] = {
	{ bad_size, -EINVAL },
	{ bad_size_more, -EINVAL },
	{ no_size, -EINVAL },
	{ bad_signature, -EINVAL },
	{ no_signature, -EINVAL },
	{ no_session, -ENOENT },
	{ other_slot, -ENOENT },
	{ other_generation, -ENOENT },
};

static void checked(struct spt_device *device)
{
	struct rig rig;
	struct job job;

	rig_open(&rig, device);
	rig_start_quiet(&rig, 0);
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		job_init(&rig, &job, 0, TUR, 6, 0, 0);
		BAD[i].spoil(&job.task.aux);
		if (job_enter(&job) != BAD[i].error)
			fail_msg("row %zu was not refused as it should be", i);
		assert_int_equal(spt_session_tasks(rig.context, rig.session[0]), 0);
	}
	rig_close(&rig);
}

static void test_size_signature_session(void **state)
{
	for_each_device(checked);
}

/* Unique among the nexus's tasks, from enter to end; another nexus has cookies of its own. */
static void test_cookie_in_use(void **state)
{
	struct rig rig;
	struct job job, same, other;

	odd_reset();
	rig_open(&rig, odd_open(&ODD_SHARED, 0));
	rig_start_quiet(&rig, 0);
	rig_start_quiet(&rig, 1);
	odd.hold = true;
	job_init(&rig, &job, 0, TUR, 6, 0, 0);
	job_init(&rig, &same, 0, TUR, 6, 0, 0);
	job_init(&rig, &other, 1, TUR, 6, 0, 0);
	same.task.aux.task = other.task.aux.task = job.task.aux.task;
	same.task.aux.task.generation++; /* the tag alone is enough */
	job_start(&job);
	assert_int_equal(job_enter(&same), -EEXIST);
	assert_ptr_equal(spt_task_find(rig.context, rig.session[0], job.task.aux.task.tag), &job.task);
	odd_release();
	assert_int_equal(job_enter(&same), -EEXIST); /* done, not ended */
	odd.hold = false;
	job_start(&other);
	assert_int_equal(other.done, 1);
	spt_task_end(&other.task);
	spt_task_end(&job.task);
	job_start(&same);
	assert_int_equal(same.done, 1);
	spt_task_end(&same.task);
	rig_close(&rig);
}

#define BLOCKS 8u
#define BYTES  (BLOCKS * 512u)

static void read_back(struct rig *rig, const uint8_t *pattern)
{
	static const uint8_t read[] = READ_10(16, BLOCKS);
	struct job job;

	job_run(rig, &job, 0, read, 10, NULL, 0, BYTES);
	assert_int_equal(job.task.status, SPT_GOOD);
	assert_int_equal(job.task.in.bytes, BYTES);
	assert_memory_equal(job.task.in.data, pattern, BYTES);
	spt_task_end(&job.task);
}

/* Several data sequences share the task cookie; what is not in order changes nothing. */
static void sequences(struct spt_device *device)
{
	static const uint8_t write[] = WRITE_10(16, BLOCKS);
	uint8_t pattern[BYTES];
	struct rig rig;
	struct job job;

	for (uint32_t i = 0; i < BYTES; i++)
		pattern[i] = (uint8_t)rand();
	rig_open(&rig, device);
	rig_start_quiet(&rig, 0);
	job_init(&rig, &job, 0, write, 10, BYTES, 0);
	job_start(&job);
	assert_int_equal(job.task.out_wanted_bytes, BYTES);
	job_data(&job, 512, pattern, 512, false, -EINVAL); /* a gap at the beginning */
	job_data(&job, 0, pattern, BYTES, false, -EINVAL); /* all of it, and not the final one */
	job_data(&job, 0, pattern, BYTES + 1, true, -EINVAL);
	job_data(&job, 0, pattern, 1000, true, -EINVAL); /* final too early */
	job_data(&job, 0, pattern, 1000, false, 0);
	job_data(&job, 0, pattern, 1000, false, -EINVAL);   /* once more */
	job_data(&job, 999, pattern, 1000, false, -EINVAL); /* overlaps */
	job_data(&job, 1001, pattern, 1000, false, -EINVAL);
	job_data(&job, 1000, pattern + 1000, 24, false, 0);
	job_data(&job, 1024, pattern + 1024, BYTES - 1024, false, -EINVAL); /* none is final */
	job_data(&job, 1024, pattern + 1024, UINT32_MAX, true, -EINVAL);
	assert_int_equal(job.done, 0);
	job_data(&job, 1024, pattern + 1024, BYTES - 1024, true, 0);
	job_wait(&job);
	assert_int_equal(job.task.status, SPT_GOOD);
	job_data(&job, BYTES, pattern, 0, true, -EINVAL); /* a second final one */
	spt_task_end(&job.task);
	read_back(&rig, pattern);
	rig_close(&rig);
}

static void test_data_sequences(void **state)
{
	for_each_device(sequences);
}

/* Without data-out there is nothing to hand over. */
static void test_no_data_wanted(void **state)
{
	struct rig rig;
	struct job job;

	odd_reset();
	rig_open(&rig, odd_open(&ODD_SHARED, 0));
	rig_start_quiet(&rig, 0);
	odd.hold = true;
	job_init(&rig, &job, 0, TUR, 6, 0, 0);
	assert_int_equal(job_enter(&job), 0);
	job_data(&job, 0, NULL, 0, true, -EINVAL); /* its turn has not come */
	spt_task_start(&job.task);
	job_data(&job, 0, NULL, 0, true, -EINVAL);
	odd_release();
	spt_task_end(&job.task);
	rig_close(&rig);
}

/* The LUN is the initiator's own (SAM-5 4.7); where it leads nowhere, the answer says so. */
static void luns(struct spt_device *device)
{
	static const struct {
		uint64_t lun;
		long sense;
	} rows[] = {
		{ 0, -1 },
		{ 0x4000000000000000, -1 },	  /* flat space addressing */
		{ 0x0001000000000000, 0x052500 }, /* LOGICAL UNIT NOT SUPPORTED */
		{ 0x0000000000000001, 0x052500 },
	};
	struct rig rig;
	struct job job;

	rig_open(&rig, device);
	rig_start_quiet(&rig, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		job_init(&rig, &job, 0, TUR, 6, 0, 0);
		job.task.aux.lun = rows[i].lun;
		job_start(&job);
		job_wait(&job);
		assert_int_equal(job_sense(&job), rows[i].sense);
		spt_task_end(&job.task);
	}
	rig_close(&rig);
}

static void test_lun(void **state)
{
	for_each_device(luns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_signature_session),
		cmocka_unit_test(test_cookie_in_use),
		cmocka_unit_test(test_data_sequences),
		cmocka_unit_test(test_no_data_wanted),
		cmocka_unit_test(test_lun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
