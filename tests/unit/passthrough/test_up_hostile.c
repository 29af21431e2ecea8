/* SPDX-License-Identifier: MIT */
/*
 * The iscsi backend in front of targets that break the rules: each gets the answer that an
 * initiator can use, memory is touched by nobody but its owner (run it under the address
 * sanitizer), and the next command works.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
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
static const char *options_of[2]; /* beside the usual, for the next open_rig() */
static const uint8_t READ[10] = { 0x28, [8] = 8 }, WRITE[10] = { 0x2a, [8] = 8 }, TEST[6] = { 0 };

static void open_rig(int port)
{
	char url[128];
	const char *options[12] = { url, "nop-interval=0", "retry-max=200ms",
		"retry-refused=300ms", "abort-timeout=1s", "fail-time=0" };
	unsigned n = 6;
	struct spt_error error = { "" };

	snprintf(url, sizeof(url), "url=iscsi://127.0.0.1:%d/iqn.2026-11.org.sptgt:hostile/0",
		port);
	for (unsigned i = 0; i < ARRAY_SIZE(options_of) && options_of[i]; i++)
		options[n++] = options_of[i];
	options[n] = "hold-time=10s"; /* the first one counts */
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

static void write_chap_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_true(dprintf(fd, "near secret-of-mine mutual far secret-of-yours\n") > 0);
	close(fd);
}

/* Who does not let us in, or not on sane terms, or is not there: told once, and tried again. */
static void test_logins(void **state)
{
	char dir[] = "/tmp/sptgt-hostile-XXXXXX", path[64], chap[80];
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/chap", dir);
	snprintf(chap, sizeof(chap), "chap-file=%s", path);
	const struct {
		enum hostile_way way;
		unsigned login_status;
		const char *option, *says;
		unsigned most; /* attempts in 800 ms */
	} rows[] = {
		{ HOSTILE_LOGIN_REFUSED, 0x0201, NULL, "Authentication failure", 10 },
		{ HOSTILE_LOGIN_REFUSED, 0x0202, NULL, "Authorization failure", 10 },
		{ HOSTILE_LOGIN_REFUSED, 0x0203, NULL, "Target not found", 30 },
		{ HOSTILE_LOGIN_REFUSED, 0x0301, NULL, "Service unavailable", 30 },
		{ HOSTILE_LOGIN_REFUSED, 0x0302, NULL, "Out of resources", 30 },
		{ HOSTILE_LOGIN_REFUSED, 0x07ff, NULL, "Unknown login error", 30 },
		{ HOSTILE_LOGIN_CLOSE, 0, NULL, "lost", 30 },
		{ HOSTILE_NO_LENGTH, 0, NULL, "negotiates a length", 30 },
		{ HOSTILE_NO_DIGEST, 0, "header-digest=crc32c", "does not do header digests", 30 },
		{ HOSTILE_REDIRECT, 0, NULL, "again and again", 80 },
		{ HOSTILE_CHAP_SKIPPED, 0, chap, "did not prove by CHAP", 10 },
		{ HOSTILE_CHAP_ZEROS, 0, chap, "did not prove by CHAP", 10 },
		{ HOSTILE_CHAP_ODD, 0, chap, "challenge is not of whole", 30 },
		{ HOSTILE_INQUIRY_NONE, 0, NULL, "no such logical unit", 30 },
		{ HOSTILE_INQUIRY_SHORT, 0, NULL, "no such logical unit", 30 },
		{ HOSTILE_INQUIRY_SILENT, 0, NULL, "does not tell within connect-timeout", 5 },
		{ HOSTILE_PAGE_BUSY, 0, NULL, "does not answer INQUIRY", 30 },
	};
	char text[200];

	write_chap_file(path);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int never = 0;
		behave(rows[i].way);
		atomic_store(&upstream.login_status, (int)rows[i].login_status);
		atomic_store(&upstream.redirect_port, upstream.port); /* in circles */
		options_of[0] = "connect-timeout=500ms";
		options_of[1] = rows[i].option;
		open_rig(upstream.port);
		fake_host_until(&rig.fake, &never, 800000);
		int attempts = atomic_load(&upstream.connections);
		if (rig.events != 1 || !strstr(rig.event, rows[i].says))
			fail_msg("row %zu: %u events: %s", i, rig.events, rig.event);
		if (attempts < 1 || attempts > (int)rows[i].most)
			fail_msg("row %zu: %d attempts", i, attempts);
		spt_device_describe(rig.device, text, sizeof(text));
		if (!strstr(text, rows[i].says) || !strstr(text, "not connected"))
			fail_msg("row %zu: described as: %s", i, text);
		assert_true(rig_close(&rig));
	}
	options_of[0] = options_of[1] = NULL;
	unlink(path);
	rmdir(dir);
}

