/* SPDX-License-Identifier: MIT */
/*
 * IOCTL_SCSI_PASS_THROUGH_EX and _DIRECT_EX: spt_pass_through_ex() and spt_pass_through_direct_ex() take
 * CDBs longer than 16 bytes and data in both directions, where the adapter has extended requests.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "odd_backend.h"
#include "rig.h"

#define ROOM 1024u

/* One request by either call. */
struct exchange {
	bool direct;
	uint8_t cdb[SPT_CDB_MAX];
	uint32_t cdb_bytes;
	uint8_t direction;
	uint32_t out_bytes, in_bytes;
	uint8_t status, sense_bytes;
	uint8_t *out, *in; /* aligned */
};

static int send_ex(struct spt_handle *h, struct exchange *x)
{
	static struct {
		struct spt_pass_through_ex q;
		uint8_t sense[64], out[ROOM], in[ROOM];
	} b;

	b.q = (struct spt_pass_through_ex){
		.length = sizeof(b.q),
		.cdb_length = x->cdb_bytes,
		.sense_info_length = sizeof(b.sense),
		.data_direction = x->direction,
		.timeout_s = 10,
		.data_out_transfer_length = x->out_bytes,
		.data_in_transfer_length = x->in_bytes,
		.sense_info_offset = offsetof(__typeof__(b), sense),
		.data_out_buffer_offset = offsetof(__typeof__(b), out),
		.data_in_buffer_offset = offsetof(__typeof__(b), in),
	};
	memcpy(b.q.cdb, x->cdb, sizeof(x->cdb));
	memcpy(b.out, x->out, ROOM);
	int r = spt_pass_through_ex(h, &b.q, sizeof(b));
	memcpy(x->in, b.in, ROOM);
	x->status = b.q.scsi_status;
	x->sense_bytes = b.q.sense_info_length;
	x->out_bytes = b.q.data_out_transfer_length;
	x->in_bytes = b.q.data_in_transfer_length;
	return r;
}

static int send(struct spt_handle *h, struct exchange *x)
{
	struct {
		struct spt_pass_through_direct_ex q;
		uint8_t sense[64];
	} b = { .q = {
		.length = sizeof(b.q),
		.cdb_length = x->cdb_bytes,
		.sense_info_length = sizeof(b.sense),
		.data_direction = x->direction,
		.timeout_s = 10,
		.data_out_transfer_length = x->out_bytes,
		.data_in_transfer_length = x->in_bytes,
		.sense_info_offset = offsetof(__typeof__(b), sense),
		.data_out_buffer = x->out,
		.data_in_buffer = x->in,
	} };

	if (!x->direct)
		return send_ex(h, x);
	memcpy(b.q.cdb, x->cdb, sizeof(x->cdb));
	int r = spt_pass_through_direct_ex(h, &b.q, sizeof(b));
	x->status = b.q.scsi_status;
	x->sense_bytes = b.q.sense_info_length;
	x->out_bytes = b.q.data_out_transfer_length;
	x->in_bytes = b.q.data_in_transfer_length;
	return r;
}

/* A command with an operation code of its vendor: its direction is what the caller says. */
static void exchange_init(struct exchange *x, uint32_t cdb_bytes, uint8_t direction,
	uint32_t out_bytes, uint32_t in_bytes)
{
	static uint8_t out[ROOM] __attribute__((aligned(4096)));
	static uint8_t in[ROOM] __attribute__((aligned(4096)));

	memset(in, 0xee, sizeof(in));
	for (unsigned i = 0; i < ROOM; i++)
		out[i] = (uint8_t)(3 * i);
	x->cdb_bytes = cdb_bytes;
	x->direction = direction;
	x->out_bytes = out_bytes;
	x->in_bytes = in_bytes;
	x->out = out;
	x->in = in;
	x->cdb[0] = 0xc1;
	for (unsigned i = 1; i < sizeof(x->cdb); i++)
		x->cdb[i] = (uint8_t)i;
}

static struct spt_handle *odd_handle(void)
{
	struct spt_handle *h;

	odd_reset();
	struct spt_device *device = odd_open(&ODD_SHARED, 0);
	assert_int_equal(spt_handle_open(device, NULL, &h), 0);
	spt_device_unref(device);
	return h;
}

