/* SPDX-License-Identifier: MIT */
/*
 * SCSI_PASS_THROUGH_DIRECT_WITH_AUXILIARY: struct spt_task carries command, tag, data and result. Sense
 * is raw bytes and a length, up to 252: what the device said, whatever its format, and data beside it.
 */
#include <errno.h>
#include <string.h>

#include "odd_backend.h"
#include "rig.h"

static const uint8_t INQUIRY_255[] = INQUIRY(255);

static void check_sense(const uint8_t *sense, uint16_t bytes)
{
	struct rig rig;
	struct job job;

	odd_reset();
	rig_open(&rig, odd_open(&ODD_SHARED, 0));
	rig_start_quiet(&rig, 0);
	odd.status = SPT_CHECK_CONDITION;
	odd.sense = sense;
	odd.sense_bytes = bytes;
	job_run(&rig, &job, 0, INQUIRY_255, 6, NULL, 0, 255);
	assert_int_equal(job.task.outcome, SPT_COMPLETED);
	assert_int_equal(job.task.status, SPT_CHECK_CONDITION);
	assert_int_equal(job.task.sense_bytes, bytes);
	assert_memory_equal(job.task.sense, sense, bytes);
	/* Status, sense and data together. */
	assert_int_equal(job.task.in.bytes, 255);
	for (unsigned i = 0; i < 255; i++)
		assert_int_equal(job.task.in.data[i], i);
	spt_task_end(&job.task);
	rig_close(&rig);
}

static void test_sense_is_raw(void **state)
{
	static const uint8_t fixed[18] = { 0xf0, 0, 0x23, 1, 2, 3, 4, 10, 5, 6, 7, 8, 0x11, 0x22, 0x33,
		0x44, 0x55, 0x66 };
	uint8_t longest[SPT_SENSE_MAX] = { 0x72, 0x05, 0x24, 0x00, 0, 0, 0, SPT_SENSE_MAX - 8 };

	longest[8] = 0x80; /* a vendor's own descriptor */
	longest[9] = SPT_SENSE_MAX - 10;
	for (unsigned i = 10; i < SPT_SENSE_MAX; i++)
		longest[i] = (uint8_t)(i * 7);
	check_sense(fixed, sizeof(fixed));
	check_sense(longest, sizeof(longest));
	check_sense(fixed, 8);
	check_sense(fixed, 0); /* the device gave none */
}

/* CDBs from 6 to 260 bytes come to the backend as they are. */
static void test_cdb(void **state)
{
	static const struct {
		unsigned bytes;
		int result;
	} rows[] = { { 5, -EINVAL }, { 6, 0 }, { 16, 0 }, { 32, 0 }, { 260, 0 }, { 261, -EINVAL } };
	uint8_t cdb[SPT_CDB_MAX];
	struct rig rig;
	struct job job;

	for (unsigned i = 0; i < sizeof(cdb); i++)
		cdb[i] = (uint8_t)(0xc0 + i);
	odd_reset();
	rig_open(&rig, odd_open(&ODD_SHARED, 0));
	rig_start_quiet(&rig, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned n = rows[i].bytes > SPT_CDB_MAX ? SPT_CDB_MAX : rows[i].bytes;
		job_init(&rig, &job, 0, cdb, n, 0, 0);
		job.task.cdb_bytes = (uint16_t)rows[i].bytes;
		assert_int_equal(job_enter(&job), rows[i].result);
		if (rows[i].result)
			continue;
		spt_task_start(&job.task);
		assert_int_equal(odd.cdb_bytes, n);
		assert_memory_equal(odd.cdb, cdb, n);
		spt_task_end(&job.task);
	}
	rig_close(&rig);
}

/* The device's own words, residuals in both directions (SAM-5 5.4.2). */
static void on_device(struct spt_device *device)
{
	static const uint8_t beyond[] = { 0x28, 0, 0xff, 0xff, 0xff, 0xf0, 0, 0, 1, 0 };
	static const uint8_t read[] = READ_10(0, 2);
	struct rig rig;
	struct job job;

	rig_open(&rig, device);
	rig_start_quiet(&rig, 0);
	job_run(&rig, &job, 0, beyond, 10, NULL, 0, 512);
	assert_int_equal(job.task.status, SPT_CHECK_CONDITION);
	assert_int_equal(job_sense(&job), 0x052100); /* LOGICAL BLOCK ADDRESS OUT OF RANGE */
	assert_true(job.task.sense_bytes >= 18);
	if (!device_is_real())
		assert_int_equal(job.task.in.bytes, 0);
	spt_task_end(&job.task);

	job_run(&rig, &job, 0, INQUIRY_255, 6, NULL, 0, 255); /* underflow */
	assert_int_equal(job.task.status, SPT_GOOD);
	assert_in_range(job.task.in.bytes, 36, 254);
	assert_int_equal(job.task.in_would_bytes, job.task.in.bytes);
	spt_task_end(&job.task);

	job_run(&rig, &job, 0, read, 10, NULL, 0, 512); /* overflow: room for one block of two */
	assert_int_equal(job.task.status, SPT_GOOD);
	assert_int_equal(job.task.in.bytes, 512);
	assert_int_equal(job.task.in_would_bytes, 1024);
	spt_task_end(&job.task);
	rig_close(&rig);
}

static void test_on_devices(void **state)
{
	for_each_device(on_device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sense_is_raw),
		cmocka_unit_test(test_cdb),
		cmocka_unit_test(test_on_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
