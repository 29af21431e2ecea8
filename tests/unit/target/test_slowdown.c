/* SPDX-License-Identifier: MIT */
/* Who fails to authenticate waits the longer the more often; others do not wait for him. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "target/slowdown.h"

static struct slowdown table;

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage a = { .ss_family = strchr(text, ':') ? AF_INET6 : AF_INET };

	assert_int_equal(inet_pton(a.ss_family, text, a.ss_family == AF_INET6 ?
		(void *)&((struct sockaddr_in6 *)&a)->sin6_addr :
		(void *)&((struct sockaddr_in *)&a)->sin_addr), 1);
	return a;
}

/* Fails, and is answered at once. */
static uint64_t failed(const char *text, uint64_t now_us)
{
	struct sockaddr_storage a = address(text);
	struct slowdown_entry *entry;
	uint64_t delay = slowdown_failed(&table, (struct sockaddr *)&a, now_us, &entry);

	slowdown_answered(&table, entry);
	return delay;
}

static bool allowed(const char *text)
{
	struct sockaddr_storage a = address(text);

	return slowdown_allows(&table, (struct sockaddr *)&a);
}

static int setup(void **state)
{
	slowdown_init(&table);
	return 0;
}

static int teardown(void **state)
{
	slowdown_deinit(&table);
	return 0;
}

static void test_grows_and_ends(void **state)
{
	uint64_t now = 1000000, delay = SLOWDOWN_FIRST_US;

	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(failed("192.0.2.1", now++), delay);
		delay = 2 * delay < SLOWDOWN_MOST_US ? 2 * delay : SLOWDOWN_MOST_US;
	}
	/* another address, and the same one after a long time */
	assert_int_equal(failed("192.0.2.2", now), SLOWDOWN_FIRST_US);
	assert_int_equal(failed("192.0.2.1", now - 1 + SLOWDOWN_FORGET_US), SLOWDOWN_MOST_US);
	assert_int_equal(failed("192.0.2.1", now + 2 * SLOWDOWN_FORGET_US + 1), SLOWDOWN_FIRST_US);
	/* a clock a little behind */
	assert_int_equal(failed("192.0.2.1", now), 2 * SLOWDOWN_FIRST_US);
}

static void test_addresses(void **state)
{
	assert_int_equal(failed("192.0.2.1", 1), SLOWDOWN_FIRST_US);
	assert_int_equal(failed("::ffff:192.0.2.1", 2), 2 * SLOWDOWN_FIRST_US);
	assert_int_equal(failed("::ffff:192.0.2.3", 3), SLOWDOWN_FIRST_US);
	/* a network of IPv6 is one */
	assert_int_equal(failed("2001:db8::1", 4), SLOWDOWN_FIRST_US);
	assert_int_equal(failed("2001:db8::ffff:1", 5), 2 * SLOWDOWN_FIRST_US);
	assert_int_equal(failed("2001:db8:0:1::1", 6), SLOWDOWN_FIRST_US);
}

static void fill(uint64_t first_us, struct slowdown_entry **entries)
{
	for (unsigned i = 0; i < SLOWDOWN_ADDRESSES; i++) {
		struct sockaddr_in a = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(0x0a000000u + i) };

		slowdown_failed(&table, (struct sockaddr *)&a, first_us + i, &entries[i]);
		assert_non_null(entries[i]);
	}
}

static void test_full(void **state)
{
	struct slowdown_entry *entries[SLOWDOWN_ADDRESSES];
	struct slowdown_entry *none;
	struct sockaddr_storage a = address("192.0.2.1");

	fill(10, entries);
	/* answers wait in all of them: the new one waits the longest, and is not counted */
	assert_int_equal(slowdown_failed(&table, (struct sockaddr *)&a, 400, &none),
		SLOWDOWN_MOST_US);
	assert_null(none);
	slowdown_answered(&table, none);
	for (unsigned i = 0; i < SLOWDOWN_ADDRESSES; i++)
		slowdown_answered(&table, entries[i]);
	/* the longest quiet one is forgotten, and only it */
	assert_int_equal(failed("192.0.2.1", 500), SLOWDOWN_FIRST_US);
	assert_int_equal(failed("10.0.0.1", 501), 2 * SLOWDOWN_FIRST_US);
	assert_int_equal(failed("10.0.0.0", 502), SLOWDOWN_FIRST_US);
}

static void test_waiting(void **state)
{
	struct slowdown_entry *entries[SLOWDOWN_WAITING];
	struct sockaddr_storage a = address("192.0.2.1");

	for (unsigned i = 0; i < SLOWDOWN_WAITING; i++) {
		assert_true(allowed("192.0.2.1"));
		slowdown_failed(&table, (struct sockaddr *)&a, 1, &entries[i]);
	}
	assert_false(allowed("192.0.2.1"));
	assert_true(allowed("192.0.2.2"));
	slowdown_answered(&table, entries[0]);
	assert_true(allowed("192.0.2.1"));
	for (unsigned i = 1; i < SLOWDOWN_WAITING; i++)
		slowdown_answered(&table, entries[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_grows_and_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waiting, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
