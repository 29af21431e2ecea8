/* SPDX-License-Identifier: MIT */
/*
 * IOCTL_SCSI_PASS_THROUGH_DIRECT: spt_pass_through_direct() moves the data to and from the caller's own
 * buffer, which is aligned as the adapter wants it, without a copy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odd_backend.h"
#include "rig.h"

struct block {
	struct spt_pass_through_direct q;
	uint8_t sense[32];
};

static int send(struct spt_handle *h, struct block *b, const void *cdb, unsigned cdb_bytes,
	uint8_t direction, void *data, uint32_t bytes)
{
	memset(b, 0, sizeof(*b));
	b->q = (struct spt_pass_through_direct){
		.length = sizeof(b->q),
		.cdb_length = (uint8_t)cdb_bytes,
		.sense_info_length = sizeof(b->sense),
		.data_in = direction,
		.data_transfer_length = bytes,
		.timeout_s = 10,
		.data_buffer = data,
		.sense_info_offset = offsetof(struct block, sense),
	};
	memcpy(b->q.cdb, cdb, cdb_bytes);
	return spt_pass_through_direct(h, &b->q, sizeof(*b));
}

static uint8_t *aligned(size_t bytes)
{
	void *p = NULL;

	assert_int_equal(posix_memalign(&p, 4096, bytes), 0);
	return p;
}

#define BLOCKS 128u
#define BYTES  (BLOCKS * 512u)

static void works(struct spt_handle *h)
{
	static const uint8_t write[] = WRITE_10(32, BLOCKS), read[] = READ_10(32, BLOCKS);
	static const uint8_t inquiry[] = INQUIRY(255);
	static const uint8_t beyond[] = { 0x28, 0, 0xff, 0xff, 0xff, 0xf0, 0, 0, 1, 0 };
	uint8_t *out = aligned(BYTES), *in = aligned(BYTES + 4096);
	struct block b;

	for (unsigned i = 0; i < BYTES; i++)
		out[i] = (uint8_t)rand();
	memset(in, 0xee, BYTES + 4096);
	assert_int_equal(send(h, &b, inquiry, 6, SPT_DATA_IN, in, 4096), 0);
	if (b.q.scsi_status == SPT_CHECK_CONDITION)
		assert_int_equal(send(h, &b, inquiry, 6, SPT_DATA_IN, in, 4096), 0);
	assert_in_range(b.q.data_transfer_length, 36, 255);
	if (!device_is_real()) /* the sg driver writes to all of the buffer */
		assert_int_equal(in[b.q.data_transfer_length], 0xee);
	assert_int_equal(send(h, &b, write, 10, SPT_DATA_OUT, out, BYTES), 0);
	assert_int_equal(b.q.scsi_status, SPT_GOOD);
	assert_int_equal(b.q.data_transfer_length, BYTES);
	assert_int_equal(send(h, &b, read, 10, SPT_DATA_IN, in, BYTES), 0);
	assert_int_equal(b.q.scsi_status, SPT_GOOD);
	assert_int_equal(b.q.data_transfer_length, BYTES);
	assert_memory_equal(in, out, BYTES);
	assert_int_equal(in[BYTES], 0xee);
	assert_int_equal(b.q.sense_info_length, 0);
	assert_int_equal(send(h, &b, beyond, 10, SPT_DATA_IN, in, 512), 0);
	assert_int_equal(b.q.scsi_status, SPT_CHECK_CONDITION);
	assert_in_range(b.q.sense_info_length, 18, 31);
	free(out);
	free(in);
}

static void test_works(void **state)
{
	for_each_handle(works);
}

static void odd_handle(struct spt_handle **h)
{
	odd_reset();
	struct spt_device *device = odd_open(&ODD_SHARED, 0);
	assert_int_equal(spt_handle_open(device, NULL, h), 0);
	spt_device_unref(device);
}

