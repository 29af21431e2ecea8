/* SPDX-License-Identifier: MIT */
/* Which loop a connection goes to: rows of what loops have done and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "target/balance.h"

#define SECOND 1000000u

static void by_connections_when_idle(void **state)
{
	struct balance b = { .sampled_us = 0 };
	struct balance_loop loops[3] = { { 0, 0 }, { 0, 0 }, { 0, 0 } };

	for (unsigned i = 0; i < 9; i++)
		loops[balance_choose(&b, SECOND + i, loops, 3)].n_conns++;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(loops[i].n_conns, 3);
	/* One that has lost its connections is filled up first. */
	loops[1].n_conns = 0;
	assert_int_equal(balance_choose(&b, 3 * SECOND, loops, 3), 1);
}

static void by_work(void **state)
{
	struct balance b = { .sampled_us = 0 };
	struct balance_loop loops[2] = { { 0, 1 }, { 0, 20 } };

	balance_choose(&b, SECOND, loops, 2);
	/* The one with a single connection has been busy for nine tenths of a second, the other for none. */
	loops[0].cpu_us = 900000;
	assert_int_equal(balance_choose(&b, 2 * SECOND, loops, 2), 1);
	/* A crowd that comes at once does not all go there: seven and the busy one counts as alike, */
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(balance_choose(&b, 2 * SECOND + i, loops, 2), 1);
	/* and of those that are alike it is the one with fewer connections. */
	assert_int_equal(balance_choose(&b, 2 * SECOND + 7, loops, 2), 0);
	/* The work is over: what counts are connections again. */
	assert_int_equal(balance_choose(&b, 4 * SECOND, loops, 2), 0);
}

/* A trifle of work does not outweigh connections; a clock that tells nothing is no work. */
static void trifles(void **state)
{
	struct balance b = { .sampled_us = 0 };
	struct balance_loop loops[2] = { { 5000, 1 }, { 0, 2 } };

	balance_choose(&b, SECOND, loops, 2);
	loops[0].cpu_us += 30000;
	assert_int_equal(balance_choose(&b, 2 * SECOND, loops, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_connections_when_idle),
		cmocka_unit_test(by_work),
		cmocka_unit_test(trifles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
