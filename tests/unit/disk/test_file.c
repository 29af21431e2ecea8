/* SPDX-License-Identifier: MIT */
/*
 * A disk on a file: what is durable when, and what becomes of the system's failures. The calls that
 * the threads engine makes are caught here (linker option --wrap), counted, and made to fail.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/be.h"
#include "base/util.h"
#include "disk/backend.h"
#include "rig.h"

static struct rig rig;
static char path[64];

/* What was called, in order: W a write, D a durable write, S a sync, P a hole punched. */
static char calls[32];
static int write_error, sync_error, read_error, punch_error;

static void note(char c)
{
	size_t n = strlen(calls);

	if (n < sizeof(calls) - 1) {
		calls[n] = c;
		calls[n + 1] = '\0';
	}
}

ssize_t __real_pwritev64v2(int fd, const struct iovec *v, int n, off_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *v, int n, off_t offset, int flags);
ssize_t __real_preadv64v2(int fd, const struct iovec *v, int n, off_t offset, int flags);
ssize_t __wrap_preadv64v2(int fd, const struct iovec *v, int n, off_t offset, int flags);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fallocate64(int fd, int mode, off_t offset, off_t bytes);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t bytes);

static bool fails(int error)
{
	if (error)
		errno = error;
	return error != 0;
}

ssize_t __wrap_pwritev64v2(int fd, const struct iovec *v, int n, off_t offset, int flags)
{
	if (flags & RWF_NOWAIT) { /* so that each write is seen once */
		errno = EAGAIN;
		return -1;
	}
	note(flags & RWF_DSYNC ? 'D' : 'W');
	return fails(write_error) ? -1 : __real_pwritev64v2(fd, v, n, offset, flags);
}

ssize_t __wrap_preadv64v2(int fd, const struct iovec *v, int n, off_t offset, int flags)
{
	return fails(read_error) ? -1 : __real_preadv64v2(fd, v, n, offset, flags);
}

int __wrap_fdatasync(int fd)
{
	note('S');
	return fails(sync_error) ? -1 : __real_fdatasync(fd);
}

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t bytes)
{
	note('P');
	return fails(punch_error) ? -1 : __real_fallocate64(fd, mode, offset, bytes);
}

static void open_disk(const char *more)
{
	char path_option[80];
	const char *options[] = { path_option, "size=1M", "io=threads", more, NULL };
	struct spt_error e = { "" };

	snprintf(path, sizeof(path), "disk-%d.img", (int)getpid());
	snprintf(path_option, sizeof(path_option), "path=%s", path);
	if (rig_open(&rig, &spt_backend_file, options, &e) < 0)
		fail_msg("%s", e.text);
	write_error = sync_error = read_error = punch_error = 0;
	calls[0] = '\0';
}

static int setup_cached(void **state)
{
	open_disk(NULL);
	return 0;
}

static int setup_through(void **state)
{
	open_disk("write-cache=no");
	return 0;
}

static int teardown(void **state)
{
	write_error = sync_error = read_error = punch_error = 0;
	rig_close(&rig);
	unlink(path);
	return 0;
}

static uint8_t data[4096];

static const uint8_t UNMAP_LIST[24] = { 0, 22, 0, 16, [15] = 8, [19] = 8 };

/* SBC-4 4.22: with a write cache only FUA and SYNCHRONIZE CACHE make durable; without, all do. */
static void test_durability(void **state)
{
	static const struct {
		uint8_t cdb[16];
		uint32_t out_bytes, in_bytes;
		const char *cached, *through;
	} rows[] = {
		{ { 0x2a, [8] = 1 }, 512, 0, "W", "D" },
		{ { 0x0a, [4] = 1 }, 512, 0, "W", "D" },
		{ { 0x2a, 0x08, [8] = 1 }, 512, 0, "D", "D" },
		{ { 0x8a, 0x08, [13] = 1 }, 512, 0, "D", "D" },
		{ { 0x8a, [13] = 1 }, 512, 0, "W", "D" },
		{ { 0x2e, [8] = 1 }, 512, 0, "D", "D" },
		{ { 0x41, [8] = 2 }, 512, 0, "W", "D" },
		{ { 0x93, 0x01, [13] = 8 }, 0, 0, "P", "PS" },
		{ { 0x42, [8] = 24 }, 24, 0, "P", "PS" },
		{ { 0x8b, 0x08, [13] = 1 }, 512, 0, "D", "D" },
		{ { 0x35 }, 0, 0, "S", "S" },
		{ { 0x91, 0x02 }, 0, 0, "S", "S" },
		{ { 0x28, [8] = 1 }, 0, 512, "", "" },
		{ { 0x28, 0x08, [8] = 1 }, 0, 512, "S", "" },
		{ { 0x1b }, 0, 0, "S", "S" },
		{ { 0x1b, [4] = 1 }, 0, 0, "", "" },
	};
	bool through = rig_in(&rig, CDB(0x1a, 8, 8, 0, 64, 0), 64)->in[6] & 0x04 ? false : true;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct rig_command c = {
			.cdb = rows[i].cdb,
			.cdb_bytes = 16,
			.out = rows[i].cdb[0] == 0x42 ? UNMAP_LIST : data,
			.out_bytes = rows[i].out_bytes,
			.in_bytes = rows[i].in_bytes,
		};
		memset(data, 0x3c, sizeof(data));
		calls[0] = '\0';
		assert_good(rig_send(&rig, &c));
		assert_string_equal(calls, through ? rows[i].through : rows[i].cached);
	}
}

