/* SPDX-License-Identifier: MIT */
/*
 * The stores: one set of tests for memory and for files by each engine, then what only files have:
 * who may open what, failures of the system, and what is durable when.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/list.h"
#include "base/util.h"
#include "fake_host.h"
#include "store/store.h"

#define MIB (1u << 20)

enum kind { KIND_MEM, KIND_URING, KIND_THREADS };

static const enum kind KINDS[] = { KIND_MEM, KIND_URING, KIND_THREADS };

struct rig {
	enum kind kind;
	struct fake_host fake;
	struct store *store;
	struct store_channel *channel;
	char path[64];
};

static struct rig rig;

/* As a filesystem whose write-back found no space tells it to the next who syncs (likewise; pwritev2() with large files). */
static int dsync_error;
ssize_t __real_pwritev64v2(int fd, const struct iovec *v, int n, off_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *v, int n, off_t offset, int flags);

ssize_t __wrap_pwritev64v2(int fd, const struct iovec *v, int n, off_t offset, int flags)
{
	if (!dsync_error || !(flags & RWF_DSYNC))
		return __real_pwritev64v2(fd, v, n, offset, flags);
	errno = dsync_error;
	dsync_error = 0;
	return -1;
}

static int open_file(const char *path, uint64_t bytes, enum kind kind, struct store **ret)
{
	const struct store_file_params p = {
		.path = path,
		.bytes = bytes,
		.io = kind == KIND_URING ? STORE_FILE_URING : STORE_FILE_THREADS,
		.block_bytes = 512,
	};
	return store_file_open(&p, NULL, ret);
}

static int setup(void **state)
{
	memset(&rig, 0, sizeof(rig));
	rig.kind = *(const enum kind *)*state;
	fake_host_init(&rig.fake);
	rig.fake.real_time = true;
	if (rig.kind == KIND_MEM) {
		assert_int_equal(store_mem_open(16 * MIB, 512, NULL, &rig.store), 0);
	} else {
		snprintf(rig.path, sizeof(rig.path), "store-%d-%d.img", (int)getpid(), rig.kind);
		int r = open_file(rig.path, 16 * MIB, rig.kind, &rig.store);
		if (r == -ENOSYS && rig.kind == KIND_URING) {
			print_message("built without io_uring\n");
			return 0; /* each test looks for its channel */
		}
		assert_int_equal(r, 0);
	}
	int r = store_channel_open(rig.store, &rig.fake.host, &rig.channel);
	if (r < 0 && rig.kind == KIND_URING) {
		print_message("no io_uring here: %s\n", strerror(-r));
		return 0;
	}
	assert_int_equal(r, 0);
	return 0;
}

static void raise_flag(void *arg)
{
	*(int *)arg = 1;
}

static void close_channel(void)
{
	int closed = 0;

	if (!rig.channel)
		return;
	store_channel_close(rig.channel, raise_flag, &closed);
	assert_true(closed || fake_host_until(&rig.fake, &closed, 5000000));
}

static int teardown(void **state)
{
	close_channel();
	store_close(rig.store);
	fake_host_deinit(&rig.fake);
	if (rig.path[0])
		unlink(rig.path);
	return 0;
}

static int pending;
static int all_done;

static void io_done(struct store_io *io)
{
	all_done = --pending == 0;
}

static void start(struct store_io *io, enum store_op op, void *data, uint64_t offset,
	uint64_t bytes)
{
	*io = (struct store_io){
		.op = op, .data = data, .offset_bytes = offset, .bytes = bytes, .done = io_done
	};
	pending++;
	all_done = 0;
	store_submit(rig.channel, io);
}

static void wait_all(void)
{
	assert_true(all_done || fake_host_until(&rig.fake, &all_done, 20000000));
}

static int run(enum store_op op, void *data, uint64_t offset, uint64_t bytes)
{
	struct store_io io;

	start(&io, op, data, offset, bytes);
	wait_all();
	return io.result;
}

