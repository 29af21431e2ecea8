/* SPDX-License-Identifier: MIT */
/*
 * The error rules of the synchronous calls: each with the status of its counterpart in its name, for
 * all four calls, and none of them sends anything.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "odd_backend.h"
#include "rig.h"

#define ROOM 512u

/* The largest of the four, with room behind it. */
struct block {
	union {
		struct spt_pass_through plain;
		struct spt_pass_through_direct direct;
		struct spt_pass_through_ex ex;
		struct spt_pass_through_direct_ex direct_ex;
	};
	uint8_t sense[64];
	uint8_t data[ROOM] __attribute__((aligned(512)));
};

#define SENSE offsetof(struct block, sense)
#define DATA  offsetof(struct block, data)

enum call { PLAIN, DIRECT, EX, DIRECT_EX, CALLS };

static void init(struct block *b, enum call call, const uint8_t *cdb, unsigned n, uint8_t direction,
	uint32_t bytes)
{
	uint32_t out = direction == SPT_DATA_OUT ? bytes : 0, in = bytes - out;

	memset(b, 0, sizeof(*b));
	switch (call) {
	case PLAIN:
		b->plain = (struct spt_pass_through){ .length = sizeof(b->plain), .cdb_length = (uint8_t)n,
			.sense_info_length = 64, .data_in = direction, .data_transfer_length = bytes,
			.data_buffer_offset = DATA, .sense_info_offset = SENSE };
		memcpy(b->plain.cdb, cdb, n);
		break;
	case DIRECT:
		b->direct = (struct spt_pass_through_direct){ .length = sizeof(b->direct),
			.cdb_length = (uint8_t)n, .sense_info_length = 64, .data_in = direction,
			.data_transfer_length = bytes, .data_buffer = b->data, .sense_info_offset = SENSE };
		memcpy(b->direct.cdb, cdb, n);
		break;
	case EX:
		b->ex = (struct spt_pass_through_ex){ .length = sizeof(b->ex), .cdb_length = n,
			.sense_info_length = 64, .data_direction = direction,
			.data_out_transfer_length = out, .data_in_transfer_length = in,
			.data_out_buffer_offset = DATA, .data_in_buffer_offset = DATA,
			.sense_info_offset = SENSE };
		memcpy(b->ex.cdb, cdb, n);
		break;
	default:
		b->direct_ex = (struct spt_pass_through_direct_ex){ .length = sizeof(b->direct_ex),
			.cdb_length = n, .sense_info_length = 64, .data_direction = direction,
			.data_out_transfer_length = out, .data_in_transfer_length = in,
			.data_out_buffer = b->data, .data_in_buffer = b->data, .sense_info_offset = SENSE };
		memcpy(b->direct_ex.cdb, cdb, n);
	}
}

static int send_bytes(struct spt_handle *h, struct block *b, enum call call, size_t bytes)
{
	switch (call) {
	case PLAIN:
		return spt_pass_through(h, &b->plain, bytes);
	case DIRECT:
		return spt_pass_through_direct(h, &b->direct, bytes);
	case EX:
		return spt_pass_through_ex(h, &b->ex, bytes);
	default:
		return spt_pass_through_direct_ex(h, &b->direct_ex, bytes);
	}
}

static int send(struct spt_handle *h, struct block *b, enum call call)
{
	return send_bytes(h, b, call, sizeof(*b));
}

static struct spt_handle *open_odd(void)
{
	struct spt_handle *h;

	odd_reset();
	struct spt_device *device = odd_open(&ODD_SHARED, 0);
	assert_int_equal(spt_handle_open(device, NULL, &h), 0);
	spt_device_unref(device);
	return h;
}

static void close_odd(struct spt_handle *h)
{
	assert_int_equal(odd.submitted, 0);
	spt_handle_close(h);
}

static const uint8_t READ[] = READ_10(0, 1), WRITE[] = WRITE_10(0, 1), TUR[] = TEST_UNIT_READY;