/* The cache is switched off by MODE SELECT: written out before that is GOOD, and off after. */
static void test_switch_cache(void **state)
{
	static const uint8_t off[24] = { 0, 0, 0, 0, 0x08, 18 };

	assert_good(rig_out(&rig, CDB(0x15, 0x10, 0, 0, 24, 0), off, 24));
	assert_string_equal(calls, "S");
	calls[0] = '\0';
	assert_good(rig_out(&rig, CDB(0x2a, [8] = 1, [9] = 0), data, 512));
	assert_string_equal(calls, "D");
}

/* SAM-5 6.3.3, SBC-4 6.5.5: a cache that MODE SELECT has switched on goes with a reset, and what is in it is written out before. */
static void test_reset_cache(void **state)
{
	static const uint8_t on[24] = { 0, 0, 0, 0, 0x08, 18, 0x04 };

	rig_reset(&rig);
	assert_string_equal(calls, "");
	assert_good(rig_out(&rig, CDB(0x15, 0x10, 0, 0, 24, 0), on, 24));
	assert_good(rig_out(&rig, CDB(0x2a, [8] = 1, [9] = 0), data, 512));
	assert_string_equal(calls, "W");
	rig_reset(&rig);
	assert_string_equal(calls, "WS");
	assert_good(rig_out(&rig, CDB(0x2a, [8] = 1, [9] = 0), data, 512));
	assert_string_equal(calls, "WSD");
}

static void ignore(struct spt_tmf *tmf)
{
}

/* The channel is closed while the cache is being written out. */
static void test_reset_and_close(void **state)
{
	static const uint8_t on[24] = { 0, 0, 0, 0, 0x08, 18, 0x04 };
	static struct spt_tmf tmf;

	assert_good(rig_out(&rig, CDB(0x15, 0x10, 0, 0, 24, 0), on, 24));
	tmf = (struct spt_tmf){ .session = rig.session[0], .function = SPT_TMF_LOGICAL_UNIT_RESET, .done = ignore };
	assert_int_equal(spt_tmf(rig.context, &tmf), 0);
}

