/* SPDX-License-Identifier: MIT */
/*
 * The iscsi backend in front of targets that break the rules: each gets the answer that an
 * initiator can use, memory is touched by nobody but its owner (run it under the address
 * sanitizer), and the next command works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "hostile.h"
#include "rig.h"

#define SECOND 1000000u
#define BYTES  4096u

static struct hostile upstream;
static struct rig rig;
static struct run runs[4];
static uint8_t data[16 << 20];
static const uint8_t READ[10] = { 0x28, [8] = 8 }, WRITE[10] = { 0x2a, [8] = 8 }, TEST[6] = { 0 };

static void open_rig(int port)
{
	char url[128];
	const char *options[] = { url, "nop-interval=0", "hold-time=1s", "retry-max=200ms",
		"abort-timeout=1s", NULL };
	struct spt_error error = { "" };

	snprintf(url, sizeof(url), "url=iscsi://127.0.0.1:%d/iqn.2026-11.org.sptgt:hostile/0",
		port);
	if (rig_open(&rig, "iscsi", options, &error) < 0)
		fail_msg("%s", error.text);
}

static void behave(enum hostile_way way)
{
	atomic_store(&upstream.way, way);
	atomic_store(&upstream.connections, 0);
	atomic_store(&upstream.tmf_response, 0);
}

static void expect_status(unsigned status)
{
	assert_int_equal(run_now(&rig, &runs[0], TEST, 6, 0, NULL, 0), status);
	run_end(&runs[0]);
}

/* All is as if nothing had been. */
static void expect_good_read(void)
{
	assert_int_equal(run_now(&rig, &runs[0], READ, 10, BYTES, NULL, 0), SPT_GOOD);
	assert_int_equal(runs[0].task.in.bytes, BYTES);
	for (unsigned i = 0; i < BYTES; i++)
		assert_int_equal(runs[0].task.in.data[i], 0x55);
	run_end(&runs[0]);
}

static void test_answers(void **state)
{
	static const struct {
		enum hostile_way way;
		bool write;
		unsigned want_status, want_sense, want_in;
		bool survives; /* the session does */
	} rows[] = {
		{ HOSTILE_NOT, false, SPT_GOOD, 0, BYTES, true },
		{ HOSTILE_SENSE_NONE, false, SPT_CHECK_CONDITION, 0x44400, 0, true },
		{ HOSTILE_SENSE_NONE, true, SPT_CHECK_CONDITION, 0x44400, 0, true },
		{ HOSTILE_SENSE_ONE_BYTE, false, SPT_CHECK_CONDITION, 0x44400, 0, true },
		{ HOSTILE_SENSE_LONG, false, SPT_CHECK_CONDITION, 0x30000, 0, true },
		{ HOSTILE_NO_DATA, false, SPT_CHECK_CONDITION, 0xb4b00, 0, true },
		{ HOSTILE_FAILURE, false, SPT_CHECK_CONDITION, 0xb4b00, 0, true },
		{ HOSTILE_UNDERFLOW, false, SPT_GOOD, 0, 0, true },
		{ HOSTILE_OFFSET, false, SPT_CHECK_CONDITION, 0xb0800, 0, false },
		{ HOSTILE_OVERLONG, false, SPT_CHECK_CONDITION, 0xb0800, 0, false },
		{ HOSTILE_OVERLONG, true, SPT_CHECK_CONDITION, 0xb0800, 0, false },
		{ HOSTILE_R2T, true, SPT_CHECK_CONDITION, 0xb0800, 0, false },
		{ HOSTILE_REJECT, false, SPT_CHECK_CONDITION, 0xb0800, 0, true },
		{ HOSTILE_CLOSE, false, SPT_CHECK_CONDITION, 0xb0800, 0, false },
		{ HOSTILE_CLOSE, true, SPT_CHECK_CONDITION, 0xb0800, 0, false },
		{ HOSTILE_GARBAGE, false, SPT_CHECK_CONDITION, 0xb0800, 0, false },
		{ HOSTILE_ASYNC_LOGOUT, false, SPT_CHECK_CONDITION, 0xb0800, 0, false },
		{ HOSTILE_STATUS, false, SPT_CHECK_CONDITION, 0xb0800, 0, false },
	};

	memset(data, 0x77, sizeof(data));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		behave(rows[i].way);
		open_rig(upstream.port);
		expect_status(SPT_GOOD);
		int status = rows[i].write ? run_now(&rig, &runs[0], WRITE, 10, 0, data, BYTES) :
					     run_now(&rig, &runs[0], READ, 10, BYTES, NULL, 0);
		unsigned sense = run_sense(&runs[0]), in = runs[0].task.in.bytes;
		if (status != (int)rows[i].want_status || sense != rows[i].want_sense ||
			in != rows[i].want_in)
			fail_msg("row %zu: status 0x%02x sense 0x%05x in %u", i, status, sense, in);
		run_end(&runs[0]);
		behave(HOSTILE_NOT);
		expect_good_read();
		/* the count begins anew with behave() */
		if (atomic_load(&upstream.connections) != !rows[i].survives)
			fail_msg("row %zu: %d new connections", i,
				atomic_load(&upstream.connections));
		assert_true(rig_close(&rig));
	}
}