static void test_length_invalid_parameter(void **state)
{
	static const size_t sizes[] = { sizeof(struct spt_pass_through),
		sizeof(struct spt_pass_through_direct), sizeof(struct spt_pass_through_ex),
		sizeof(struct spt_pass_through_direct_ex) };
	struct spt_handle *h = open_odd();
	struct block b;

	for (int call = 0; call < CALLS; call++) {
		for (int d = -1; d <= 1; d += 2) {
			init(&b, call, READ, 10, SPT_DATA_IN, 512);
			if (call == EX)
				b.ex.length += (uint32_t)d;
			else if (call == DIRECT_EX)
				b.direct_ex.length += (uint32_t)d;
			else
				b.plain.length += (uint32_t)d; /* the first member of both */
			assert_int_equal(send(h, &b, call), -EINVAL);
		}
		init(&b, call, READ, 10, SPT_DATA_IN, 512);
		assert_int_equal(send_bytes(h, &b, call, sizes[call] - 1), -EINVAL);
		assert_int_equal(send_bytes(h, &b, call, 0), -EINVAL);
	}
	init(&b, EX, READ, 10, SPT_DATA_IN, 512);
	b.ex.version = 1;
	assert_int_equal(send(h, &b, EX), -EINVAL);
	init(&b, DIRECT_EX, READ, 10, SPT_DATA_IN, 512);
	b.direct_ex.version = 1;
	assert_int_equal(send(h, &b, DIRECT_EX), -EINVAL);
	close_odd(h);
}

static void test_cdb_length_invalid_parameter(void **state)
{
	struct spt_handle *h = open_odd();
	struct block b;

	for (int call = 0; call < CALLS; call++) {
		init(&b, call, TUR, 5, SPT_DATA_UNSPECIFIED, 0);
		assert_int_equal(send(h, &b, call), -EINVAL);
		init(&b, call, TUR, 0, SPT_DATA_UNSPECIFIED, 0);
		assert_int_equal(send(h, &b, call), -EINVAL);
	}
	init(&b, PLAIN, READ, 10, SPT_DATA_IN, 512);
	b.plain.cdb_length = 17;
	assert_int_equal(send(h, &b, PLAIN), -EINVAL);
	init(&b, DIRECT, READ, 10, SPT_DATA_IN, 512);
	b.direct.cdb_length = 17;
	assert_int_equal(send(h, &b, DIRECT), -EINVAL);
	close_odd(h);
}

static void test_misaligned_invalid_parameter(void **state)
{
	struct spt_handle *h = open_odd();
	struct block b;

	init(&b, DIRECT, READ, 10, SPT_DATA_IN, 256);
	b.direct.data_buffer = b.data + 256;
	assert_int_equal(send(h, &b, DIRECT), -EINVAL);
	init(&b, DIRECT_EX, READ, 10, SPT_DATA_IN, 256);
	b.direct_ex.data_in_buffer = b.data + 1;
	assert_int_equal(send(h, &b, DIRECT_EX), -EINVAL);
	init(&b, DIRECT_EX, WRITE, 10, SPT_DATA_OUT, 256);
	b.direct_ex.data_out_buffer = b.data + 4;
	assert_int_equal(send(h, &b, DIRECT_EX), -EINVAL);
	close_odd(h);
}

static void test_result_does_not_fit_buffer_too_small(void **state)
{
	struct spt_handle *h = open_odd();
	struct block b;

	/* Sense, for all of them. */
	for (int call = 0; call < CALLS; call++) {
		init(&b, call, READ, 10, SPT_DATA_IN, 512);
		assert_int_equal(send_bytes(h, &b, call, SENSE + 63), -EMSGSIZE);
	}
	/* Data-in of those whose data is in the block; the offsets themselves beyond it; no overflow. */
	init(&b, PLAIN, READ, 10, SPT_DATA_IN, 512);
	assert_int_equal(send_bytes(h, &b, PLAIN, sizeof(b) - 1), -EMSGSIZE);
	b.plain.data_buffer_offset = sizeof(b) + 1;
	assert_int_equal(send(h, &b, PLAIN), -EMSGSIZE);
	b.plain.data_buffer_offset = SIZE_MAX - 100;
	assert_int_equal(send(h, &b, PLAIN), -EMSGSIZE);
	init(&b, EX, READ, 10, SPT_DATA_IN, 512);
	assert_int_equal(send_bytes(h, &b, EX, sizeof(b) - 1), -EMSGSIZE);
	b.ex.data_in_transfer_length = UINT32_MAX;
	assert_int_equal(send(h, &b, EX), -EMSGSIZE);
	close_odd(h);
}

