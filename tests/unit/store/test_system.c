/* SPDX-License-Identifier: MIT */
/* Stores and a system that has not enough, or does not want: no io_uring, no room for submissions, a disk of terabytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "fake_host.h"
#include "store/store.h"

#define MIB (1u << 20)

static struct {
	struct fake_host fake;
	struct store *store;
	struct store_channel *channel;
} rig;

/* As sysctl kernel.io_uring_disabled or a seccomp filter refuse it (linker option --wrap). */
static bool refuse_uring;

struct io_uring;
int __real_io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags);
int __wrap_io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags);

#ifdef STORE_URING
int __wrap_io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
	return refuse_uring ? -EPERM : __real_io_uring_queue_init(entries, ring, flags);
}

/* As a system that is short of memory: it takes none of those that are queued, or says so (likewise). */
static int submit_result, submit_shorts;
int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);

int __wrap_io_uring_submit(struct io_uring *ring)
{
	if (!submit_shorts)
		return __real_io_uring_submit(ring);
	submit_shorts--;
	return submit_result;
}
#endif

static int setup(void **state)
{
	memset(&rig, 0, sizeof(rig));
	fake_host_init(&rig.fake);
	rig.fake.real_time = true;
	return 0;
}

static int teardown(void **state)
{
	fake_host_deinit(&rig.fake);
	return 0;
}

static void raise_flag(void *arg)
{
	*(int *)arg = 1;
}

static void close_store(void)
{
	int closed = 0;

	store_channel_close(rig.channel, raise_flag, &closed);
	assert_true(closed || fake_host_until(&rig.fake, &closed, 5000000));
	store_close(rig.store);
}

static int io_over;

static void io_done(struct store_io *io)
{
	io_over = 1;
}

static int run(enum store_op op, void *data, uint64_t offset, uint64_t bytes)
{
	struct store_io io = { .op = op, .data = data, .offset_bytes = offset, .bytes = bytes, .done = io_done };

	io_over = 0;
	store_submit(rig.channel, &io);
	assert_true(io_over || fake_host_until(&rig.fake, &io_over, 20000000));
	return io.result;
}

/* SBC-4 5.6: how much is looked at is bounded, and what is told may be less than there is. */
static void test_map_huge(void **state)
{
	const uint64_t bytes = 64ull << 30;
	uint64_t at = 0;
	unsigned steps = 0;

	assert_int_equal(store_mem_open(bytes, 512, NULL, &rig.store), 0);
	assert_int_equal(store_channel_open(rig.store, &rig.fake.host, &rig.channel), 0);
	while (at < bytes) {
		struct store_io io = { .op = STORE_MAP, .offset_bytes = at, .bytes = bytes - at, .done = io_done };
		store_submit(rig.channel, &io);
		assert_int_equal(io.result, 0);
		assert_false(io.mapped);
		assert_in_range(io.bytes, 1, 4ull << 30);
		at += io.bytes;
		steps++;
	}
	assert_in_range(steps, 16, 64);
	close_store();
}

/* io = auto does without io_uring where it is refused; io = uring says so. */
static void test_uring_refused(void **state)
{
	char path[64];
	struct store_file_params p = { .path = path, .bytes = MIB, .block_bytes = 512 };
	uint8_t data[4096];

	snprintf(path, sizeof(path), "system-%d-refused.img", (int)getpid());
	refuse_uring = true;
	assert_int_equal(store_file_open(&p, NULL, &rig.store), 0);
	assert_int_equal(store_channel_open(rig.store, &rig.fake.host, &rig.channel), 0);
	memset(data, 0x21, sizeof(data));
	assert_int_equal(run(STORE_WRITE, data, 0, sizeof(data)), 0);
	assert_int_equal(run(STORE_FLUSH, NULL, 0, 0), 0);
	memset(data, 0, sizeof(data));
	assert_int_equal(run(STORE_READ, data, 0, sizeof(data)), 0);
	assert_int_equal(data[4095], 0x21);
	close_store();
	p.io = STORE_FILE_URING;
	int r = store_file_open(&p, NULL, &rig.store);
	if (r == 0) {
		assert_int_equal(store_channel_open(rig.store, &rig.fake.host, &rig.channel),
			-EPERM);
		store_close(rig.store);
	} else {
		assert_int_equal(r, -ENOSYS);
	}
	refuse_uring = false;
	unlink(path);
}

#ifdef STORE_URING
/* What the system has not taken is submitted again, though no other I/O comes. */
static void test_short_submission(void **state)
{
	static const int results[] = { 0, -EAGAIN, -EBUSY };
	char path[64];
	const struct store_file_params p = { .path = path, .bytes = MIB, .block_bytes = 512, .io = STORE_FILE_URING };
	uint8_t data[512] = { 7 };

	snprintf(path, sizeof(path), "system-%d-short.img", (int)getpid());
	assert_int_equal(store_file_open(&p, NULL, &rig.store), 0);
	if (store_channel_open(rig.store, &rig.fake.host, &rig.channel) < 0) {
		print_message("no io_uring here\n");
		store_close(rig.store);
		unlink(path);
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		submit_result = results[i];
		submit_shorts = 3;
		assert_int_equal(run(STORE_FLUSH, NULL, 0, 0), 0);
		assert_int_equal(submit_shorts, 0);
		assert_int_equal(run(STORE_WRITE, data, 0, sizeof(data)), 0);
	}
	close_store();
	unlink(path);
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_map_huge),
		TEST(test_uring_refused),
#ifdef STORE_URING
		TEST(test_short_submission),
#endif
	};

	return cmocka_run_group_tests_name("system", tests, NULL, NULL);
}
