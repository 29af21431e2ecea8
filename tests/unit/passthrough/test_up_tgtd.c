/* SPDX-License-Identifier: MIT */
/*
 * The iscsi backend in front of a real target: data, reservations of two nexuses, task management;
 * and the target frozen, killed and restarted under commands.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/be.h"
#include "rig.h"
#include "tgtd.h"

#define SECOND 1000000u
#define BLOCK  512u
#define QUEUE  100

static struct tgtd upstream;
static struct rig rig;
static struct run runs[QUEUE];
static uint8_t buffer[8 << 20];

static int tear_down_upstream(void **state)
{
	tgtd_stop(&upstream);
	return 0;
}

static void open_rig(const char *one, const char *two)
{
	char url[128];
	const char *options[] = { url, "nop-interval=1s", "nop-timeout=1s", "hold-time=1s",
		"retry-max=500ms", "abort-timeout=1s", one, two, NULL };
	struct spt_error error = { "" };

	snprintf(url, sizeof(url), "url=iscsi://127.0.0.1:%d/" TGTD_TARGET "/1", upstream.port);
	if (rig_open(&rig, "iscsi", options, &error) < 0)
		fail_msg("%s", error.text);
}

static void close_rig(void)
{
	assert_true(rig_close(&rig));
}

/* A test that failed may have left it open, and the target frozen. */
static int tidy(void **state)
{
	kill(upstream.pid, SIGCONT);
	return 0;
}

static void cdb_rw(uint8_t *cdb, bool write, uint32_t lba, uint16_t blocks)
{
	memset(cdb, 0, 16);
	cdb[0] = write ? 0x2a : 0x28;
	be32_put(cdb + 2, lba);
	be16_put(cdb + 7, blocks);
}

/* A new upstream nexus begins with a unit attention, which is the initiator's to see. */
static void ready(void)
{
	static const uint8_t test_unit_ready[6] = { 0 };
	int status = -1;

	for (int i = 0; i < 20 && status != SPT_GOOD; i++) {
		status = run_now(&rig, &runs[0], test_unit_ready, 6, 0, NULL, 0);
		if (status == SPT_CHECK_CONDITION)
			assert_int_equal(run_sense(&runs[0]) >> 16, SPT_KEY_UNIT_ATTENTION);
		else
			assert_true(status == SPT_GOOD || status == SPT_BUSY);
		run_end(&runs[0]);
	}
	assert_int_equal(status, SPT_GOOD);
}

static void fill(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245u + 12345u;
		p[i] = (uint8_t)(seed >> 16);
	}
}

static void write_and_read_back(uint32_t lba, uint16_t blocks)
{
	uint32_t bytes = blocks * BLOCK;
	uint8_t cdb[16];

	fill(buffer, bytes, lba + blocks);
	cdb_rw(cdb, true, lba, blocks);
	assert_int_equal(run_now(&rig, &runs[0], cdb, 16, 0, buffer, bytes), SPT_GOOD);
	assert_int_equal(runs[0].task.out_would_bytes, bytes);
	run_end(&runs[0]);
	cdb_rw(cdb, false, lba, blocks);
	assert_int_equal(run_now(&rig, &runs[0], cdb, 10, bytes, NULL, 0), SPT_GOOD);
	assert_int_equal(runs[0].task.in.bytes, bytes);
	assert_memory_equal(runs[0].task.in.data, buffer, bytes);
	run_end(&runs[0]);
}

static void many_at_once(void)
{
	uint8_t cdb[16];

	for (unsigned i = 0; i < QUEUE; i++) {
		fill(buffer, 64 * BLOCK, i);
		cdb_rw(cdb, true, i * 64, 64);
		run_start(&rig, &runs[i], cdb, 10, 0, buffer, 64 * BLOCK);
	}
	for (unsigned i = 0; i < QUEUE; i++) {
		assert_true(run_wait(&rig, &runs[i], 20 * SECOND));
		assert_int_equal(runs[i].task.status, SPT_GOOD);
		run_end(&runs[i]);
		cdb_rw(cdb, false, i * 64, 64);
		run_start(&rig, &runs[i], cdb, 10, 64 * BLOCK, NULL, 0);
	}
	for (unsigned i = 0; i < QUEUE; i++) {
		assert_true(run_wait(&rig, &runs[i], 20 * SECOND));
		assert_int_equal(runs[i].task.status, SPT_GOOD);
		fill(buffer, 64 * BLOCK, i);
		assert_memory_equal(runs[i].task.in.data, buffer, 64 * BLOCK);
		run_end(&runs[i]);
	}
}