/* The backend sees the caller's memory itself. */
static void test_no_copy(void **state)
{
	static const uint8_t write[] = WRITE_10(0, 2), read[] = READ_10(0, 2);
	struct spt_handle *h;
	struct block b;
	uint8_t *data = aligned(4096);

	odd_handle(&h);
	assert_int_equal(send(h, &b, read, 10, SPT_DATA_IN, data, 1024), 0);
	assert_ptr_equal(odd.in_data, data);
	assert_int_equal(data[7], 7);
	assert_int_equal(send(h, &b, write, 10, SPT_DATA_OUT, data + 512, 1024), 0);
	assert_ptr_equal(odd.out_data, data + 512);
	spt_handle_close(h);
	free(data);
}

/* The mask says which address bits have to be zero: STATUS_INVALID_PARAMETER otherwise. */
static void test_alignment_mask(void **state)
{
	static const uint8_t write[] = WRITE_10(0, 1), read[] = READ_10(0, 1), tur[] = TEST_UNIT_READY;
	static const uint32_t masks[] = { 0, 1, 3, 511, 4095 };
	struct spt_handle *h;
	struct block b;
	uint8_t *data = aligned(16384);

	odd_handle(&h);
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		odd.properties.alignment_mask = masks[i];
		for (uint32_t offset = 1; offset <= 4096; offset *= 2) {
			int want = offset & masks[i] ? -EINVAL : 0;
			odd.submitted = 0;
			assert_int_equal(send(h, &b, read, 10, SPT_DATA_IN, data + offset, 512), want);
			assert_int_equal(send(h, &b, write, 10, SPT_DATA_OUT, data + offset, 512), want);
			assert_int_equal(odd.submitted, want ? 0 : 2);
		}
		/* Where nothing is moved, nothing need be aligned. */
		assert_int_equal(send(h, &b, tur, 6, SPT_DATA_UNSPECIFIED, data + 1, 0), 0);
	}
	spt_handle_close(h);
	free(data);
}

/* A file that is read past the page cache wants it so, and gets it. */
static void test_alignment_of_direct_io(void **state)
{
	static const uint8_t write[] = WRITE_10(0, 8), read[] = READ_10(0, 8);
	struct spt_adapter_properties p = { .length = sizeof(p) };
	struct spt_error error;
	struct spt_device *device;
	struct spt_handle *h;
	struct block b;
	char text[128];

	snprintf(text, sizeof(text), "file:path=%s,direct=yes", scratch_path());
	if (spt_device_open_text(text, NULL, &error, &device) < 0)
		skip(); /* this filesystem has no O_DIRECT */
	assert_int_equal(spt_handle_open(device, NULL, &h), 0);
	spt_device_unref(device);
	assert_int_equal(spt_adapter_properties(h, &p), 0);
	assert_true(p.alignment_mask >= 511 && p.alignment_mask <= 4095);
	uint8_t *data = aligned(8192);
	memset(data, 0x5a, 4096);
	assert_int_equal(send(h, &b, write, 10, SPT_DATA_OUT, data + 4, 4096), -EINVAL);
	assert_int_equal(send(h, &b, write, 10, SPT_DATA_OUT, data, 4096), 0);
	assert_int_equal(b.q.scsi_status, SPT_GOOD);
	assert_int_equal(send(h, &b, read, 10, SPT_DATA_IN, data + 4096, 4096), 0);
	assert_int_equal(b.q.scsi_status, SPT_GOOD);
	assert_memory_equal(data, data + 4096, 4096);
	spt_handle_close(h);
	free(data);
}

static void test_no_buffer(void **state)
{
	static const uint8_t read[] = READ_10(0, 1);
	struct spt_handle *h;
	struct block b;

	odd_handle(&h);
	assert_int_equal(send(h, &b, read, 10, SPT_DATA_IN, NULL, 512), -EINVAL);
	assert_int_equal(send(h, &b, read, 10, SPT_DATA_IN, NULL, 0), 0);
	spt_handle_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_no_copy),
		cmocka_unit_test(test_alignment_mask),
		cmocka_unit_test(test_alignment_of_direct_io),
		cmocka_unit_test(test_no_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