static void test_areas_invalid_parameter(void **state)
{
	struct spt_handle *h = open_odd();
	struct block b;

	init(&b, PLAIN, WRITE, 10, SPT_DATA_OUT, 512); /* data-out that is not there is no result */
	assert_int_equal(send_bytes(h, &b, PLAIN, sizeof(b) - 1), -EINVAL);
	init(&b, EX, WRITE, 10, SPT_DATA_OUT, 512);
	assert_int_equal(send_bytes(h, &b, EX, sizeof(b) - 1), -EINVAL);
	for (int call = 0; call < CALLS; call++) { /* sense inside the structure */
		init(&b, call, READ, 10, SPT_DATA_IN, 512);
		if (call == PLAIN)
			b.plain.sense_info_offset = sizeof(b.plain) - 1;
		else if (call == DIRECT)
			b.direct.sense_info_offset = 0;
		else if (call == EX)
			b.ex.sense_info_offset = sizeof(b.ex) - 1;
		else
			b.direct_ex.sense_info_offset = 8;
		assert_int_equal(send(h, &b, call), -EINVAL);
	}
	init(&b, PLAIN, READ, 10, SPT_DATA_IN, 256); /* one over the other */
	b.plain.sense_info_offset = DATA + 255;
	assert_int_equal(send(h, &b, PLAIN), -EINVAL);
	init(&b, EX, READ, 10, SPT_DATA_IN, 256);
	b.ex.sense_info_offset = DATA - 63;
	assert_int_equal(send(h, &b, EX), -EINVAL);
	close_odd(h);
}

/* What moves where by the CDB, and what the caller says (0: accepted). */
static const struct {
	uint8_t cdb[16];
	unsigned bytes;
	uint8_t direction;
	uint32_t data;
	int result;
} DIRECTIONS[] = {
	{ INQUIRY(96), 6, SPT_DATA_OUT, 96, -EINVAL },
	{ INQUIRY(96), 6, SPT_DATA_OUT, 0, -EINVAL },
	{ INQUIRY(96), 6, SPT_DATA_IN, 96, 0 },
	{ READ_10(0, 1), 10, SPT_DATA_OUT, 512, -EINVAL },
	{ WRITE_10(0, 1), 10, SPT_DATA_IN, 512, -EINVAL },
	{ WRITE_10(0, 1), 10, SPT_DATA_OUT, 512, 0 },
	{ { 0x9e, 0x10 }, 16, SPT_DATA_OUT, 32, -EINVAL },  /* READ CAPACITY(16) */
	{ { 0x5f, 0x00 }, 10, SPT_DATA_IN, 24, -EINVAL },   /* PERSISTENT RESERVE OUT */
	{ { 0x5e, 0x00 }, 10, SPT_DATA_OUT, 24, -EINVAL },  /* PERSISTENT RESERVE IN */
	{ TEST_UNIT_READY, 6, SPT_DATA_OUT, 0, 0 },	    /* as Windows programs do */
	{ TEST_UNIT_READY, 6, SPT_DATA_IN, 0, 0 },
	{ TEST_UNIT_READY, 6, SPT_DATA_IN, 512, -EINVAL },
	{ TEST_UNIT_READY, 6, SPT_DATA_OUT, 512, -EINVAL },
	{ TEST_UNIT_READY, 6, SPT_DATA_UNSPECIFIED, 512, -EINVAL },
	{ { 0xc0 }, 6, SPT_DATA_IN, 512, 0 }, /* a vendor's own: the caller has to know */
	{ { 0xc0 }, 6, SPT_DATA_OUT, 512, 0 },
	{ { 0xc0 }, 6, SPT_DATA_UNSPECIFIED, 512, -EINVAL },
	{ { 0xc0 }, 6, SPT_DATA_UNSPECIFIED, 0, 0 },
	{ { 0xc0 }, 6, 4, 0, -EINVAL },
};