/* The same, but it changes its mind while a command waits: that is executed. */
static void test_let_in_later(void **state)
{
	static const enum hostile_way ways[] = { HOSTILE_LOGIN_REFUSED, HOSTILE_INQUIRY_NONE,
		HOSTILE_INQUIRY_SILENT };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		int never = 0;
		behave(ways[i]);
		atomic_store(&upstream.login_status, 0x0202);
		options_of[0] = "connect-timeout=2s";
		open_rig(upstream.port);
		run_start(&rig, &runs[0], TEST, 6, 0, NULL, 0);
		fake_host_until(&rig.fake, &never, 300000);
		assert_int_equal(runs[0].done, 0);
		behave(HOSTILE_NOT);
		assert_true(run_wait(&rig, &runs[0], 10 * SECOND));
		assert_int_equal(runs[0].task.status, SPT_GOOD);
		run_end(&runs[0]);
		expect_good_read();
		assert_true(rig_close(&rig));
	}
	options_of[0] = NULL;
}

/* Who comes back as somebody else is not used; who comes back as himself is. */
static void test_identity(void **state)
{
	behave(HOSTILE_NOT);
	options_of[0] = "hold-time=500ms";
	open_rig(upstream.port);
	expect_good_read();
	atomic_store(&upstream.serial, 1);
	behave(HOSTILE_CLOSE);
	assert_int_equal(run_now(&rig, &runs[0], READ, 10, BYTES, NULL, 0), SPT_CHECK_CONDITION);
	run_end(&runs[0]);
	behave(HOSTILE_NOT);
	expect_status(SPT_BUSY);
	assert_int_equal(rig.events, 2); /* lost; and another is there */
	assert_non_null(strstr(rig.event, "another logical unit is there: naa.5001020304050607"));
	int connections = atomic_load(&upstream.connections);
	expect_status(SPT_BUSY);
	assert_int_equal(rig.events, 2);
	assert_true(atomic_load(&upstream.connections) > connections);
	atomic_store(&upstream.serial, 0);
	run_start(&rig, &runs[0], TEST, 6, 0, NULL, 0);
	while (run_wait(&rig, &runs[0], 10 * SECOND) && runs[0].task.status == SPT_BUSY) {
		run_end(&runs[0]);
		run_start(&rig, &runs[0], TEST, 6, 0, NULL, 0);
	}
	assert_int_equal(runs[0].task.status, SPT_GOOD);
	run_end(&runs[0]);
	expect_good_read();
	assert_non_null(strstr(rig.event, "is up"));
	assert_true(rig_close(&rig));
	options_of[0] = NULL;
}

/*
 * RFC 7143 4.4.3: upstream, a nexus is the same one whenever it comes back, so that its persistent
 * reservations are its own again and a session that lingers is reinstated; and no other is like it.
 */
