/* SPDX-License-Identifier: MIT */
/*
 * The iscsi backend's ways to an upstream target: from portal to portal, by CHAP in one direction
 * and in both, shared by nexuses, refused because somebody else is there, given up after a while.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/util.h"
#include "rig.h"
#include "tgtd.h"

#define SECOND 1000000u
#define BLOCK  512u

static struct tgtd one, two; /* on one disk, the second by IPv6 */
static struct rig rig;
static struct run run;
static uint8_t data[BLOCK];
static const uint8_t TEST[6] = { 0 }, READ[10] = { 0x28, [8] = 1 }, WRITE[10] = { 0x2a, [8] = 1 };

static void open_rig(const char *const *more)
{
	char url[128];
	const char *options[16] = { url };
	unsigned n = 1;
	struct spt_error error = { "" };

	snprintf(url, sizeof(url), "url=iscsi://127.0.0.1:%d/" TGTD_TARGET "/1", one.port);
	for (; more && *more; more++)
		options[n++] = *more;
	options[n++] = "nop-interval=1s"; /* the first of a name counts */
	options[n++] = "nop-timeout=1s";
	options[n++] = "hold-time=1s";
	options[n++] = "retry-max=300ms";
	options[n++] = "abort-timeout=1s";
	if (rig_open(&rig, "iscsi", options, &error) < 0)
		fail_msg("%s", error.text);
}

static int status_now(void)
{
	int status = run_now(&rig, &run, TEST, 6, 0, NULL, 0);

	run_end(&run);
	return status;
}

/* Within so many seconds @status is answered. */
static void until_status(int status, unsigned seconds)
{
	time_t end = time(NULL) + (time_t)seconds;
	int got, never = 0;

	while ((got = status_now()) != status) {
		fake_host_until(&rig.fake, &never, 20000); /* an answer at once lets nothing else run */
		if (time(NULL) > end)
			fail_msg("status 0x%02x instead of 0x%02x; %s", got, status, rig.event);
	}
}

static void expect_described(const char *says)
{
	char text[200];

	spt_device_describe(rig.device, text, sizeof(text));
	if (!strstr(text, says))
		fail_msg("'%s' is not in: %s", says, text);
}

static void write_one(uint8_t byte)
{
	memset(data, byte, sizeof(data));
	assert_int_equal(run_now(&rig, &run, WRITE, 10, 0, data, BLOCK), SPT_GOOD);
	run_end(&run);
}

static void expect_one(uint8_t byte)
{
	assert_int_equal(run_now(&rig, &run, READ, 10, BLOCK, NULL, 0), SPT_GOOD);
	assert_int_equal(run.task.in.data[0], byte);
	assert_int_equal(run.task.in.data[BLOCK - 1], byte);
	run_end(&run);
}

/* From the portal that is lost to the next and, when that is lost, back; the log tells which. */
static void test_portals(void **state)
{
	char portals[64], first[40], second[40];
	const char *options[] = { portals, "connect-timeout=2s", NULL };

	snprintf(first, sizeof(first), "127.0.0.1:%d", one.port);
	snprintf(second, sizeof(second), "[::1]:%d", two.port);
	snprintf(portals, sizeof(portals), "portals=localhost:1 , %s", second);
	open_rig(options);
	until_status(SPT_GOOD, 5);
	expect_described(first);
	write_one(0x11);
	assert_int_equal(rig.events, 0);
	tgtd_kill(&one);
	until_status(SPT_GOOD, 10);
	expect_described(second);
	assert_non_null(strstr(rig.event, second));
	assert_non_null(strstr(rig.event, "is up"));
	expect_one(0x11);
	write_one(0x22);
	assert_true(tgtd_restart(&one));
	assert_int_equal(status_now(), SPT_GOOD); /* it stays where it is */
	expect_described(second);
	/* one that is frozen is as good as gone */
	assert_int_equal(kill(two.pid, SIGSTOP), 0);
	until_status(SPT_GOOD, 15);
	expect_described(first);
	expect_one(0x22);
	expect_described("lost 2 times");
	assert_int_equal(kill(two.pid, SIGCONT), 0);
	assert_true(rig_close(&rig));
}