#define NEEDS_CHANNEL()                                                                            \
	do {                                                                                       \
		if (!rig.channel)                                                                  \
			skip();                                                                    \
	} while (0)

static void test_read_back(void **state)
{
	static const struct {
		uint64_t offset, bytes;
	} rows[] = { { 0, 512 }, { 4096, 65536 }, { 16 * MIB - 512, 512 }, { MIB - 512, 3 * MIB } };
	uint8_t *out = malloc(3 * MIB), *in = malloc(3 * MIB);

	NEEDS_CHANNEL();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(out, (int)(0x41 + i), rows[i].bytes);
		memset(in, 0, rows[i].bytes);
		assert_int_equal(run(STORE_WRITE, out, rows[i].offset, rows[i].bytes), 0);
		assert_int_equal(run(STORE_READ, in, rows[i].offset, rows[i].bytes), 0);
		assert_memory_equal(in, out, rows[i].bytes);
	}
	assert_int_equal(run(STORE_FLUSH, NULL, 0, 0), 0);
	free(out);
	free(in);
}

static bool zeros(uint64_t offset, uint64_t bytes)
{
	uint8_t *p = malloc(bytes);
	bool all = true;

	assert_int_equal(run(STORE_READ, p, offset, bytes), 0);
	for (uint64_t i = 0; i < bytes; i++)
		all = all && !p[i];
	free(p);
	return all;
}

/* Not aligned to pages, smaller than one, larger than what is done in place. */
static void test_zero(void **state)
{
	static const struct {
		uint64_t offset, bytes;
	} rows[] = { { 512, 512 }, { 3584, 9216 }, { 8192, 4096 }, { MIB + 512, 6 * MIB } };
	uint8_t *ones = malloc(8 * MIB);

	NEEDS_CHANNEL();
	memset(ones, 0xff, 8 * MIB);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(run(STORE_WRITE, ones, 0, 8 * MIB), 0);
		assert_int_equal(run(STORE_ZERO, NULL, rows[i].offset, rows[i].bytes), 0);
		assert_true(zeros(rows[i].offset, rows[i].bytes));
		assert_false(zeros(rows[i].offset - 512, 512));
		uint8_t edge[512];
		assert_int_equal(run(STORE_READ, edge, rows[i].offset - 512, 512), 0);
		assert_memory_equal(edge, ones, 512);
		assert_int_equal(run(STORE_READ, edge, rows[i].offset + rows[i].bytes, 512), 0);
		assert_memory_equal(edge, ones, 512);
	}
	assert_int_equal(run(STORE_ZERO, NULL, 0, 0), 0);
	free(ones);
}

static void test_map(void **state)
{
	uint8_t data[8192];
	struct store_io io;

	NEEDS_CHANNEL();
	memset(data, 1, sizeof(data));
	assert_int_equal(run(STORE_WRITE, data, MIB, sizeof(data)), 0);
	start(&io, STORE_MAP, NULL, 0, 16 * MIB);
	wait_all();
	assert_int_equal(io.result, 0);
	assert_false(io.mapped);
	assert_int_equal(io.bytes, MIB);
	start(&io, STORE_MAP, NULL, MIB, 15 * MIB);
	wait_all();
	assert_true(io.mapped);
	assert_int_equal(io.bytes, sizeof(data));
	assert_int_equal(run(STORE_ZERO, NULL, MIB, 4096), 0);
	start(&io, STORE_MAP, NULL, MIB, 15 * MIB);
	wait_all();
	assert_false(io.mapped);
	assert_int_equal(io.bytes, 4096);
	start(&io, STORE_MAP, NULL, 8 * MIB, 4096);
	wait_all();
	assert_false(io.mapped);
	assert_int_equal(io.bytes, 4096);
}