static void test_direction_contradicts_cdb(void **state)
{
	struct spt_handle *h = open_odd();
	struct block b;

	for (size_t i = 0; i < sizeof(DIRECTIONS) / sizeof(DIRECTIONS[0]); i++) {
		for (int call = 0; call < CALLS; call++) {
			odd.submitted = 0;
			init(&b, call, DIRECTIONS[i].cdb, DIRECTIONS[i].bytes, DIRECTIONS[i].direction,
				DIRECTIONS[i].data);
			if (send(h, &b, call) != DIRECTIONS[i].result)
				fail_msg("row %zu, call %d", i, call);
			assert_int_equal(odd.submitted, DIRECTIONS[i].result == 0);
		}
	}
	/* Both directions at once are for the extended calls; one direction has data of the other. */
	init(&b, PLAIN, READ, 10, SPT_DATA_BIDIRECTIONAL, 512);
	assert_int_equal(send(h, &b, PLAIN), -EINVAL);
	init(&b, DIRECT, READ, 10, SPT_DATA_BIDIRECTIONAL, 512);
	assert_int_equal(send(h, &b, DIRECT), -EINVAL);
	init(&b, DIRECT_EX, READ, 10, SPT_DATA_IN, 512);
	b.direct_ex.data_out_transfer_length = 512;
	assert_int_equal(send(h, &b, DIRECT_EX), -EINVAL);
	init(&b, DIRECT_EX, READ, 10, SPT_DATA_BIDIRECTIONAL, 512); /* READ is not */
	b.direct_ex.data_out_transfer_length = 512;
	assert_int_equal(send(h, &b, DIRECT_EX), -EINVAL);
	spt_handle_close(h);
}

/* STATUS_NOT_SUPPORTED: one logical unit reaching others. */
static void test_copy_not_supported(void **state)
{
	static const uint8_t copies[][16] = {
		{ 0x83, 0x00 }, { 0x83, 0x01 }, { 0x83, 0x10 }, { 0x83, 0x11 }, { 0x84, 0x00 },
		{ 0x84, 0x03 }, { 0x84, 0x07 }, { 0x18 }, { 0x39 }, { 0x3a },
	};
	struct spt_handle *h = open_odd();
	struct block b;

	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		uint8_t direction = copies[i][0] == 0x84 ? SPT_DATA_IN : SPT_DATA_OUT;
		for (int call = 0; call < CALLS; call++) {
			odd.properties.third_party_copy = false;
			odd.submitted = 0;
			init(&b, call, copies[i], 16, direction, 64);
			assert_int_equal(send(h, &b, call), -EOPNOTSUPP);
			assert_int_equal(odd.submitted, 0);
		}
	}
	odd.properties.third_party_copy = true; /* unless the configuration allows it */
	init(&b, DIRECT, copies[0], 16, SPT_DATA_OUT, 64);
	assert_int_equal(send(h, &b, DIRECT), 0);
	assert_int_equal(odd.submitted, 1);
	spt_handle_close(h);
}

static void copy_on_device(struct spt_handle *h)
{
	static const uint8_t copy[16] = { 0x83, 0x00 };
	struct block b;

	for (int call = 0; call < CALLS; call++) {
		init(&b, call, copy, 16, SPT_DATA_OUT, 64);
		assert_int_equal(send(h, &b, call), -EOPNOTSUPP);
	}
}

static void test_copy_on_devices(void **state)
{
	for_each_handle(copy_on_device);
}

/* STATUS_INVALID_DEVICE_REQUEST: somebody else has the device. */
static void test_claimed_busy(void **state)
{
	struct spt_error error = { .text = "" };
	struct spt_device *first, *second = NULL;
	struct spt_device_params params = { .name = "claimed", .backend = &ODD_SHARED };
	char text[128];

	snprintf(text, sizeof(text), "file:path=%s", scratch_path());
	first = open_text(text);
	assert_int_equal(spt_device_open_text(text, NULL, &error, &second), -EBUSY);
	assert_null(second);
	assert_true(error.text[0]);
	spt_device_unref(first);
	second = open_text(text);
	spt_device_unref(second);

	odd_reset();
	odd.open_error = -EBUSY;
	assert_int_equal(spt_device_open(&params, &error, &second), -EBUSY);
	assert_string_equal(error.text, "claimed: as it was told");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length_invalid_parameter),
		cmocka_unit_test(test_cdb_length_invalid_parameter),
		cmocka_unit_test(test_misaligned_invalid_parameter),
		cmocka_unit_test(test_result_does_not_fit_buffer_too_small),
		cmocka_unit_test(test_areas_invalid_parameter),
		cmocka_unit_test(test_direction_contradicts_cdb),
		cmocka_unit_test(test_copy_not_supported),
		cmocka_unit_test(test_copy_on_devices),
		cmocka_unit_test(test_claimed_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
