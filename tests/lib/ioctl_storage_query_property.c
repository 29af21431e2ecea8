/* SPDX-License-Identifier: MIT */
/*
 * IOCTL_STORAGE_QUERY_PROPERTY, StorageAdapterProperty: spt_adapter_properties() tells the alignment
 * mask, the longest transfer, and whether extended requests are taken.
 */
#include <errno.h>
#include <string.h>

#include "odd_backend.h"
#include "rig.h"

static void test_what_the_adapter_says(void **state)
{
	static const struct {
		uint16_t cdb_bytes;
		bool bidirectional;
		uint8_t srb_type;
	} rows[] = {
		{ 12, false, SPT_SCSI_REQUEST_BLOCK },
		{ 16, false, SPT_SCSI_REQUEST_BLOCK },
		{ 17, false, SPT_STORAGE_REQUEST_BLOCK },
		{ 32, false, SPT_STORAGE_REQUEST_BLOCK },
		{ 16, true, SPT_STORAGE_REQUEST_BLOCK },
		{ 260, true, SPT_STORAGE_REQUEST_BLOCK },
	};
	struct spt_handle *h;

	odd_reset();
	struct spt_device *device = odd_open(&ODD_SHARED, 0);
	assert_int_equal(spt_handle_open(device, NULL, &h), 0);
	spt_device_unref(device);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spt_adapter_properties p = { .length = sizeof(p) };
		odd.properties.alignment_mask = (uint32_t)i;
		odd.properties.max_transfer_bytes = 4096 + (uint32_t)i;
		odd.properties.max_cdb_bytes = rows[i].cdb_bytes;
		odd.properties.bidirectional = rows[i].bidirectional;
		assert_int_equal(spt_adapter_properties(h, &p), 0);
		assert_int_equal(p.length, sizeof(p));
		assert_int_equal(p.alignment_mask, i);
		assert_int_equal(p.max_transfer_bytes, 4096 + i);
		assert_int_equal(p.max_cdb_bytes, rows[i].cdb_bytes);
		assert_int_equal(p.bidirectional, rows[i].bidirectional);
		assert_int_equal(p.srb_type, rows[i].srb_type);
	}
	spt_handle_close(h);
}

/* The promise is kept: a transfer of that length is moved, one byte more is not sent. */
static void longest(struct spt_handle *h)
{
	struct spt_adapter_properties p = { .length = sizeof(p) };
	struct {
		struct spt_pass_through_direct q;
		uint8_t sense[32];
	} b;
	static const uint8_t read[] = READ_10(0, 8);
	static uint8_t data[4096] __attribute__((aligned(4096)));

	assert_int_equal(spt_adapter_properties(h, &p), 0);
	assert_in_range(p.max_transfer_bytes, 65536, SPT_BUFFER_MAX);
	assert_in_range(p.max_cdb_bytes, 16, SPT_CDB_MAX);
	memset(&b, 0, sizeof(b));
	b.q = (struct spt_pass_through_direct){ .length = sizeof(b.q), .cdb_length = 10,
		.data_in = SPT_DATA_IN, .data_buffer = data };
	memcpy(b.q.cdb, read, 10);
	b.q.data_transfer_length = p.max_transfer_bytes + 1;
	assert_int_equal(spt_pass_through_direct(h, &b.q, sizeof(b)), -EINVAL);
	b.q.data_transfer_length = sizeof(data);
	assert_int_equal(spt_pass_through_direct(h, &b.q, sizeof(b)), 0);
}

static void test_longest_transfer(void **state)
{
	for_each_handle(longest);
}

static void test_wrong_length(void **state)
{
	struct spt_adapter_properties p = { .length = sizeof(p) - 1, .max_cdb_bytes = 99 };
	struct spt_handle *h;

	odd_reset();
	struct spt_device *device = odd_open(&ODD_SHARED, 0);
	assert_int_equal(spt_handle_open(device, NULL, &h), 0);
	spt_device_unref(device);
	assert_int_equal(spt_adapter_properties(h, &p), -EINVAL);
	assert_int_equal(p.max_cdb_bytes, 99);
	p.length = sizeof(p) + 1;
	assert_int_equal(spt_adapter_properties(h, &p), -EINVAL);
	spt_handle_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_adapter_says),
		cmocka_unit_test(test_longest_transfer),
		cmocka_unit_test(test_wrong_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