/* More at once than any queue holds; every one is answered once, with its own data. */
static void test_many(void **state)
{
	enum { N = 2000 };
	struct store_io *ios = calloc(N, sizeof(*ios));
	uint8_t *data = malloc(N * 512);

	NEEDS_CHANNEL();
	for (unsigned i = 0; i < N; i++) {
		memset(data + i * 512, (int)(i % 251), 512);
		start(&ios[i], STORE_WRITE, data + i * 512, i * 512, 512);
	}
	wait_all();
	memset(data, 0xee, N * 512);
	for (unsigned i = 0; i < N; i++)
		start(&ios[i], STORE_READ, data + i * 512, i * 512, 512);
	wait_all();
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(ios[i].result, 0);
		assert_int_equal(data[i * 512], i % 251);
		assert_int_equal(data[i * 512 + 511], i % 251);
	}
	free(ios);
	free(data);
}

/* The channel may be closed from inside the last completion. */
static void close_in_done(struct store_io *io)
{
	all_done = 1;
	close_channel();
	rig.channel = NULL;
}

static void test_close_in_done(void **state)
{
	struct store_io io = { .op = STORE_FLUSH, .done = close_in_done };

	NEEDS_CHANNEL();
	all_done = 0;
	store_submit(rig.channel, &io);
	wait_all();
	assert_int_equal(io.result, 0);
	fake_host_settle(&rig.fake);
}

static void test_lend(void **state)
{
	uint8_t data[1024];

	NEEDS_CHANNEL();
	memset(data, 0x5c, sizeof(data));
	assert_int_equal(run(STORE_WRITE, data, 2048, sizeof(data)), 0);
	const uint8_t *lent = store_lend(rig.store, 2048, sizeof(data));
	assert_int_equal(rig.store->lends, rig.kind == KIND_MEM);
	assert_int_equal(lent != NULL, rig.store->lends);
	if (lent)
		assert_memory_equal(lent, data, sizeof(data));
}

/* FUA, FLUSH: the bytes are in the file for another reader, and the call does not fail. */
static int run_fua(uint8_t *data, uint64_t offset, uint64_t bytes)
{
	struct store_io io = { .op = STORE_WRITE, .data = data, .offset_bytes = offset, .bytes = bytes,
		.done = io_done, .fua = true };

	pending = 1;
	all_done = 0;
	store_submit(rig.channel, &io);
	wait_all();
	return io.result;
}

static void test_fua(void **state)
{
	uint8_t data[4096], back[4096];
	struct store_io io;

	NEEDS_CHANNEL();
	memset(data, 0x6b, sizeof(data));
	assert_int_equal(run_fua(data, 0, sizeof(data)), 0);
	io = (struct store_io){ .op = STORE_ZERO, .offset_bytes = 2048, .bytes = 512, .fua = true,
		.done = io_done };
	pending = 1;
	all_done = 0;
	store_submit(rig.channel, &io);
	wait_all();
	assert_int_equal(io.result, 0);
	if (rig.kind == KIND_MEM)
		return;
	int fd = open(rig.path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, back, sizeof(back), 0), sizeof(back));
	memset(data + 2048, 0, 512);
	assert_memory_equal(back, data, sizeof(data));
	close(fd);
}

/* What was acknowledged before is lost, and the system tells it by this write only: no later sync is to be believed. */
static void test_sync_lost(void **state)
{
	uint8_t data[4096] = { 1 };

	NEEDS_CHANNEL();
	if (rig.kind != KIND_THREADS)
		return;
	assert_int_equal(run(STORE_WRITE, data, 0, sizeof(data)), 0);
	dsync_error = ENOSPC;
	assert_int_equal(run_fua(data, 64 << 10, sizeof(data)), -EIO);
	assert_int_equal(run(STORE_FLUSH, NULL, 0, 0), -EIO);
}