static void test_isid(void **state)
{
	behave(HOSTILE_NOT);
	open_rig(upstream.port);
	expect_good_read();
	unsigned long long isid = atomic_load(&upstream.isid);
	assert_int_equal(isid >> 46, 2); /* 11.12.5: of the random type */
	behave(HOSTILE_CLOSE);
	assert_int_equal(run_now(&rig, &runs[0], READ, 10, BYTES, NULL, 0), SPT_CHECK_CONDITION);
	run_end(&runs[0]);
	atomic_store(&upstream.isid, 0);
	behave(HOSTILE_NOT);
	expect_good_read();
	assert_true(atomic_load(&upstream.isid) == isid);
	assert_true(rig_close(&rig));
	atomic_store(&upstream.isid, 0);
	open_rig(upstream.port);
	expect_good_read();
	assert_true(atomic_load(&upstream.isid) == isid);
	assert_true(rig_stop(&rig, rig.session)); /* it serves one at a time */
	rig.session = rig_session(&rig, 2);
	expect_good_read();
	assert_true(atomic_load(&upstream.isid) != isid);
	assert_true(rig_close(&rig));
}

/* Vital product data that is cut short or another's is as good as none. */
static void test_odd_pages(void **state)
{
	static const enum hostile_way ways[] = { HOSTILE_PAGE_SHORT, HOSTILE_PAGE_WRONG };

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		behave(ways[i]);
		open_rig(upstream.port);
		expect_status(SPT_GOOD);
		assert_int_equal(rig.events, 0);
		assert_true(rig_close(&rig));
	}
}

/* One session upstream: a unit attention that it gets is everybody's, once. */
static void test_shared_attention(void **state)
{
	behave(HOSTILE_NOT);
	options_of[0] = "nexus=shared";
	options_of[1] = "initiator-name=iqn.2026-11.org.sptgt:us";
	atomic_store(&upstream.attentions, 2); /* at login: about a nexus that is new */
	open_rig(upstream.port);
	spt_session_cookie first = rig.session, second = rig_session(&rig, 2);
	for (unsigned i = 0; i < 2; i++) {
		rig.session = i ? second : first;
		expect_status(SPT_CHECK_CONDITION);
		expect_status(SPT_GOOD);
		assert_int_equal(atomic_load(&upstream.connections), 1);
	}
	atomic_store(&upstream.attentions, 1);
	expect_status(SPT_CHECK_CONDITION);
	expect_status(SPT_GOOD);
	rig.session = first;
	assert_int_equal(run_now(&rig, &runs[0], TEST, 6, 0, NULL, 0), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]), 0x62800);
	run_end(&runs[0]);
	expect_status(SPT_GOOD);
	/* what waits when the session comes back is news for all */
	behave(HOSTILE_CLOSE);
	assert_int_equal(run_now(&rig, &runs[0], READ, 10, BYTES, NULL, 0), SPT_CHECK_CONDITION);
	run_end(&runs[0]);
	atomic_store(&upstream.attentions, 1);
	behave(HOSTILE_NOT);
	while (run_now(&rig, &runs[0], READ, 10, BYTES, NULL, 0) != SPT_GOOD)
		run_end(&runs[0]);
	run_end(&runs[0]);
	rig.session = second;
	assert_int_equal(run_now(&rig, &runs[0], TEST, 6, 0, NULL, 0), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]), 0x62800);
	run_end(&runs[0]);
	expect_status(SPT_GOOD);
	assert_true(rig_stop(&rig, second));
	rig.session = first;
	assert_true(rig_close(&rig));
	options_of[0] = options_of[1] = NULL;
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

/* A portal that sends round in circles does not keep us from the next one. */
static void test_redirect_circle(void **state)
{
	struct hostile other;
	char portals[40];

	hostile_start(&other);
	behave(HOSTILE_REDIRECT);
	atomic_store(&upstream.redirect_port, upstream.port);
	snprintf(portals, sizeof(portals), "portals=127.0.0.1:%d", other.port);
	options_of[0] = portals;
	open_rig(upstream.port);
	expect_status(SPT_GOOD);
	expect_good_read();
	assert_int_equal(atomic_load(&other.connections), 1);
	assert_true(rig_close(&rig));
	options_of[0] = NULL;
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
		cmocka_unit_test(test_let_in_later),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_isid),
		cmocka_unit_test(test_odd_pages),
		cmocka_unit_test(test_shared_attention),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_redirect_circle),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
