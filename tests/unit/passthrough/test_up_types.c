/* SPDX-License-Identifier: MIT */
/*
 * The iscsi backend in front of a tape drive and a CD drive: what they say about blocks, filemarks
 * and lengths comes with the data that it is about.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "rig.h"
#include "tgtd.h"

#define SECOND 1000000u

static struct tgtd upstream;
static struct rig rig;
static struct run run;
static uint8_t block[65536];

static void open_rig(const char *type)
{
	char url[128];
	const char *options[] = { url, "nop-interval=1s", "nop-timeout=1s", "hold-time=1s", NULL };
	static const uint8_t ready[6] = { 0 };
	struct spt_error error = { "" };

	if (!tgtd_start_type(&upstream, type))
		fail_msg("tgtd is here and does not start as a %s", type);
	snprintf(url, sizeof(url), "url=iscsi://127.0.0.1:%d/" TGTD_TARGET "/1", upstream.port);
	if (rig_open(&rig, "iscsi", options, &error) < 0)
		fail_msg("%s", error.text);
	for (int i = 0; i < 20; i++) {
		int status = run_now(&rig, &run, ready, 6, 0, NULL, 0);
		run_end(&run);
		if (status == SPT_GOOD)
			break;
	}
}

static int tidy(void **state)
{
	tgtd_stop(&upstream);
	return 0;
}

static int six(uint8_t op, uint8_t flags, uint32_t length, uint32_t in_bytes, uint32_t out_bytes)
{
	uint8_t cdb[6] = { op, flags };

	be24_put(cdb + 2, length);
	return run_now(&rig, &run, cdb, 6, in_bytes, block, out_bytes);
}

static void fill(uint8_t seed, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		block[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

static void expect_good(int status)
{
	assert_int_equal(status, SPT_GOOD);
	run_end(&run);
}

/* The flags and INFORMATION of the sense (SSC-5 annex), beside its key and code. */
static void expect_sense(unsigned key_asc, bool filemark, bool ili, int64_t information)
{
	struct spt_sense s;

	assert_int_equal(run.task.status, SPT_CHECK_CONDITION);
	assert_true(spt_sense_decode(run.task.sense, run.task.sense_bytes, &s) == 0);
	assert_int_equal((unsigned)s.key << 16 | s.asc, key_asc);
	assert_int_equal(s.filemark, filemark);
	assert_int_equal(s.ili, ili);
	assert_int_equal((int32_t)s.information, information);
}

static void test_tape(void **state)
{
	static const uint32_t bytes[] = { 1024, 2048, 65536 };
	struct spt_properties p;

	open_rig("tape");
	spt_device_properties(rig.device, &p);
	assert_int_equal(p.device_type, 1);
	for (unsigned i = 0; i < 3; i++) {
		fill((uint8_t)i, bytes[i]);
		expect_good(six(0x0a, 0, bytes[i], 0, bytes[i])); /* WRITE(6), variable */
	}
	expect_good(six(0x10, 0, 1, 0, 0)); /* WRITE FILEMARKS(6) */
	expect_good(six(0x01, 0, 0, 0, 0)); /* REWIND */
	fill(0, 1024);
	assert_int_equal(six(0x08, 0, 1024, 1024, 0), SPT_GOOD);
	assert_memory_equal(run.task.in.data, block, 1024);
	run_end(&run);
	/* longer than the block: the block, and how much it falls short */
	six(0x08, 0, 4096, 4096, 0);
	expect_sense(0x00000, false, true, 4096 - 2048);
	fill(1, 2048);
	assert_memory_equal(run.task.in.data, block, 2048);
	run_end(&run);
	/* shorter than the block: by how much (this drive moves none of it, and says so) */
	six(0x08, 0, 512, 512, 0);
	expect_sense(0x00000, false, true, 512 - 65536);
	assert_int_equal(run.task.in.bytes, run.task.in_would_bytes);
	run_end(&run);
	six(0x08, 0, 1024, 1024, 0);
	expect_sense(0x00001, true, false, 1024);
	run_end(&run);
	six(0x08, 0, 1024, 1024, 0);
	assert_int_equal(run_sense(&run) >> 16, SPT_KEY_BLANK_CHECK);
	run_end(&run);
	assert_true(rig_close(&rig));
}

/* A block whose fate nobody knows must not be written again: not BUSY, and not what is repeated. */
static void test_tape_lost(void **state)
{
	static const uint8_t write[6] = { 0x0a, 0, 0, 4, 0 };

	open_rig("tape");
	kill(upstream.pid, SIGSTOP);
	run_start(&rig, &run, write, 6, 0, block, 1024);
	fake_host_settle(&rig.fake);
	assert_true(run_wait(&rig, &run, 8 * SECOND));
	assert_int_equal(run.task.status, SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&run), 0x40800); /* LOGICAL UNIT COMMUNICATION FAILURE */
	run_end(&run);
	kill(upstream.pid, SIGCONT);
	/* the upstream did or did not: one block at most, then the end of data */
	unsigned ready = 0, blocks = 0;
	for (int i = 0; i < 30 && !ready; i++) {
		ready = six(0x01, 0, 0, 0, 0) == SPT_GOOD;
		run_end(&run);
	}
	assert_true(ready);
	while (six(0x08, 0, 1024, 1024, 0) == SPT_GOOD) {
		blocks++;
		run_end(&run);
	}
	run_end(&run);
	assert_true(blocks <= 1);
	assert_true(rig_close(&rig));
}

static void test_cd(void **state)
{
	static const uint8_t capacity[10] = { 0x25 }, read[10] = { 0x28, [5] = 16, [8] = 4 },
			     write[10] = { 0x2a, [8] = 1 };
	struct spt_properties p;

	open_rig("cd");
	assert_int_equal(run_now(&rig, &run, capacity, 10, 8, NULL, 0), SPT_GOOD);
	assert_int_equal(be32_get(run.task.in.data + 4), 2048);
	run_end(&run);
	spt_device_properties(rig.device, &p);
	assert_int_equal(p.device_type, 5);
	assert_int_equal(p.block_bytes, 2048);
	assert_int_equal(run_now(&rig, &run, read, 10, 4 * 2048, NULL, 0), SPT_GOOD);
	assert_int_equal(run.task.in.bytes, 4 * 2048);
	assert_int_equal(run.task.in.data[0], 'C'); /* of tgtd_start_type()'s medium */
	run_end(&run);
	assert_int_equal(run_now(&rig, &run, write, 10, 0, block, 2048), SPT_CHECK_CONDITION);
	run_end(&run);
	assert_true(rig_close(&rig));
}

static void test_changer(void **state)
{
	static const uint8_t elements[12] = { 0xb8, 0x02, 0, 0, 0, 4, 0, 0, 1, 0 };
	struct spt_properties p;

	open_rig("changer");
	spt_device_properties(rig.device, &p);
	assert_int_equal(p.device_type, 8);
	assert_int_equal(run_now(&rig, &run, elements, 12, 256, NULL, 0), SPT_GOOD);
	assert_int_equal(be16_get(run.task.in.data + 2), 2); /* two slots, as they were made */
	run_end(&run);
	assert_true(rig_close(&rig));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_tape, tidy),
		cmocka_unit_test_teardown(test_tape_lost, tidy),
		cmocka_unit_test_teardown(test_cd, tidy),
		cmocka_unit_test_teardown(test_changer, tidy),
	};

	if (!tgtd_installed()) {
		printf("no tgtd here\n");
		return 77; /* skipped */
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