/* The system refuses to make the file longer: the write fails, others go on. */
static void test_no_space(void **state)
{
	struct rlimit old, small;
	uint8_t data[4096] = { 1 };

	NEEDS_CHANNEL();
	if (rig.kind == KIND_MEM)
		return;
	assert_int_equal(truncate(rig.path, 0), 0); /* sparse: any write makes it longer */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 64 << 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int beyond = run(STORE_WRITE, data, 128 << 10, sizeof(data));
	int beyond_fua = run_fua(data, 128 << 10, sizeof(data));
	int within = run(STORE_WRITE, data, 0, sizeof(data));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(beyond, -EFBIG);
	assert_int_equal(beyond_fua, -EFBIG);
	assert_int_equal(within, 0);
	assert_int_equal(run(STORE_FLUSH, NULL, 0, 0), 0);
}

/* A file that became shorter than the disk is a failure to read, not zeros. */
static void test_truncated(void **state)
{
	uint8_t data[512];

	NEEDS_CHANNEL();
	if (rig.kind == KIND_MEM)
		return;
	assert_int_equal(truncate(rig.path, MIB), 0);
	assert_int_equal(run(STORE_READ, data, 2 * MIB, sizeof(data)), -EIO);
	assert_int_equal(run(STORE_READ, data, MIB - 512, sizeof(data)), 0);
}

/* One medium, one device; what is no file or block device is refused before it is opened. */
/* 0 or -EBUSY: may another process have the file by a lock of this kind? */
static int elsewhere(const char *path, bool read_only)
{
	struct store *s;
	const struct store_file_params p = { .path = path, .read_only = read_only, .block_bytes = 512 };
	int r = store_file_open(&p, NULL, &s);

	if (r == 0)
		store_close(s);
	return r;
}

/* A medium passes from a store to the one that takes its place, and nobody gets in between. */
static void handed_over(const char *path)
{
	struct store *a, *b, *c;
	struct store_file_params p = { .path = path, .block_bytes = 512, .io = STORE_FILE_THREADS };

	assert_int_equal(store_file_open(&p, NULL, &a), 0);
	p.leaving = a;
	assert_int_equal(store_file_open(&p, NULL, &b), 0);
	assert_int_equal(store_file_open(&p, NULL, &c), -EBUSY); /* it has an heir */
	store_close(a);
	assert_int_equal(elsewhere(path, true), -EBUSY);
	/* An heir that never comes into its own leaves everything as it was. */
	p.leaving = b;
	p.read_only = true;
	assert_int_equal(store_file_open(&p, NULL, &c), 0);
	store_close(c);
	assert_int_equal(elsewhere(path, true), -EBUSY);
	/* It only reads: readers may share it when the writer is gone. */
	assert_int_equal(store_file_open(&p, NULL, &c), 0);
	assert_int_equal(elsewhere(path, true), -EBUSY);
	store_close(b);
	assert_int_equal(elsewhere(path, true), 0);
	assert_int_equal(elsewhere(path, false), -EBUSY);
	/* And it writes again, if nobody else reads. */
	p.leaving = NULL;
	assert_int_equal(store_file_open(&p, NULL, &a), 0);
	p.leaving = c;
	p.read_only = false;
	assert_int_equal(store_file_open(&p, NULL, &b), -EBUSY);
	assert_int_equal(elsewhere(path, false), -EBUSY); /* the lock of c has not suffered */
	store_close(a);
	assert_int_equal(elsewhere(path, false), -EBUSY);
	assert_int_equal(store_file_open(&p, NULL, &b), 0);
	assert_int_equal(elsewhere(path, true), -EBUSY);
	store_close(b);
	assert_int_equal(elsewhere(path, true), 0);
	store_close(c);
	assert_int_equal(elsewhere(path, false), 0);
}

