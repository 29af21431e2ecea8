/* SPDX-License-Identifier: MIT */
/* Blocks of the pool that io_uring knows: when they are registered, and that none of them is used when it is another's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <spt/buffer.h>

#include "fake_host.h"
#include "store/store.h"

#define MIB (1u << 20)

static struct {
	struct fake_host fake;
	struct store *store;
	struct store_channel *channel;
	char path[64];
	/* What the kernel is told, and what it says instead (linker option --wrap). */
	unsigned registered, forgotten;
	int refuse;
} rig;

struct io_uring;
int __real_io_uring_register_buffers_update_tag(struct io_uring *ring, unsigned at, const struct iovec *v,
	const uint64_t *tags, unsigned n);
int __wrap_io_uring_register_buffers_update_tag(struct io_uring *ring, unsigned at, const struct iovec *v,
	const uint64_t *tags, unsigned n);

int __wrap_io_uring_register_buffers_update_tag(struct io_uring *ring, unsigned at, const struct iovec *v,
	const uint64_t *tags, unsigned n)
{
	if (v->iov_base && rig.refuse)
		return rig.refuse;
	int r = __real_io_uring_register_buffers_update_tag(ring, at, v, tags, n);
	assert_int_equal(r, 1);
	rig.registered += v->iov_base != NULL;
	rig.forgotten += v->iov_base == NULL;
	return r;
}

static void raise_flag(void *arg)
{
	*(int *)arg = 1;
}

static int setup(void **state)
{
	memset(&rig, 0, sizeof(rig));
	fake_host_init(&rig.fake);
	rig.fake.real_time = true;
	rig.fake.host.pool = spt_pool_new(16 * MIB);
	snprintf(rig.path, sizeof(rig.path), "registered-%d.img", (int)getpid());
	const struct store_file_params p = {
		.path = rig.path, .bytes = 16 * MIB, .direct = true, .io = STORE_FILE_URING, .block_bytes = 4096
	};
	int r = store_file_open(&p, NULL, &rig.store);
	if (r == 0)
		r = store_channel_open(rig.store, &rig.fake.host, &rig.channel);
	if (r < 0)
		print_message("no io_uring, or no direct I/O here: %s\n", strerror(-r));
	return 0;
}

static int teardown(void **state)
{
	int closed = 0;

	if (rig.channel) {
		store_channel_close(rig.channel, raise_flag, &closed);
		assert_true(closed || fake_host_until(&rig.fake, &closed, 5000000));
	}
	store_close(rig.store);
	spt_pool_free(rig.fake.host.pool);
	fake_host_deinit(&rig.fake);
	unlink(rig.path);
	return 0;
}

static int over;

static void io_done(struct store_io *io)
{
	over = 1;
}

static void run(enum store_op op, void *data, uint64_t offset, uint64_t bytes)
{
	struct store_io io = { .op = op, .data = data, .offset_bytes = offset, .bytes = bytes, .done = io_done };

	over = 0;
	store_submit(rig.channel, &io);
	assert_true(over || fake_host_until(&rig.fake, &over, 20000000));
	assert_int_equal(io.result, 0);
}

static void *take(size_t bytes)
{
	void *p = spt_pool_get(rig.fake.host.pool, bytes);

	assert_non_null(p);
	return p;
}

static void give(void *p, size_t bytes)
{
	spt_pool_put(rig.fake.host.pool, p, bytes);
}

/* @block goes to the medium with @value all over it and comes back. */
static void there_and_back(uint8_t *block, uint8_t value, size_t bytes)
{
	memset(block, value, bytes);
	run(STORE_WRITE, block, MIB, bytes);
	memset(block, 0, bytes);
	run(STORE_READ, block, MIB, bytes);
	assert_int_equal(block[0], value);
	assert_memory_equal(block, block + 1, bytes - 1);
}

static void test_the_second_time(void **state)
{
	if (!rig.channel)
		skip();
	uint8_t *a = take(MIB), *b = take(MIB), *small = take(4096);

	run(STORE_READ, a, 0, MIB);
	assert_int_equal(rig.registered, 0);
	there_and_back(a, 0x41, MIB);
	assert_int_equal(rig.registered, 1);
	/* Less of it is the same block. */
	there_and_back(a, 0x42, MIB / 2);
	assert_int_equal(rig.registered, 1);
	there_and_back(b, 0x43, MIB);
	there_and_back(small, 0x44, 4096);
	assert_int_equal(rig.registered, 2);
	give(a, MIB);
	give(b, MIB);
	give(small, 4096);
	assert_int_equal(rig.forgotten, 0);
}

/* The same address, and other pages behind it. */
static void test_forgotten_in_time(void **state)
{
	if (!rig.channel)
		skip();
	for (unsigned i = 0; i < 4; i++) {
		uint8_t *a = take(MIB), *b = take(2 * MIB);
		assert_int_equal(rig.registered, 2 * i);
		for (unsigned k = 0; k < 3; k++) {
			there_and_back(a, (uint8_t)(0x10 + 8 * i + k), MIB);
			there_and_back(b, (uint8_t)(0x14 + 8 * i + k), 2 * MIB);
		}
		assert_int_equal(rig.registered, 2 * i + 2);
		give(a, MIB);
		give(b, 2 * MIB);
		assert_int_equal(rig.forgotten, 2 * i);
		spt_pool_trim(rig.fake.host.pool);
		assert_int_equal(rig.forgotten, 2 * i + 2);
	}
}

/* RLIMIT_MEMLOCK is reached: it goes on without, and is asked again when there may be room. */
static void test_refused(void **state)
{
	if (!rig.channel)
		skip();
	uint8_t *a = take(MIB), *b = take(2 * MIB);

	there_and_back(a, 0x51, MIB);
	assert_int_equal(rig.registered, 1);
	rig.refuse = -ENOMEM;
	there_and_back(b, 0x52, 2 * MIB);
	there_and_back(b, 0x53, 2 * MIB);
	there_and_back(a, 0x54, MIB);
	rig.refuse = 0;
	there_and_back(b, 0x55, 2 * MIB);
	assert_int_equal(rig.registered, 1);
	give(a, MIB);
	spt_pool_trim(rig.fake.host.pool);
	there_and_back(b, 0x56, 2 * MIB);
	assert_int_equal(rig.registered, 2);
	give(b, 2 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_second_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten_in_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
