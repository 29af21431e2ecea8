/* SPDX-License-Identifier: MIT */
/*
 * IOCTL_SCSI_PASS_THROUGH: spt_pass_through() sends a command of up to 16 bytes, with its data and sense
 * in the caller's one block of memory, lengths in and out.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "odd_backend.h"
#include "rig.h"

#define ROOM 4096u

struct block {
	struct spt_pass_through q;
	uint8_t sense[32];
	uint8_t data[ROOM];
};

static void block_init(struct block *b, const void *cdb, unsigned cdb_bytes, uint8_t direction,
	uint32_t bytes)
{
	memset(b, 0xee, sizeof(*b));
	b->q = (struct spt_pass_through){
		.length = sizeof(b->q),
		.cdb_length = (uint8_t)cdb_bytes,
		.sense_info_length = sizeof(b->sense),
		.data_in = direction,
		.data_transfer_length = bytes,
		.timeout_s = 10,
		.data_buffer_offset = offsetof(struct block, data),
		.sense_info_offset = offsetof(struct block, sense),
		.scsi_status = 0xff,
	};
	memcpy(b->q.cdb, cdb, cdb_bytes > 16 ? 16 : cdb_bytes);
}

static int send(struct spt_handle *h, struct block *b)
{
	return spt_pass_through(h, &b->q, sizeof(*b));
}

static void works(struct spt_handle *h)
{
	static const uint8_t inquiry[] = INQUIRY(96), tur[] = TEST_UNIT_READY;
	static const uint8_t write[] = WRITE_10(8, 4), read[] = READ_10(8, 4);
	uint8_t pattern[2048];
	struct block b;

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)rand();
	block_init(&b, tur, 6, SPT_DATA_UNSPECIFIED, 0);
	assert_int_equal(send(h, &b), 0);
	if (b.q.scsi_status == SPT_CHECK_CONDITION) { /* a real device's unit attention */
		block_init(&b, tur, 6, SPT_DATA_UNSPECIFIED, 0);
		assert_int_equal(send(h, &b), 0);
	}
	/* The library's nexus is nothing new to the device: no unit attention of ours. */
	assert_int_equal(b.q.scsi_status, SPT_GOOD);
	assert_int_equal(b.q.sense_info_length, 0);

	block_init(&b, inquiry, 6, SPT_DATA_IN, 96);
	assert_int_equal(send(h, &b), 0);
	assert_int_equal(b.q.scsi_status, SPT_GOOD);
	assert_in_range(b.q.data_transfer_length, 36, 96);
	assert_int_equal(b.data[0], 0);
	assert_int_equal(b.data[b.q.data_transfer_length], 0xee);

	block_init(&b, write, 10, SPT_DATA_OUT, sizeof(pattern));
	memcpy(b.data, pattern, sizeof(pattern));
	assert_int_equal(send(h, &b), 0);
	assert_int_equal(b.q.scsi_status, SPT_GOOD);
	assert_int_equal(b.q.data_transfer_length, sizeof(pattern));

	block_init(&b, read, 10, SPT_DATA_IN, sizeof(pattern));
	assert_int_equal(send(h, &b), 0);
	assert_int_equal(b.q.scsi_status, SPT_GOOD);
	assert_int_equal(b.q.data_transfer_length, sizeof(pattern));
	assert_memory_equal(b.data, pattern, sizeof(pattern));
	assert_int_equal(b.data[sizeof(pattern)], 0xee);
}

static void test_works(void **state)
{
	for_each_handle(works);
}

/* On return: what was moved, what was written. */
static void in_out_lengths(struct spt_handle *h)
{
	static const uint8_t inquiry[] = INQUIRY(8), beyond[] = { 0x28, 0, 0xff, 0xff, 0xff, 0xf0, 0, 0, 1, 0 };
	struct spt_sense sense;
	struct block b;

	block_init(&b, inquiry, 6, SPT_DATA_IN, ROOM); /* more room than the command has data */
	assert_int_equal(send(h, &b), 0);
	assert_int_equal(b.q.data_transfer_length, 8);
	assert_int_equal(b.data[8], 0xee);

	block_init(&b, beyond, 10, SPT_DATA_IN, 512);
	assert_int_equal(send(h, &b), 0); /* the call is successful, the command is not */
	assert_int_equal(b.q.scsi_status, SPT_CHECK_CONDITION);
	if (!device_is_real())
		assert_int_equal(b.q.data_transfer_length, 0);
	assert_in_range(b.q.sense_info_length, 18, 32);
	assert_int_equal(spt_sense_decode(b.sense, b.q.sense_info_length, &sense), 0);
	assert_int_equal(sense.asc, 0x2100);

	block_init(&b, beyond, 10, SPT_DATA_IN, 512);
	b.q.sense_info_length = 8; /* sense is cut to the room */
	assert_int_equal(send(h, &b), 0);
	assert_int_equal(b.q.sense_info_length, 8);
	assert_int_equal(b.sense[8], 0xee);

	block_init(&b, beyond, 10, SPT_DATA_IN, 512);
	b.q.sense_info_length = 0; /* none is wanted, wherever it would lie */
	b.q.sense_info_offset = 0;
	assert_int_equal(send(h, &b), 0);
	assert_int_equal(b.q.scsi_status, SPT_CHECK_CONDITION);
	assert_int_equal(b.q.sense_info_length, 0);
}