static void test_open_file(void **state)
{
	char path[64], fifo[64];
	struct store *a, *b;
	struct spt_error e;
	struct stat st;

	snprintf(path, sizeof(path), "store-%d-open.img", (int)getpid());
	snprintf(fifo, sizeof(fifo), "store-%d-fifo", (int)getpid());
	assert_int_equal(open_file(path, 0, KIND_THREADS, &a), -ENOENT);
	assert_int_equal(open_file(path, MIB, KIND_THREADS, &a), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, MIB);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(open_file(path, 0, KIND_THREADS, &b), -EBUSY);
	struct store_file_params p = { .path = path, .read_only = true, .block_bytes = 512 };
	assert_int_equal(store_file_open(&p, &e, &b), -EBUSY);
	assert_non_null(strstr(e.text, "in use"));
	store_close(a);
	/* Readers share. */
	assert_int_equal(store_file_open(&p, &e, &a), 0);
	assert_int_equal(store_file_open(&p, &e, &b), 0);
	assert_true(a->read_only && !a->punches);
	store_close(b);
	store_close(a);
	handed_over(path);
	assert_int_equal(open_file(path, 2 * MIB, KIND_THREADS, &a), -EINVAL);
	assert_int_equal(open_file(path, 4096, KIND_THREADS, &a), 0);
	assert_int_equal(a->bytes, 4096);
	store_close(a);
	assert_int_equal(open_file("/", 0, KIND_THREADS, &a), -EINVAL);
	assert_int_equal(open_file("/dev/null", 0, KIND_THREADS, &a), -EINVAL);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(open_file(fifo, 0, KIND_THREADS, &a), -EINVAL);
	unlink(fifo);
	unlink(path);
}

static void test_direct(void **state)
{
	char path[64];
	struct store_file_params p = { .path = path, .bytes = MIB, .direct = true,
		.block_bytes = 4096 };
	struct spt_error e;
	void *buffer = NULL;

	snprintf(path, sizeof(path), "store-%d-direct.img", (int)getpid());
	memset(&rig, 0, sizeof(rig));
	int r = store_file_open(&p, &e, &rig.store);
	if (r == -EINVAL) {
		print_message("%s\n", e.text);
		skip();
	}
	assert_int_equal(r, 0);
	fake_host_init(&rig.fake);
	rig.fake.real_time = true;
	assert_int_equal(store_channel_open(rig.store, &rig.fake.host, &rig.channel), 0);
	assert_int_equal(posix_memalign(&buffer, 4096, 8192), 0);
	memset(buffer, 0x33, 8192);
	assert_int_equal(run(STORE_WRITE, buffer, 4096, 8192), 0);
	memset(buffer, 0, 8192);
	assert_int_equal(run(STORE_READ, buffer, 4096, 8192), 0);
	assert_int_equal(((uint8_t *)buffer)[8191], 0x33);
	free(buffer);
	close_channel();
	store_close(rig.store);
	fake_host_deinit(&rig.fake);
	unlink(path);
}

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction run;
	} each[] = {
		{ "read_back", test_read_back }, { "zero", test_zero }, { "map", test_map },
		{ "many", test_many }, { "close_in_done", test_close_in_done },
		{ "lend", test_lend }, { "fua", test_fua }, { "no_space", test_no_space },
		{ "sync_lost", test_sync_lost },
		{ "truncated", test_truncated },
	};
	struct CMUnitTest tests[ARRAY_SIZE(each) * ARRAY_SIZE(KINDS)];
	static char names[ARRAY_SIZE(tests)][32];
	static const char *const kind_names[] = { "mem", "uring", "threads" };
	size_t n = 0;

	for (size_t k = 0; k < ARRAY_SIZE(KINDS); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(each); i++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s_%s", each[i].name, kind_names[k]);
			tests[n] = (struct CMUnitTest){
				names[n], each[i].run, setup, teardown, (void *)(uintptr_t)&KINDS[k]
			};
		}
	}
	const struct CMUnitTest alone[] = {
		cmocka_unit_test(test_open_file),
		cmocka_unit_test(test_direct),
	};
	int failed = cmocka_run_group_tests_name("each store", tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("files", alone, NULL, NULL);
}
