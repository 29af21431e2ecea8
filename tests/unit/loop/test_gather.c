/* SPDX-License-Identifier: MIT */
/* How long commands gather: what is served at a greater rate is found and kept, and alone nobody waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "loop/gather.h"

#define US       UINT64_C(1000)
#define SECOND   (1000000 * US)
#define LIMIT_US 100u

static struct gather gather;
static uint64_t now_ns, commands, pause_ns, paused_turns, longest_ns;

static void begin(unsigned limit_us)
{
	gather_init(&gather, limit_us);
	now_ns = SECOND;
	commands = pause_ns = paused_turns = longest_ns = 0;
}

static int set_up(void **state)
{
	(void)state;
	begin(LIMIT_US);
	return 0;
}

/* A turn that brings @n commands, @ns after the last pause. */
static void turn(unsigned n, uint64_t ns)
{
	now_ns += pause_ns + ns;
	commands += n;
	pause_ns = gather_pause(&gather, now_ns, commands);
	paused_turns += pause_ns != 0;
	if (pause_ns > longest_ns)
		longest_ns = pause_ns;
}

/* A queue that is always full: a command each @alone_us, or each @together_us where they gather. Returns how many there were. */
static uint64_t deep(unsigned alone_us, unsigned together_us, uint64_t ns)
{
	uint64_t before = commands, end_ns = now_ns + ns, ready_ns = 0;

	while (now_ns < end_ns) {
		if (!pause_ns) {
			turn(1, alone_us * US);
			continue;
		}
		ready_ns += pause_ns + together_us * US;
		turn((unsigned)(ready_ns / (together_us * US)), together_us * US);
		ready_ns %= together_us * US;
	}
	return commands - before;
}

/* An initiator that sends @depth commands and waits for all answers, which takes @us. */
static uint64_t shallow(unsigned depth, unsigned us, uint64_t ns)
{
	uint64_t before = commands, end_ns = now_ns + ns;

	while (now_ns < end_ns)
		turn(depth, us * US);
	return commands - before;
}

static void test_more_with_a_pause(void **state)
{
	(void)state;
	deep(20, 16, SECOND / 5);
	assert_true(pause_ns != 0);
	/* And it stays: 16 us each, but for what the trials cost. */
	assert_true(deep(20, 16, SECOND) > 60000);
}

static void test_fewer_with_a_pause(void **state)
{
	(void)state;
	uint64_t n = deep(5, 8, SECOND);
	assert_true(n > 0.98 * 200000);
}

static void test_as_many(void **state)
{
	(void)state;
	/* Two or three gather: nobody gains by waiting for them. */
	deep(12, 12, SECOND);
	assert_true(paused_turns * 12 * US < SECOND / 10);
	/* Many: the longest pause saves the most. */
	begin(LIMIT_US);
	deep(4, 4, SECOND / 2);
	assert_int_equal(longest_ns, LIMIT_US * US);
	paused_turns = 0;
	deep(4, 4, SECOND);
	assert_true(paused_turns > 4000);
}

static void test_alone(void **state)
{
	(void)state;
	uint64_t n = shallow(1, 20, 10 * SECOND);
	/* Four at each trial, and a trial each second in the end. */
	assert_in_range(paused_turns, 1, 100);
	assert_true(n > 0.99 * 500000);
}

static void test_short_queue(void **state)
{
	(void)state;
	uint64_t n = shallow(4, 40, 10 * SECOND);
	assert_true(n > 0.98 * 1000000);
}

static void test_few_a_second(void **state)
{
	(void)state;
	shallow(1, 1000, 10 * SECOND);
	assert_true(paused_turns < 100);
	/* Several at once, too few for a comparison within its time. */
	begin(LIMIT_US);
	shallow(2, 5000, 10 * SECOND);
	assert_true(paused_turns < 100);
}

static void test_queue_runs_dry(void **state)
{
	(void)state;
	deep(20, 16, SECOND / 5);
	assert_true(pause_ns != 0);
	paused_turns = 0;
	shallow(1, 20, SECOND / 5);
	assert_int_equal(pause_ns, 0);
	assert_in_range(paused_turns, 1, 40);
}

static void test_forgotten_when_idle(void **state)
{
	(void)state;
	deep(20, 16, SECOND / 5);
	assert_true(pause_ns != 0);
	turn(1, SECOND / 30);
	assert_int_equal(pause_ns, 0);
}

static void test_turn_without_a_command(void **state)
{
	(void)state;
	deep(20, 16, SECOND / 5);
	turn(0, 10 * US);
	assert_int_equal(pause_ns, 0);
}

static void test_limit(void **state)
{
	(void)state;
	begin(0);
	deep(20, 16, SECOND);
	assert_int_equal(paused_turns, 0);
	begin(60);
	deep(20, 10, SECOND);
	assert_int_equal(longest_ns, 50 * US);
	begin(24); /* less than the shortest */
	deep(20, 16, SECOND);
	assert_int_equal(paused_turns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_more_with_a_pause, set_up),
		cmocka_unit_test_setup(test_fewer_with_a_pause, set_up),
		cmocka_unit_test_setup(test_as_many, set_up),
		cmocka_unit_test_setup(test_alone, set_up),
		cmocka_unit_test_setup(test_short_queue, set_up),
		cmocka_unit_test_setup(test_few_a_second, set_up),
		cmocka_unit_test_setup(test_queue_runs_dry, set_up),
		cmocka_unit_test_setup(test_forgotten_when_idle, set_up),
		cmocka_unit_test_setup(test_turn_without_a_command, set_up),
		cmocka_unit_test_setup(test_limit, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