static void test_in_out_lengths(void **state)
{
	for_each_handle(in_out_lengths);
}

/* DataIn 2: the CDB tells. */
static void unspecified(struct spt_handle *h)
{
	static const uint8_t write[] = WRITE_10(0, 1), read[] = READ_10(0, 1);
	struct block b;

	block_init(&b, write, 10, SPT_DATA_UNSPECIFIED, 512);
	memset(b.data, 0xa5, 512);
	assert_int_equal(send(h, &b), 0);
	assert_int_equal(b.q.scsi_status, SPT_GOOD);
	assert_int_equal(b.q.data_transfer_length, 512);
	block_init(&b, read, 10, SPT_DATA_UNSPECIFIED, 512);
	assert_int_equal(send(h, &b), 0);
	assert_int_equal(b.q.data_transfer_length, 512);
	assert_int_equal(b.data[0], 0xa5);
	assert_int_equal(b.data[511], 0xa5);
}

static void test_unspecified_direction(void **state)
{
	for_each_handle(unspecified);
}

/* TimeOutValue: the command is ended, and nothing of it is left. */
static void test_timeout(void **state)
{
	static const uint8_t inquiry[] = INQUIRY(96);
	struct spt_handle *h;
	struct block b;

	odd_reset();
	odd.cancels = true;
	struct spt_device *device = odd_open(&ODD_SHARED, 5000000);
	assert_int_equal(spt_handle_open(device, NULL, &h), 0);
	spt_device_unref(device);
	odd.hold = true;
	block_init(&b, inquiry, 6, SPT_DATA_IN, 96);
	b.q.timeout_s = 1;
	assert_int_equal(send(h, &b), -ETIMEDOUT);
	assert_null(odd.held);
	assert_int_equal(b.data[0], 0xee);
	assert_int_equal(b.q.scsi_status, 0xff);
	odd.hold = false;
	block_init(&b, inquiry, 6, SPT_DATA_IN, 96);
	assert_int_equal(send(h, &b), 0);
	assert_int_equal(b.q.data_transfer_length, 96);
	spt_handle_close(h);
}

struct caller {
	struct spt_handle *handle;
	uint8_t lba;
	int failures;
};

static void *write_and_read(void *arg)
{
	struct caller *c = arg;
	const uint8_t write[] = WRITE_10(c->lba, 1), read[] = READ_10(c->lba, 1);
	struct block b;

	for (int i = 0; i < 50; i++) {
		block_init(&b, write, 10, SPT_DATA_OUT, 512);
		memset(b.data, i + c->lba, 512);
		c->failures += send(c->handle, &b) != 0 || b.q.scsi_status != SPT_GOOD;
		block_init(&b, read, 10, SPT_DATA_IN, 512);
		c->failures += send(c->handle, &b) != 0 || b.q.scsi_status != SPT_GOOD;
		c->failures += b.data[0] != (uint8_t)(i + c->lba) || b.data[511] != b.data[0];
	}
	return NULL;
}

/* One handle, several threads: each call by itself. */
static void threads(struct spt_handle *h)
{
	struct caller callers[4];
	pthread_t thread[4];

	for (unsigned i = 0; i < 4; i++) {
		callers[i] = (struct caller){ .handle = h, .lba = (uint8_t)(64 + i) };
		assert_int_equal(pthread_create(&thread[i], NULL, write_and_read, &callers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(callers[i].failures, 0);
	}
}

static void test_threads(void **state)
{
	for_each_handle(threads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_in_out_lengths),
		cmocka_unit_test(test_unspecified_direction),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