/* What comes back under the address of a disk may be another disk. */
static void test_stranger(void **state)
{
	static const char *const options[] = { "retry-refused=300ms", "hold-time=500ms", NULL };

	open_rig(options);
	until_status(SPT_GOOD, 5);
	tgtd_kill(&one);
	assert_true(tgtd_restart(&one));
	assert_true(tgtd_admin(&one, "--op update --mode logicalunit --tid 1 --lun 1 --params scsi_sn=other"));
	until_status(SPT_BUSY, 5);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(status_now(), SPT_BUSY);
	expect_described("another logical unit is there");
	tgtd_kill(&one);
	assert_true(tgtd_restart(&one));
	until_status(SPT_GOOD, 10);
	expect_described("connected, last to");
	assert_true(rig_close(&rig));
}

/* Held, then BUSY, then an error at once; and back from there. */
static void test_given_up(void **state)
{
	static const char *const options[] = { "hold-time=500ms", "fail-time=2s", NULL };

	open_rig(options);
	until_status(SPT_GOOD, 5);
	tgtd_kill(&one);
	uint64_t start = spt_host_now_us(&rig.fake.host);
	run_start(&rig, &run, TEST, 6, 0, NULL, 0); /* it may find out by itself */
	assert_true(run_wait(&rig, &run, 2 * SECOND));
	run_end(&run);
	assert_int_equal(status_now(), SPT_BUSY);
	uint64_t held = spt_host_now_us(&rig.fake.host);
	assert_true(held - start >= 400000);
	until_status(SPT_CHECK_CONDITION, 5);
	start = spt_host_now_us(&rig.fake.host);
	assert_int_equal(run_now(&rig, &run, TEST, 6, 0, NULL, 0), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&run), 0x20800); /* LOGICAL UNIT COMMUNICATION FAILURE */
	run_end(&run);
	assert_true(spt_host_now_us(&rig.fake.host) - start < 100000);
	assert_true(tgtd_restart(&one));
	until_status(SPT_GOOD, 10);
	assert_true(rig_close(&rig));
}

#define CHAP_FILE "/tmp/sptgt-ways-chap"

static void write_chap(const char *line, unsigned mode)
{
	int fd = open(CHAP_FILE, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0 && fchmod(fd, mode) == 0);
	assert_true(dprintf(fd, "# towards the array\n%s\n", line) > 0);
	close(fd);
}

/* RFC 7143 12.1, in one direction and in both, with what is right and what is not. */
static void test_chap(void **state)
{
	static const char *const options[] = { "chap-file=" CHAP_FILE, "retry-refused=30s", NULL };
	static const struct {
		const char *line, *says; /* NULL: it is let in */
	} rows[] = {
		{ "near twelve-letters", NULL },
		{ "near \"twelve letters\"", "Authentication failure" },
		{ "nobody twelve-letters", "Authentication failure" },
		{ "near twelve-letters mutual far letters-twelve", NULL },
		{ "near twelve-letters mutual far letters-eleven", "CHAP" },
		{ "near twelve-letters mutual fear letters-twelve", "CHAP" },
	};

	assert_true(tgtd_admin(&one, "--op new --mode account --user near --password twelve-letters"));
	assert_true(tgtd_admin(&one, "--op bind --mode account --tid 1 --user near"));
	assert_true(tgtd_admin(&one, "--op new --mode account --user far --password letters-twelve"));
	assert_true(tgtd_admin(&one, "--op bind --mode account --tid 1 --user far --outgoing"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		write_chap(rows[i].line, 0600);
		open_rig(options);
		until_status(rows[i].says ? SPT_BUSY : SPT_GOOD, 5);
		if (rows[i].says && (rig.events != 1 || !strstr(rig.event, rows[i].says)))
			fail_msg("row %zu: %u events: %s", i, rig.events, rig.event);
		assert_true(rig_close(&rig));
	}
	open_rig(NULL); /* without a name */
	until_status(SPT_BUSY, 5);
	assert_non_null(strstr(rig.event, "Auth"));
	assert_true(rig_close(&rig));
	assert_true(tgtd_admin(&one, "--op unbind --mode account --tid 1 --user near"));
	assert_true(tgtd_admin(&one, "--op unbind --mode account --tid 1 --user far --outgoing"));
	unlink(CHAP_FILE);
}

/* What the configuration cannot have is told when it is read. */
static void test_options(void **state)
{
	static const struct {
		const char *option, *more, *says;
	} rows[] = {
		{ "data-digest=crc32c", NULL, "does not check the data" },
		{ "nexus=shared", NULL, "needs initiator-name" },
		{ "initiator-name=robert", NULL, "no iSCSI name" },
		{ "portals=127.0.0.1:0", NULL, "portals: '127.0.0.1:0'" },
		{ "portals=127.0.0.1,", NULL, "portals: ''" },
		{ "portals=no-such-host.invalid", NULL, "no-such-host.invalid" },
		{ "chap-file=/no/such/file", NULL, "cannot be read" },
		{ "chap-file=/tmp", NULL, "no regular file" },
		{ "chap-file=" CHAP_FILE, NULL, "0600 or less" },
		{ "chap-file=" CHAP_FILE, "url=iscsi://a%b@127.0.0.1/iqn.a/0", "leave one of them out" },
	};

	write_chap("near twelve-letters", 0640);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_error error = { "" };
		const char *options[] = { rows[i].option,
			rows[i].more ? rows[i].more : "url=iscsi://127.0.0.1/iqn.a/0", NULL };
		assert_true(rig_open(&rig, "iscsi", options, &error) < 0);
		if (!strstr(error.text, rows[i].says))
			fail_msg("row %zu: %s", i, error.text);
		assert_null(strstr(error.text, "twelve"));
	}
	unlink(CHAP_FILE);
}