static void test_bidirectional(void **state)
{
	struct spt_handle *h = odd_handle();

	for (int direct = 0; direct < 2; direct++) {
		struct exchange x = { .direct = direct };
		exchange_init(&x, 10, SPT_DATA_BIDIRECTIONAL, 512, 700);
		assert_int_equal(send(h, &x), 0);
		assert_int_equal(x.status, SPT_GOOD);
		assert_int_equal(x.out_bytes, 512);
		assert_int_equal(x.in_bytes, 700);
		for (unsigned i = 0; i < 700; i++)
			assert_int_equal(x.in[i], i < 512 ? (uint8_t)~x.out[i] : (uint8_t)i);
		assert_int_equal(x.in[700], 0xee * direct); /* a block of our own is zeros there */
		if (direct) {
			assert_ptr_equal(odd.out_data, x.out);
			assert_ptr_equal(odd.in_data, x.in);
		}
	}
	spt_handle_close(h);
}

static void test_long_cdb(void **state)
{
	static const uint32_t lengths[] = { 6, 16, 17, 32, 200, SPT_CDB_MAX };
	struct spt_handle *h = odd_handle();

	for (size_t i = 0; i < 2 * sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct exchange x = { .direct = i & 1 };
		exchange_init(&x, lengths[i / 2], SPT_DATA_IN, 0, 64);
		assert_int_equal(send(h, &x), 0);
		assert_int_equal(odd.cdb_bytes, lengths[i / 2]);
		assert_memory_equal(odd.cdb, x.cdb, lengths[i / 2]);
		assert_int_equal(x.in_bytes, 64);
	}
	spt_handle_close(h);
}

/* Without extended requests: refused before anything is sent, and all else works as ever. */
static void test_not_extended(void **state)
{
	struct spt_handle *h = odd_handle();

	for (int direct = 0; direct < 2; direct++) {
		struct exchange x = { .direct = direct };
		odd.properties.bidirectional = false;
		odd.properties.max_cdb_bytes = 32;
		odd.submitted = 0;
		exchange_init(&x, 10, SPT_DATA_BIDIRECTIONAL, 512, 512);
		assert_int_equal(send(h, &x), -EOPNOTSUPP);
		exchange_init(&x, 33, SPT_DATA_IN, 0, 64);
		assert_int_equal(send(h, &x), -EOPNOTSUPP);
		odd.properties.max_cdb_bytes = 16;
		exchange_init(&x, 17, SPT_DATA_IN, 0, 64);
		assert_int_equal(send(h, &x), -EOPNOTSUPP);
		assert_int_equal(odd.submitted, 0);
		exchange_init(&x, 16, SPT_DATA_OUT, 512, 0);
		assert_int_equal(send(h, &x), 0);
		assert_int_equal(odd.submitted, 1);
	}
	spt_handle_close(h);
}

static void on_device(struct spt_handle *h)
{
	static const uint8_t write[] = WRITE_10(4, 2), read[] = READ_10(4, 2), inquiry[] = INQUIRY(64);
	struct spt_adapter_properties p = { .length = sizeof(p) };

	assert_int_equal(spt_adapter_properties(h, &p), 0);
	for (int direct = 0; direct < 2; direct++) {
		struct exchange x = { .direct = direct };
		exchange_init(&x, 6, SPT_DATA_IN, 0, 64);
		memcpy(x.cdb, inquiry, 6);
		assert_int_equal(send(h, &x), 0);
		exchange_init(&x, 10, SPT_DATA_OUT, 1024, 0);
		memcpy(x.cdb, write, 10);
		assert_int_equal(send(h, &x), 0);
		assert_int_equal(x.status, SPT_GOOD);
		assert_int_equal(x.out_bytes, 1024);
		exchange_init(&x, 10, SPT_DATA_UNSPECIFIED, 0, 1024);
		memcpy(x.cdb, read, 10);
		assert_int_equal(send(h, &x), 0);
		assert_int_equal(x.status, SPT_GOOD);
		assert_memory_equal(x.in, x.out, 1024);
		exchange_init(&x, 10, SPT_DATA_BIDIRECTIONAL, 512, 512);
		assert_int_equal(send(h, &x), p.bidirectional ? 0 : -EOPNOTSUPP);
		exchange_init(&x, p.max_cdb_bytes + 1u, SPT_DATA_IN, 0, 64);
		assert_int_equal(send(h, &x), -EOPNOTSUPP);
	}
}

static void test_on_devices(void **state)
{
	for_each_handle(on_device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bidirectional),
		cmocka_unit_test(test_long_cdb),
		cmocka_unit_test(test_not_extended),
		cmocka_unit_test(test_on_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