static void test_write_failures(void **state)
{
	static const struct {
		int error;
		uint8_t key;
		spt_asc_t asc;
	} rows[] = {
		{ ENOSPC, SPT_KEY_DATA_PROTECT, 0x2707 },
		{ EDQUOT, SPT_KEY_DATA_PROTECT, 0x2707 },
		{ EFBIG, SPT_KEY_DATA_PROTECT, 0x2707 },
		{ EROFS, SPT_KEY_DATA_PROTECT, 0x2700 },
		{ EIO, SPT_KEY_MEDIUM_ERROR, 0x0c00 },
		{ ENOMEM, SPT_KEY_ABORTED_COMMAND, 0x5503 },
		{ ENODEV, SPT_KEY_HARDWARE_ERROR, 0x3e01 },
		{ ESTALE, SPT_KEY_MEDIUM_ERROR, 0x0c00 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		write_error = rows[i].error;
		const struct rig_result *r =
			rig_out(&rig, CDB(0x2a, 0, 0, 0, 0, 9, 0, 0, 2, 0), data, 1024);
		assert_check(r, rows[i].key, rows[i].asc);
		assert_true(r->sense.information_valid);
		assert_int_equal(r->sense.information, 9);
		write_error = 0;
		/* Nothing acknowledged was lost: the disk goes on. */
		assert_good(rig_out(&rig, CDB(0x2a, [8] = 2, [9] = 0), data, 1024));
	}
	punch_error = ENOSPC;
	assert_check(rig_out(&rig, CDB(0x42, [8] = 24, [9] = 0), UNMAP_LIST, 24),
		SPT_KEY_DATA_PROTECT, 0x2707);
}

static void test_read_failure(void **state)
{
	read_error = EIO;
	const struct rig_result *r = rig_in(&rig, CDB(0x28, 0, 0, 0, 0, 5, 0, 0, 2, 0), 1024);
	assert_check(r, SPT_KEY_MEDIUM_ERROR, 0x1100);
	assert_int_equal(r->in_bytes, 0);
	assert_int_equal(r->sense.information, 5);
	assert_check(rig_out(&rig, CDB(0x2f, 2, 0, 0, 0, 5, 0, 0, 1, 0), data, 512),
		SPT_KEY_MEDIUM_ERROR, 0x1100);
	read_error = 0;
	assert_good(rig_in(&rig, CDB(0x28, 0, 0, 0, 0, 5, 0, 0, 2, 0), 1024));
}

/* The system tells of a failed sync once, its pages are clean after it: nobody may forget it. */
static void test_sync_failure(void **state)
{
	assert_good(rig_out(&rig, CDB(0x2a, [8] = 1, [9] = 0), data, 512));
	sync_error = EIO;
	assert_check(rig_in(&rig, CDB(0x35, [9] = 0), 0), SPT_KEY_MEDIUM_ERROR, 0x0c00);
	sync_error = 0;
	for (int i = 0; i < 3; i++) {
		assert_check(rig_in(&rig, CDB(0x35, [9] = 0), 0), SPT_KEY_MEDIUM_ERROR, 0x0c00);
		assert_check(rig_out(&rig, CDB(0x2a, [8] = 1, [9] = 0), data, 512),
			SPT_KEY_MEDIUM_ERROR, 0x0c00);
		assert_check(rig_out(&rig, CDB(0x42, [8] = 24, [9] = 0), UNMAP_LIST, 24),
			SPT_KEY_MEDIUM_ERROR, 0x0c00);
	}
	assert_good(rig_in(&rig, CDB(0x28, [8] = 1, [9] = 0), 512));
}

/* A durable write that fails with an I/O error may have eaten the report of others. */
static void test_durable_write_failure(void **state)
{
	write_error = EIO;
	assert_check(rig_out(&rig, CDB(0x2a, 0x08, [8] = 1, [9] = 0), data, 512),
		SPT_KEY_MEDIUM_ERROR, 0x0c00);
	write_error = 0;
	assert_check(rig_in(&rig, CDB(0x35, [9] = 0), 0), SPT_KEY_MEDIUM_ERROR, 0x0c00);
}

static void test_punch_sync_failure(void **state)
{
	sync_error = EIO;
	assert_check(rig_out(&rig, CDB(0x42, [8] = 24, [9] = 0), UNMAP_LIST, 24),
		SPT_KEY_MEDIUM_ERROR, 0x0c00);
	sync_error = 0;
	assert_check(rig_in(&rig, CDB(0x35, [9] = 0), 0), SPT_KEY_MEDIUM_ERROR, 0x0c00);
}

/* What was written is there for the next who opens the file. */
static void test_reopen(void **state)
{
	memset(data, 0x6d, sizeof(data));
	assert_good(rig_out(&rig, CDB(0x2a, 0, 0, 0, 0, 3, 0, 0, 8, 0), data, 4096));
	rig_close(&rig);
	open_disk("read-only=yes");
	const struct rig_result *r = rig_in(&rig, CDB(0x28, 0, 0, 0, 0, 3, 0, 0, 8, 0), 4096);
	assert_good(r);
	assert_memory_equal(r->in, data, 4096);
	assert_check(rig_out(&rig, CDB(0x2a, [8] = 1, [9] = 0), data, 512), SPT_KEY_DATA_PROTECT,
		0x2700);
	assert_string_equal(calls, "");
}

int main(void)
{
#define TEST(name, up) cmocka_unit_test_setup_teardown(name, up, teardown)
	const struct CMUnitTest tests[] = {
		{ "durability_cached", test_durability, setup_cached, teardown, NULL },
		{ "durability_through", test_durability, setup_through, teardown, NULL },
		TEST(test_switch_cache, setup_cached),
		TEST(test_write_failures, setup_cached),
		TEST(test_read_failure, setup_cached),
		TEST(test_sync_failure, setup_cached),
		TEST(test_durable_write_failure, setup_cached),
		TEST(test_punch_sync_failure, setup_through),
		TEST(test_reset_cache, setup_through),
		TEST(test_reset_and_close, setup_through),
		TEST(test_reopen, setup_cached),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
