/* SPDX-License-Identifier: MIT */
/* The table from the kernel's results to statuses, headers, residuals. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "passthrough/sg_header.h"

#define NO_SENSE 0

/* A command that the adapter, the driver or the kernel failed is never GOOD. */
static void test_verdicts(void **state)
{
	static const struct {
		unsigned status, host, driver, sense_bytes;
		unsigned want_status, want_sense; /* key << 16 | asc of our own sense */
		bool want_moved;
	} rows[] = {
		{ 0x00, 0x00, 0x00, 0, SPT_GOOD, NO_SENSE, true },
		{ 0x00, 0x0a, 0x00, 0, SPT_GOOD, NO_SENSE, true },  /* PASSTHROUGH */
		{ 0x00, 0x00, 0x08, 18, SPT_GOOD, NO_SENSE, true }, /* sense with GOOD */
		{ 0x02, 0x00, 0x08, 18, SPT_CHECK_CONDITION, NO_SENSE, true },
		{ 0x02, 0x00, 0x00, 18, SPT_CHECK_CONDITION, NO_SENSE, true },
		{ 0x02, 0x05, 0x08, 18, SPT_CHECK_CONDITION, NO_SENSE, true }, /* it did speak */
		{ 0x02, 0x00, 0x00, 0, SPT_CHECK_CONDITION, 0x44400, false },  /* sense lost */
		{ 0x04, 0x00, 0x00, 0, SPT_CONDITION_MET, NO_SENSE, true },
		{ 0x08, 0x00, 0x00, 0, SPT_BUSY, NO_SENSE, true },
		{ 0x18, 0x00, 0x00, 0, SPT_RESERVATION_CONFLICT, NO_SENSE, true },
		{ 0x18, 0x11, 0x00, 0, SPT_RESERVATION_CONFLICT, NO_SENSE, false }, /* by both */
		{ 0x28, 0x00, 0x00, 0, SPT_TASK_SET_FULL, NO_SENSE, true },
		{ 0x40, 0x00, 0x00, 0, SPT_TASK_ABORTED, NO_SENSE, true },
		{ 0x00, 0x01, 0x00, 0, SPT_CHECK_CONDITION, 0x20400, false }, /* NO_CONNECT */
		{ 0x00, 0x02, 0x00, 0, SPT_BUSY, NO_SENSE, false },           /* BUS_BUSY */
		{ 0x00, 0x03, 0x00, 0, SPT_CHECK_CONDITION, 0xb2e02, false }, /* TIME_OUT */
		{ 0x00, 0x03, 0x06, 0, SPT_CHECK_CONDITION, 0xb2e02, false },
		{ 0x00, 0x04, 0x00, 0, SPT_CHECK_CONDITION, 0x20400, false }, /* BAD_TARGET */
		{ 0x00, 0x05, 0x00, 0, SPT_CHECK_CONDITION, 0xb0000, false }, /* ABORT */
		{ 0x00, 0x06, 0x00, 0, SPT_CHECK_CONDITION, 0xb4700, false }, /* PARITY */
		{ 0x00, 0x07, 0x00, 0, SPT_CHECK_CONDITION, 0x44400, false }, /* ERROR */
		{ 0x00, 0x08, 0x00, 0, SPT_CHECK_CONDITION, 0xb0000, false }, /* RESET */
		{ 0x00, 0x0b, 0x00, 0, SPT_CHECK_CONDITION, 0xb4400, false }, /* SOFT_ERROR */
		{ 0x00, 0x0d, 0x00, 0, SPT_BUSY, NO_SENSE, false },           /* REQUEUE */
		{ 0x00, 0x0e, 0x00, 0, SPT_CHECK_CONDITION, 0xb0800, false }, /* DISRUPTED */
		{ 0x00, 0x0f, 0x00, 0, SPT_CHECK_CONDITION, 0x20400, false }, /* FAILFAST */
		{ 0x00, 0x77, 0x00, 0, SPT_CHECK_CONDITION, 0x44400, false }, /* not known */
		{ 0x00, 0x00, 0x06, 0, SPT_CHECK_CONDITION, 0xb2e02, false }, /* DRIVER_TIMEOUT */
		{ 0x00, 0x00, 0x01, 0, SPT_BUSY, NO_SENSE, false },           /* DRIVER_BUSY */
		{ 0x00, 0x00, 0x0f, 0, SPT_CHECK_CONDITION, 0x44400, false }, /* not known */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sg_verdict v = sg_verdict_of(rows[i].status, rows[i].host, rows[i].driver,
			rows[i].sense_bytes);
		unsigned sense = v.own_sense ? (unsigned)v.key << 16 | v.asc : NO_SENSE;
		if (v.status != rows[i].want_status || sense != rows[i].want_sense ||
			v.moved != rows[i].want_moved)
			fail_msg("row %zu: status 0x%02x sense 0x%05x moved %d", i, v.status, sense,
				v.moved);
	}
}