/*
 * A response comes while most of the data-out that was asked for is still to be sent, and the
 * target does not take it: what goes out after the task is over is zeros, not what its memory holds
 * by then.
 */
static void test_early_response(void **state)
{
	behave(HOSTILE_EARLY);
	open_rig(upstream.port);
	expect_status(SPT_GOOD);
	memset(data, 0x77, sizeof(data));
	atomic_store(&upstream.nonzero, 0);
	assert_int_equal(run_now(&rig, &runs[0], WRITE, 10, 0, data, sizeof(data)), SPT_BUSY);
	memset(runs[0].task.out.data, 0x99, sizeof(data)); /* it is ours again */
	run_end(&runs[0]);
	expect_good_read();
	expect_good_read();
	assert_int_equal(atomic_load(&upstream.connections), 1);
	/* what the kernel's buffers held already is the only data that came */
	assert_true(atomic_load(&upstream.nonzero) < (int)sizeof(data) / 2);
	assert_true(rig_close(&rig));
}

/* A NOP-In that comes while data-out is queued is answered, and nothing is the worse for it. */
static void check_ping(enum hostile_way way, uint32_t bytes)
{
	behave(way);
	atomic_store(&upstream.pongs, 0);
	open_rig(upstream.port);
	expect_status(SPT_GOOD);
	memset(data, 0x77, bytes);
	assert_int_equal(run_now(&rig, &runs[0], WRITE, 10, 0, data, bytes), SPT_GOOD);
	run_end(&runs[0]);
	expect_good_read();
	assert_int_equal(atomic_load(&upstream.connections), 1);
	assert_int_equal(atomic_load(&upstream.pongs), 1);
	assert_true(rig_close(&rig));
}

static void test_ping_under_write(void **state)
{
	check_ping(HOSTILE_PING, sizeof(data));
	check_ping(HOSTILE_PING_AT_ONCE, 64 << 10);
}

/* Two large transfers, and an upstream that takes no data before its own is taken. */
static void test_crossed(void **state)
{
	behave(HOSTILE_CROSSED);
	open_rig(upstream.port);
	expect_status(SPT_GOOD);
	memset(data, 0x77, sizeof(data));
	run_start(&rig, &runs[0], WRITE, 10, 0, data, sizeof(data));
	run_start(&rig, &runs[1], READ, 10, sizeof(data), NULL, 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(run_wait(&rig, &runs[i], 60 * SECOND));
		assert_int_equal(runs[i].task.status, SPT_GOOD);
	}
	assert_int_equal(runs[1].task.in.bytes, sizeof(data));
	run_end(&runs[0]);
	run_end(&runs[1]);
	expect_good_read();
	assert_int_equal(atomic_load(&upstream.connections), 1);
	assert_true(rig_close(&rig));
}