static void check_data(const char *option)
{
	struct spt_properties p;
	static const uint8_t read_capacity[10] = { 0x25 };
	static const uint8_t inquiry[6] = { 0x12, 0, 0, 0, 66 };

	open_rig(option, "queue-depth=16");
	ready();
	write_and_read_back(0, 1);
	write_and_read_back(3, 2048);
	write_and_read_back(8000, 16384); /* 8 MiB: many R2Ts */
	many_at_once();
	assert_int_equal(run_now(&rig, &runs[0], read_capacity, 10, 8, NULL, 0), SPT_GOOD);
	run_end(&runs[0]);
	assert_int_equal(run_now(&rig, &runs[0], inquiry, 6, 255, NULL, 0), SPT_GOOD);
	assert_int_equal(runs[0].task.in.bytes, 66); /* underflow: the device has that much */
	run_end(&runs[0]);
	spt_device_properties(rig.device, &p);
	assert_int_equal(p.device_type, 0);
	assert_int_equal(p.block_bytes, 512);
	assert_int_equal(p.blocks, (32 << 20) / 512);
	close_rig();
}

static void test_data(void **state)
{
	check_data(NULL);
	check_data("header-digest=crc32c");
}

/* tgtd tells no MAXIMUM TRANSFER LENGTH; what we take is one. Before READ CAPACITY blocks are unknown. */
static void test_limits(void **state)
{
	static const uint8_t limits[6] = { 0x12, 0x01, 0xb0, 0, 64 }, capacity[10] = { 0x25 };
	static const uint32_t want[] = { 0, SPT_BUFFER_MAX / BLOCK };
	uint8_t page[2][64] = { 0 };

	assert_true(tgtd_admin(&upstream, "--mode logicalunit --op update --tid 1 --lun 1 "
					  "--params thin_provisioning=1"));
	open_rig(NULL, NULL);
	ready();
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(run_now(&rig, &runs[0], limits, 6, 64, NULL, 0), SPT_GOOD);
		assert_in_range(runs[0].task.in.bytes, 16, 64);
		memcpy(page[i], runs[0].task.in.data, runs[0].task.in.bytes);
		run_end(&runs[0]);
		assert_int_equal(be32_get(page[i] + 8), want[i]);
		assert_int_equal(run_now(&rig, &runs[0], capacity, 10, 8, NULL, 0), SPT_GOOD);
		run_end(&runs[0]);
	}
	be32_put(page[1] + 8, 0);
	assert_memory_equal(page[0], page[1], sizeof(page[0]));
	close_rig();
}

static void test_errors_pass(void **state)
{
	uint8_t cdb[16];
	static const uint8_t unknown[6] = { 0x02 };

	open_rig(NULL, NULL);
	ready();
	cdb_rw(cdb, false, 0x7fffffff, 8);
	assert_int_equal(run_now(&rig, &runs[0], cdb, 10, 8 * BLOCK, NULL, 0),
		SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]), 0x52100); /* LBA OUT OF RANGE */
	assert_int_equal(runs[0].task.in.bytes, 0);
	run_end(&runs[0]);
	cdb_rw(cdb, true, 0x7fffffff, 8);
	assert_int_equal(run_now(&rig, &runs[0], cdb, 10, 0, buffer, 8 * BLOCK),
		SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]), 0x52100);
	run_end(&runs[0]);
	assert_int_equal(run_now(&rig, &runs[0], unknown, 6, 0, NULL, 0), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&runs[0]), 0x52000); /* INVALID COMMAND OPERATION CODE */
	run_end(&runs[0]);
	close_rig();
}

