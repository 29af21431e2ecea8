/* SPDX-License-Identifier: MIT */
/* When a loop stays awake: learned from the gaps, given up when it is in vain, never when idle. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "loop/spin.h"

#define LIMIT_US 100u
#define US	 UINT64_C(1000)

static struct spin spin;

static int set_up(void **state)
{
	cpu_set_t set;

	/* One processor is left to others, so that with one there is nothing to see. */
	if (sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) < 2)
		skip();
	spin_init(&spin, LIMIT_US);
	return 0;
}

/* Turns of so many commands, each of which is @work_us. */
static void slept_to(uint64_t gap_us, unsigned times, unsigned commands, unsigned work_us)
{
	while (times--)
		spin_slept(&spin, gap_us * US, commands, commands * work_us * US);
}

static void slept(uint64_t gap_us, unsigned times)
{
	slept_to(gap_us, times, 1, 3);
}

/* At how many of @times would it stay awake? Each is a miss. */
static unsigned awake_of(unsigned times)
{
	unsigned n = 0;

	while (times--) {
		if (!spin_begin(&spin))
			continue;
		n++;
		spin_miss(&spin);
	}
	return n;
}

static void test_nothing_is_known(void **state)
{
	assert_int_equal(spin_begin(&spin), 0);
}

static void test_switched_off(void **state)
{
	spin_init(&spin, 0);
	slept(1, 100);
	assert_int_equal(spin_begin(&spin), 0);
}

static void test_arrivals_that_are_near(void **state)
{
	slept(10, 20);
	uint64_t limit = spin_begin(&spin);
	assert_in_range(limit, 10 * US, LIMIT_US * US);
	spin_hit(&spin, 10 * US, false);
	assert_true(spin_begin(&spin) != 0);
	spin_hit(&spin, 10 * US, false);
	assert_int_equal(spin.hits, 2);
}

static void test_arrivals_that_are_far(void **state)
{
	slept(10, 20);
	slept(5000, 20);
	assert_int_equal(spin_begin(&spin), 0);
	/* And back: a long pause is not remembered for long. */
	slept(10, 40);
	assert_true(spin_begin(&spin) != 0);
	spin_miss(&spin);
}

static void test_never_longer_than_the_limit(void **state)
{
	slept(LIMIT_US - 1, 100);
	assert_in_range(spin_begin(&spin), 1, LIMIT_US * US);
	spin_miss(&spin);
}

/* Though the gaps are short: somebody else needs the processor for what we wait for. */
static void test_in_vain(void **state)
{
	slept(10, 20);
	assert_in_range(awake_of(1000), 1, 11);
	assert_in_range(awake_of(1000), 0, 2);
	/* One that is not in vain is a beginning. */
	slept(10, 20);
	unsigned vain = spin.vain;
	while (!spin_begin(&spin))
		;
	spin_hit(&spin, 10 * US, false);
	assert_int_equal(spin.vain, vain - 1);
}

static void test_preempted(void **state)
{
	unsigned n = 0;

	slept(10, 20);
	for (unsigned i = 0; i < 1000; i++) {
		if (!spin_begin(&spin))
			continue;
		n++;
		spin_hit(&spin, 10 * US, true);
	}
	assert_in_range(n, 1, 11);
}

/* Several commands a turn, when they have the time to gather: awake, each would be served for itself. */
static void test_commands_that_gather(void **state)
{
	slept_to(10, 40, 6, 3);
	assert_int_equal(spin_begin(&spin), 0);
	/* Turns without commands (the data of writes, somebody's answer) say nothing about it. */
	slept_to(10, 40, 0, 0);
	assert_int_equal(spin_begin(&spin), 0);
	/* They come one by one again. */
	slept(10, 40);
	assert_true(spin_begin(&spin) != 0);
	spin_miss(&spin);
}

static void test_long_commands_do_not_gather(void **state)
{
	slept_to(10, 40, 6, 100);
	assert_true(spin_begin(&spin) != 0);
	spin_miss(&spin);
}

/* It stays awake, and still finds out before long that there is something to be gathered. */
static void test_looks_now_and_then(void **state)
{
	unsigned awake = 0, asleep = 0;

	slept(10, 20);
	while (asleep < 20) {
		if (spin_begin(&spin)) {
			spin_hit(&spin, 10 * US, false);
			assert_in_range(++awake, 1, 1000);
		} else {
			slept_to(10, 1, 6, 3);
			asleep++;
		}
	}
	assert_in_range(awake, 100, 700);
	assert_int_equal(spin_begin(&spin), 0);
}

/* Of all loops together, so many stay awake that one processor is left. */
static void test_one_processor_is_left(void **state)
{
	static struct spin spins[1024];
	cpu_set_t set;
	unsigned n = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned i = 0; i < 1024; i++) {
		spin_init(&spins[i], LIMIT_US);
		spin_slept(&spins[i], 10 * US, 1, 3 * US);
		n += spin_begin(&spins[i]) != 0;
	}
	assert_int_equal(n, CPU_COUNT(&set) - 1);
	for (unsigned i = 0; i < 1024; i++)
		if (i < n)
			spin_miss(&spins[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_is_known, set_up),
		cmocka_unit_test_setup(test_switched_off, set_up),
		cmocka_unit_test_setup(test_arrivals_that_are_near, set_up),
		cmocka_unit_test_setup(test_arrivals_that_are_far, set_up),
		cmocka_unit_test_setup(test_never_longer_than_the_limit, set_up),
		cmocka_unit_test_setup(test_in_vain, set_up),
		cmocka_unit_test_setup(test_preempted, set_up),
		cmocka_unit_test_setup(test_commands_that_gather, set_up),
		cmocka_unit_test_setup(test_long_commands_do_not_gather, set_up),
		cmocka_unit_test_setup(test_looks_now_and_then, set_up),
		cmocka_unit_test_setup(test_one_processor_is_left, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