/* Whatever the host status, there is no way to GOOD but the two that mean it. */
static void test_no_other_way_to_good(void **state)
{
	for (unsigned host = 0; host < 0x10000; host++) {
		struct sg_verdict v = sg_verdict_of(0, host, 0, 0);
		assert_int_equal(v.status == SPT_GOOD, host == 0x00 || host == 0x0a);
		assert_int_equal(v.moved, v.status == SPT_GOOD);
	}
	for (int err = 1; err < 200; err++)
		assert_int_not_equal(sg_verdict_of_errno(err).status, SPT_GOOD);
}

static void test_errnos(void **state)
{
	static const struct {
		int err;
		unsigned want_status, want_sense;
	} rows[] = {
		{ ENODEV, SPT_CHECK_CONDITION, 0x20403 },
		{ ENXIO, SPT_CHECK_CONDITION, 0x20403 },
		{ EINVAL, SPT_CHECK_CONDITION, 0x52400 },
		{ EMSGSIZE, SPT_CHECK_CONDITION, 0x52000 },
		{ ENOMEM, SPT_BUSY, NO_SENSE },
		{ EDOM, SPT_BUSY, NO_SENSE },
		{ EPERM, SPT_CHECK_CONDITION, 0x44400 },
		{ EIO, SPT_CHECK_CONDITION, 0x44400 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sg_verdict v = sg_verdict_of_errno(rows[i].err);
		assert_int_equal(v.status, rows[i].want_status);
		assert_int_equal(v.own_sense ? (unsigned)v.key << 16 | v.asc : NO_SENSE,
			rows[i].want_sense);
	}
}

/* A residual out of range (adapters report such) never makes more data than there is room. */
static void test_residuals(void **state)
{
	static const struct {
		uint32_t in, out;
		int resid;
		bool moved;
		uint64_t want_in, want_in_would, want_out_would;
	} rows[] = {
		{ 512, 0, 0, true, 512, 512, 0 },
		{ 512, 0, 100, true, 412, 412, 0 },
		{ 512, 0, 512, true, 0, 0, 0 },
		{ 512, 0, 513, true, 0, 0, 0 },
		{ 512, 0, -8, true, 512, 512, 0 },
		{ 512, 0, 0, false, 0, 0, 0 },
		{ 0, 512, 0, true, 0, 0, 512 },
		{ 0, 512, 12, true, 0, 0, 500 },
		{ 0, 512, 0, false, 0, 0, 0 },
		{ 0, 0, 0, true, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_task t = { .in.bytes = rows[i].in, .out.bytes = rows[i].out };
		sg_count_moved(&t, rows[i].resid, rows[i].resid, rows[i].moved);
		assert_int_equal(t.in.bytes, rows[i].want_in);
		assert_int_equal(t.in_would_bytes, rows[i].want_in_would);
		assert_int_equal(t.out_would_bytes, rows[i].want_out_would);
	}
	/* both directions at once, each with its own */
	struct spt_task t = { .in.bytes = 100, .out.bytes = 200 };
	sg_count_moved(&t, 1, 2, true);
	assert_int_equal(t.in.bytes, 99);
	assert_int_equal(t.out_would_bytes, 198);
}

static void test_transfers(void **state)
{
	static const struct {
		uint8_t cdb[16];
		uint64_t want_read, want_write;
	} rows[] = {
		{ { 0x08, 0, 0, 0, 1 }, 512, 0 },
		{ { 0x0a, 0, 0, 0, 0 }, 0, 256 * 512 },
		{ { 0x28, [8] = 3 }, 3 * 512, 0 },
		{ { 0x28, 0x20, [8] = 3 }, 0, 0 }, /* RDPROTECT */
		{ { 0x2a, [7] = 0xff, [8] = 0xff }, 0, 65535 * 512 },
		{ { 0xa8, [9] = 9 }, 9 * 512, 0 },
		{ { 0xaa, [9] = 9 }, 0, 9 * 512 },
		{ { 0x88, [13] = 2 }, 2 * 512, 0 },
		{ { 0x8a, [10] = 0xff, 0xff, 0xff, 0xff }, 0, UINT64_C(0xffffffff) * 512 },
		{ { 0x12, 0, 0, 0, 36 }, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(sg_read_transfer(rows[i].cdb, 0x00, 512), rows[i].want_read);
		assert_int_equal(sg_write_transfer(rows[i].cdb, 0x00, 512), rows[i].want_write);
		assert_int_equal(sg_read_transfer(rows[i].cdb, 0x08, 0), 0); /* no block device */
	}
}

/* SSC-5 5.3, 5.6: bytes in variable block mode; with FIXED it is not told. */
static void test_tape_transfers(void **state)
{
	static const struct {
		uint8_t cdb[16];
		uint64_t want_read, want_write;
	} rows[] = {
		{ { 0x08, 0, 0x01, 0x02, 0x03 }, 0x010203, 0 },
		{ { 0x08, 2, 0x20, 0x00, 0x00 }, 0x200000, 0 }, /* SILI */
		{ { 0x08, 1, 0x00, 0x00, 0x04 }, 0, 0 },	/* FIXED */
		{ { 0x08, 0, 0x00, 0x00, 0x00 }, 0, 0 },
		{ { 0x0a, 0, 0x01, 0x00, 0x00 }, 0, 0x10000 },
		{ { 0x0a, 1, 0x01, 0x00, 0x00 }, 0, 0 },
		{ { 0x88, [12] = 0x01, [14] = 0x07 }, 0x010007, 0 },
		{ { 0x8a, [12] = 0x01, [14] = 0x07 }, 0, 0x010007 },
		{ { 0x28, [8] = 3 }, 0, 0 }, /* none of a tape's */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(sg_read_transfer(rows[i].cdb, 0x01, 0), rows[i].want_read);
		assert_int_equal(sg_write_transfer(rows[i].cdb, 0x01, 0), rows[i].want_write);
	}
}

static void test_headers(void **state)
{
	uint8_t data[64];
	struct spt_task t = { .cdb = { 0x28 }, .cdb_bytes = 16 };
	sg_io_hdr_t h;

	sg_header_fill(&h, &t, 7000, 3);
	assert_int_equal(h.interface_id, 'S');
	assert_int_equal(h.dxfer_direction, SG_DXFER_NONE);
	assert_int_equal(h.cmd_len, 10);
	assert_ptr_equal(h.cmdp, t.cdb);
	assert_ptr_equal(h.sbp, t.sense);
	assert_int_equal(h.mx_sb_len, SPT_SENSE_MAX);
	assert_int_equal(h.timeout, 7000);
	assert_int_equal(h.pack_id, 3);
	/* at the tail, or writes overtake each other; never direct, or closing is no fence */
	assert_int_equal(h.flags, 0x10);
	t.in = (struct spt_data){ data, 64 };
	sg_header_fill(&h, &t, 1, 0);
	assert_int_equal(h.dxfer_direction, SG_DXFER_FROM_DEV);
	assert_int_equal(h.dxfer_len, 64);
	t.in.bytes = 0;
	t.out = (struct spt_data){ data, 32 };
	sg_header_fill(&h, &t, 1, 0);
	assert_int_equal(h.dxfer_direction, SG_DXFER_TO_DEV);
	assert_int_equal(h.dxfer_len, 32);
	assert_ptr_equal(h.dxferp, data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_no_other_way_to_good),
		cmocka_unit_test(test_errnos),
		cmocka_unit_test(test_residuals),
		cmocka_unit_test(test_transfers),
		cmocka_unit_test(test_tape_transfers),
		cmocka_unit_test(test_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