/* What the way upstream cannot carry, or nobody should ask for, is refused before it is sent. */
static void test_refusals(void **state)
{
	static const struct {
		uint8_t cdb[32];
		unsigned cdb_bytes, in_bytes, out_bytes, want_sense;
	} rows[] = {
		{ { 0x7f, [7] = 24, [9] = 9 }, 32, 512, 0, 0x52000 }, /* 32 bytes of CDB */
		{ { 0x7f, [7] = 24, [9] = 9 }, 16, 512, 0, 0x52400 }, /* and cut off */
		{ { 0x53 }, 10, 512, 512, 0x52000 },                  /* bidirectional */
		{ { 0x83 }, 16, 0, 512, 0x52000 },                    /* EXTENDED COPY */
		{ { 0x18 }, 6, 0, 512, 0x52000 },  /* COPY */
		{ { 0x3a }, 10, 0, 512, 0x52000 }, /* COPY AND VERIFY */
		{ { 0x84 }, 16, 512, 0, 0x52000 },                    /* RECEIVE COPY RESULTS */
		{ { 0x28 }, 10, SPT_BUFFER_MAX + 1, 0, 0x52400 },
		{ { 0x2a }, 10, 0, SPT_BUFFER_MAX + 1, 0x52400 },
	};
	struct spt_properties p;

	open_rig(NULL, NULL);
	ready();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(run_now(&rig, &runs[0], rows[i].cdb, rows[i].cdb_bytes,
					 rows[i].in_bytes, buffer, rows[i].out_bytes),
			SPT_CHECK_CONDITION);
		assert_int_equal(run_sense(&runs[0]), rows[i].want_sense);
		run_end(&runs[0]);
	}
	spt_device_properties(rig.device, &p);
	assert_false(p.third_party_copy);
	close_rig();
	open_rig("third-party-copy=yes", NULL);
	ready();
	spt_device_properties(rig.device, &p);
	assert_true(p.third_party_copy);
	/* let through: this target knows it and has nothing to tell, or does not know it */
	int status = run_now(&rig, &runs[0], rows[4].cdb, 16, 512, NULL, 0);
	assert_true(status == SPT_GOOD || status == SPT_CHECK_CONDITION);
	assert_int_equal(rig.events, 0);
	run_end(&runs[0]);
	close_rig();
}

/* Nothing is expected and one block asked for: the direction is the command's (SAM-5 5.4.2). */
static void test_overflow_of_all(void **state)
{
	uint8_t cdb[16];

	open_rig(NULL, NULL);
	ready();
	cdb_rw(cdb, false, 0, 1);
	assert_int_equal(run_now(&rig, &runs[0], cdb, 10, 0, NULL, 0), SPT_GOOD);
	assert_int_equal(runs[0].task.in_would_bytes, BLOCK);
	run_end(&runs[0]);
	cdb_rw(cdb, true, 0, 1);
	assert_int_equal(run_now(&rig, &runs[0], cdb, 10, 0, NULL, 0), SPT_GOOD);
	assert_int_equal(runs[0].task.out_would_bytes, BLOCK);
	run_end(&runs[0]);
	write_and_read_back(0, 8);
	close_rig();
}

/* Each downstream nexus is one upstream: what one reserves, the other does not get. */
static void test_two_nexuses(void **state)
{
	static const uint8_t reserve[6] = { 0x16 }, release[6] = { 0x17 };
	uint8_t cdb[16];

	open_rig(NULL, NULL);
	ready();
	spt_session_cookie first = rig.session, second = rig_session(&rig, 2);
	rig.session = second;
	ready();
	rig.session = first;
	assert_int_equal(run_now(&rig, &runs[0], reserve, 6, 0, NULL, 0), SPT_GOOD);
	run_end(&runs[0]);
	rig.session = second;
	cdb_rw(cdb, true, 0, 1);
	assert_int_equal(run_now(&rig, &runs[0], cdb, 10, 0, buffer, BLOCK),
		SPT_RESERVATION_CONFLICT);
	run_end(&runs[0]);
	rig.session = first;
	assert_int_equal(run_now(&rig, &runs[0], release, 6, 0, NULL, 0), SPT_GOOD);
	run_end(&runs[0]);
	rig.session = second;
	assert_int_equal(run_now(&rig, &runs[0], cdb, 10, 0, buffer, BLOCK), SPT_GOOD);
	run_end(&runs[0]);
	assert_true(rig_stop(&rig, second));
	rig.session = first;
	close_rig();
}