/* ABORT TASK, and what a target may answer to it (RFC 7143 11.6.1). */
static void test_aborts(void **state)
{
	static const struct {
		enum hostile_way way;
		int tmf_response;
		bool survives;
	} rows[] = {
		{ HOSTILE_SILENT, 0, true },
		{ HOSTILE_SILENT, 1, true },   /* it does not exist: it is over all the same */
		{ HOSTILE_SILENT, 5, false },  /* not supported: the session is dropped */
		{ HOSTILE_SILENT, 255, false },
		{ HOSTILE_LATE_DATA, 0, true }, /* for a task that is no longer: nobody's memory */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		behave(rows[i].way);
		atomic_store(&upstream.tmf_response, rows[i].tmf_response);
		open_rig(upstream.port);
		expect_status(SPT_GOOD);
		run_start(&rig, &runs[0], READ, 10, BYTES, NULL, 0);
		assert_int_equal(rig_tmf(&rig, SPT_TMF_ABORT_TASK, &runs[0], 5 * SECOND),
			SPT_TMF_COMPLETE);
		assert_int_equal(runs[0].done, 1);
		assert_int_equal(runs[0].task.outcome, SPT_ABORTED);
		run_end(&runs[0]);
		atomic_store(&upstream.way, HOSTILE_NOT); /* towards a new connection */
		expect_good_read();
		assert_int_equal(atomic_load(&upstream.connections), rows[i].survives ? 1 : 2);
		assert_false(spt_device_fenced(rig.device));
		assert_true(rig_close(&rig));
	}
}

/* A LUN RESET that upstream does ends its commands there, without responses. */
static void test_reset(void **state)
{
	behave(HOSTILE_SILENT);
	open_rig(upstream.port);
	expect_status(SPT_GOOD);
	run_start(&rig, &runs[0], READ, 10, BYTES, NULL, 0);
	assert_int_equal(rig_tmf(&rig, SPT_TMF_LOGICAL_UNIT_RESET, NULL, 5 * SECOND),
		SPT_TMF_COMPLETE);
	assert_int_equal(runs[0].done, 1);
	run_end(&runs[0]);
	expect_good_read();
	assert_int_equal(atomic_load(&upstream.connections), 1);
	assert_true(rig_close(&rig));
}

/* Who does not let us in, or not on sane terms: bounded answers, tried again. */
static void test_logins(void **state)
{
	static const enum hostile_way ways[] = { HOSTILE_LOGIN_REFUSED, HOSTILE_NO_LENGTH,
		HOSTILE_REDIRECT };
	static const char *const says[] = { "Authorization failure", "negotiates a length",
		"again and again" };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		behave(ways[i]);
		atomic_store(&upstream.redirect_port, upstream.port); /* in circles */
		open_rig(upstream.port);
		expect_status(SPT_BUSY); /* after hold-time */
		assert_int_equal(rig.events, 1);
		assert_non_null(strstr(rig.event, says[i]));
		assert_true(atomic_load(&upstream.connections) > 1);
		assert_true(atomic_load(&upstream.connections) < 20);
		behave(HOSTILE_NOT);
		expect_status(SPT_GOOD);
		expect_good_read();
		assert_true(rig_close(&rig));
	}
}

static void test_redirect(void **state)
{
	struct hostile other;

	hostile_start(&other);
	behave(HOSTILE_REDIRECT);
	atomic_store(&upstream.redirect_port, other.port);
	open_rig(upstream.port);
	expect_status(SPT_GOOD);
	expect_good_read();
	assert_int_equal(atomic_load(&upstream.connections), 1);
	assert_int_equal(atomic_load(&other.connections), 1);
	assert_int_equal(rig.events, 0); /* nothing out of the way */
	assert_true(rig_close(&rig));
	hostile_stop(&other);
}

static int set_up(void **state)
{
	hostile_start(&upstream);
	return 0;
}

static int tear_down(void **state)
{
	hostile_stop(&upstream);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_early_response),
		cmocka_unit_test(test_ping_under_write),
		cmocka_unit_test(test_crossed),
		cmocka_unit_test(test_aborts),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_redirect),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