/* One upstream session for all: reservations are between ours, and upstream sees one initiator. */
static void test_shared(void **state)
{
	static const char *const options[] = { "nexus=shared",
		"initiator-name=iqn.2026-11.org.sptgt:all", NULL };
	static const uint8_t reserve[6] = { 0x16 }, release[6] = { 0x17 };

	open_rig(options);
	until_status(SPT_GOOD, 5);
	spt_session_cookie first = rig.session, second = rig_session(&rig, 2);
	rig.session = second;
	assert_int_equal(status_now(), SPT_CHECK_CONDITION); /* POWER ON, from the library */
	assert_int_equal(status_now(), SPT_GOOD);
	expect_described("1 of 1 connected");
	rig.session = first;
	assert_int_equal(run_now(&rig, &run, reserve, 6, 0, NULL, 0), SPT_GOOD);
	run_end(&run);
	write_one(0x33);
	rig.session = second;
	assert_int_equal(run_now(&rig, &run, WRITE, 10, 0, data, BLOCK), SPT_RESERVATION_CONFLICT);
	run_end(&run);
	rig.session = first;
	assert_int_equal(run_now(&rig, &run, release, 6, 0, NULL, 0), SPT_GOOD);
	run_end(&run);
	rig.session = second;
	expect_one(0x33);
	/* a reset by one is told to the other, whoever of the two asks upstream first */
	assert_int_equal(rig_tmf(&rig, SPT_TMF_LOGICAL_UNIT_RESET, NULL, 5 * SECOND),
		SPT_TMF_COMPLETE);
	rig.session = first;
	assert_int_equal(run_now(&rig, &run, TEST, 6, 0, NULL, 0), SPT_CHECK_CONDITION);
	assert_int_equal(run_sense(&run) >> 8, 0x629);
	run_end(&run);
	until_status(SPT_GOOD, 5);
	assert_true(rig_stop(&rig, second));
	assert_true(rig_close(&rig));
}

static int tidy(void **state)
{
	kill(one.pid, SIGCONT);
	kill(two.pid, SIGCONT);
	return 0;
}

static int tear_down(void **state)
{
	tgtd_stop(&one);
	tgtd_stop(&two);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_portals, tidy),
		cmocka_unit_test_teardown(test_stranger, tidy),
		cmocka_unit_test_teardown(test_given_up, tidy),
		cmocka_unit_test_teardown(test_chap, tidy),
		cmocka_unit_test_teardown(test_options, tidy),
		cmocka_unit_test_teardown(test_shared, tidy),
	};

	if (!tgtd_installed()) {
		printf("no tgtd here\n");
		return 77; /* skipped */
	}
	if (!tgtd_start(&one) || !tgtd_start_beside(&two, &one, "[::1]")) {
		printf("tgtd is here and does not start\n");
		tear_down(NULL);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, tear_down);
}