/* SAM-5 7.7; libiscsi's own way to reset would have dropped every command. */
static void test_reset(void **state)
{
	open_rig(NULL, NULL);
	ready();
	assert_int_equal(rig_tmf(&rig, SPT_TMF_LOGICAL_UNIT_RESET, NULL, 5 * SECOND),
		SPT_TMF_COMPLETE);
	ready();
	write_and_read_back(0, 64);
	close_rig();
}

static void freeze(void)
{
	assert_int_equal(kill(upstream.pid, SIGSTOP), 0);
}

static void thaw(void)
{
	assert_int_equal(kill(upstream.pid, SIGCONT), 0);
}

static void start_reads_and_writes(unsigned n)
{
	uint8_t cdb[16];

	for (unsigned i = 0; i < n; i++) {
		cdb_rw(cdb, i & 1, i * 256, 256);
		if (i & 1)
			run_start(&rig, &runs[i], cdb, 10, 0, buffer, 256 * BLOCK);
		else
			run_start(&rig, &runs[i], cdb, 10, 256 * BLOCK, NULL, 0);
	}
}

/* Under way when the session was lost: ABORTED COMMAND; still here: BUSY. GOOD is for what was
 * done. */
static void expect_lost(unsigned n, uint64_t limit_us)
{
	for (unsigned i = 0; i < n; i++) {
		assert_true(run_wait(&rig, &runs[i], limit_us));
		if (runs[i].task.status == SPT_CHECK_CONDITION)
			assert_int_equal(run_sense(&runs[i]), 0xb0800);
		else if (runs[i].task.status != SPT_BUSY)
			fail_msg("run %u: status 0x%02x", i, runs[i].task.status);
		assert_int_equal(runs[i].task.in.bytes, 0);
		run_end(&runs[i]);
	}
}

/* A target that says nothing more: found out by NOP-Out, and come back from. */
static void test_frozen(void **state)
{
	open_rig("queue-depth=8", NULL);
	ready();
	freeze();
	start_reads_and_writes(40);
	expect_lost(40, 8 * SECOND);
	/* meanwhile: an answer in bounded time, and no endless waiting */
	static const uint8_t test_unit_ready[6] = { 0 };
	run_start(&rig, &runs[0], test_unit_ready, 6, 0, NULL, 0);
	assert_true(run_wait(&rig, &runs[0], 3 * SECOND));
	assert_int_equal(runs[0].task.status, SPT_BUSY);
	run_end(&runs[0]);
	assert_int_equal(rig.events, 1);
	assert_non_null(strstr(rig.event, "lost, trying again: no answer to NOP-Out"));
	thaw();
	ready();
	assert_int_equal(rig.events, 2);
	assert_non_null(strstr(rig.event, "is up"));
	write_and_read_back(100, 64);
	close_rig();
}

/* Nobody answers the ABORT TASK: the session is dropped, which aborts too. The device is not
 * fenced. */
static void test_abort_frozen(void **state)
{
	open_rig("nop-interval=0", "queue-depth=8");
	ready();
	freeze();
	start_reads_and_writes(20);
	assert_int_equal(rig_tmf(&rig, SPT_TMF_ABORT_TASK, &runs[0], 6 * SECOND), SPT_TMF_COMPLETE);
	assert_int_equal(runs[0].done, 1);
	assert_int_equal(runs[0].task.outcome, SPT_ABORTED);
	run_end(&runs[0]);
	assert_int_equal(rig_tmf(&rig, SPT_TMF_ABORT_TASK_SET, &runs[1], 6 * SECOND),
		SPT_TMF_COMPLETE);
	for (unsigned i = 1; i < 20; i++) {
		assert_int_equal(runs[i].done, 1);
		run_end(&runs[i]);
	}
	assert_false(spt_device_fenced(rig.device));
	thaw();
	ready();
	write_and_read_back(100, 64);
	close_rig();
}

/* ABORT TASK that is answered; tasks that nobody aborted are not disturbed. */
static void test_abort_late(void **state)
{
	open_rig("abort-timeout=20s", "nop-timeout=20s");
	ready();
	freeze();
	start_reads_and_writes(20);
	struct spt_task *t = &runs[3].task;
	fake_host_settle(&rig.fake);
	spt_task_abort(t);
	fake_host_settle(&rig.fake);
	assert_int_equal(runs[3].done, 0); /* it may still be executed: not over */
	thaw();
	for (unsigned i = 0; i < 20; i++) {
		assert_true(run_wait(&rig, &runs[i], 10 * SECOND));
		if (i == 3)
			assert_int_equal(t->outcome, SPT_ABORTED);
		else
			assert_int_equal(runs[i].task.status, SPT_GOOD);
		run_end(&runs[i]);
	}
	write_and_read_back(100, 64);
	close_rig();
}

static void test_killed_and_back(void **state)
{
	open_rig(NULL, NULL);
	ready();
	write_and_read_back(500, 64);
	freeze();
	start_reads_and_writes(40);
	fake_host_settle(&rig.fake);
	tgtd_kill(&upstream);
	expect_lost(40, 5 * SECOND);
	start_reads_and_writes(3);
	expect_lost(3, 3 * SECOND); /* refused connections, BUSY after hold-time */
	assert_true(tgtd_restart(&upstream));
	ready();
	write_and_read_back(500, 64);
	close_rig();
}

/* Down at the start is no reason not to start; ending a session that never was does not hang. */
static void test_down_at_start(void **state)
{
	tgtd_kill(&upstream);
	open_rig(NULL, NULL);
	start_reads_and_writes(2);
	expect_lost(2, 3 * SECOND);
	assert_int_equal(rig.events, 1); /* told once, not with every attempt */
	assert_non_null(strstr(rig.event, "Connection refused"));
	start_reads_and_writes(2);
	/* its tasks are over; but reset it is not */
	assert_int_equal(rig_tmf(&rig, SPT_TMF_LOGICAL_UNIT_RESET, NULL, SECOND), SPT_TMF_REJECTED);
	assert_int_equal(runs[0].done + runs[1].done, 2);
	run_end(&runs[0]);
	run_end(&runs[1]);
	close_rig();
	assert_true(tgtd_restart(&upstream));
	open_rig(NULL, NULL);
	ready();
	close_rig();
}

static void set_flag(void *arg)
{
	*(int *)arg = 1;
}

/* Ending with commands upstream, frozen: bounded, and nothing is touched afterwards. */
static void test_stop_frozen(void **state)
{
	open_rig(NULL, NULL);
	ready();
	freeze();
	start_reads_and_writes(20);
	int stopped = 0;
	assert_int_equal(spt_session_stop(rig.context, rig.session, set_flag, &stopped), 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(run_wait(&rig, &runs[i], 5 * SECOND));
		run_end(&runs[i]);
	}
	assert_true(fake_host_until(&rig.fake, &stopped, 5 * SECOND));
	thaw();
	rig.session = rig_session(&rig, 1);
	ready();
	close_rig();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_data, tidy),
		cmocka_unit_test_teardown(test_limits, tidy),
		cmocka_unit_test_teardown(test_errors_pass, tidy),
		cmocka_unit_test_teardown(test_refusals, tidy),
		cmocka_unit_test_teardown(test_overflow_of_all, tidy),
		cmocka_unit_test_teardown(test_two_nexuses, tidy),
		cmocka_unit_test_teardown(test_reset, tidy),
		cmocka_unit_test_teardown(test_frozen, tidy),
		cmocka_unit_test_teardown(test_abort_frozen, tidy),
		cmocka_unit_test_teardown(test_abort_late, tidy),
		cmocka_unit_test_teardown(test_killed_and_back, tidy),
		cmocka_unit_test_teardown(test_down_at_start, tidy),
		cmocka_unit_test_teardown(test_stop_frozen, tidy),
	};

	if (!tgtd_installed()) {
		printf("no tgtd here\n");
		return 77; /* skipped */
	}
	if (!tgtd_start(&upstream)) {
		printf("tgtd is here and does not start\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, tear_down_upstream);
}
