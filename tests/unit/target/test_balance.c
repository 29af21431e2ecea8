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
	struct balance_loop loops[3] = { { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } };

	for (unsigned i = 0; i < 9; i++)
		loops[balance_choose(&b, SECOND + i, loops, 3, BALANCE_ANY)].n_conns++;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(loops[i].n_conns, 3);
	/* One that has lost its connections is filled up first. */
	loops[1].n_conns = 0;
	assert_int_equal(balance_choose(&b, 3 * SECOND, loops, 3, BALANCE_ANY), 1);
}

static void by_work(void **state)
{
	struct balance b = { .sampled_us = 0 };
	struct balance_loop loops[2] = { { 0, 1, 0 }, { 0, 20, 0 } };

	balance_choose(&b, SECOND, loops, 2, BALANCE_ANY);
	/* The one with a single connection has been busy for nine tenths of a second, the other for none. */
	loops[0].cpu_us = 900000;
	assert_int_equal(balance_choose(&b, 2 * SECOND, loops, 2, BALANCE_ANY), 1);
	/* A crowd that comes at once does not all go there: seven and the busy one counts as alike, */
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(balance_choose(&b, 2 * SECOND + i, loops, 2, BALANCE_ANY), 1);
	/* and of those that are alike it is the one with fewer connections. */
	assert_int_equal(balance_choose(&b, 2 * SECOND + 7, loops, 2, BALANCE_ANY), 0);
	/* The work is over: what counts are connections again. */
	assert_int_equal(balance_choose(&b, 4 * SECOND, loops, 2, BALANCE_ANY), 0);
}

/* A trifle of work does not outweigh connections; a clock that tells nothing is no work. */
static void trifles(void **state)
{
	struct balance b = { .sampled_us = 0 };
	struct balance_loop loops[2] = { { 5000, 1, 0 }, { 0, 2, 0 } };

	balance_choose(&b, SECOND, loops, 2, BALANCE_ANY);
	loops[0].cpu_us += 30000;
	assert_int_equal(balance_choose(&b, 2 * SECOND, loops, 2, BALANCE_ANY), 0);
}

/* A new connection for any loop but one. */
static void not_that_one(void **state)
{
	struct balance b = { .sampled_us = 0 };
	struct balance_loop loops[3] = { { 0, 0, 0 }, { 0, 5, 0 }, { 0, 9, 0 } };

	assert_int_equal(balance_choose(&b, SECOND, loops, 3, 0), 1);
	assert_int_equal(balance_choose(&b, SECOND, loops, 3, 1), 0);
	assert_int_equal(balance_choose(&b, SECOND, loops, 3, 2), 0);
	assert_int_equal(balance_choose(&b, SECOND, loops, 1, 0), 0);
}

/* What two loops do in a second, in thousandths, and whether a session should go from the first to the second. */
static void uneven(void **state)
{
	static const struct {
		unsigned cpu[2], ready[2];
		bool uneven;
	} rows[] = {
		{ { 0, 0 }, { 0, 0 }, false },
		{ { 1000, 0 }, { 0, 0 }, true },
		{ { 860, 420 }, { 0, 0 }, true },
		{ { 860, 440 }, { 0, 0 }, false }, /* the other has much to do as well */
		{ { 840, 0 }, { 0, 0 }, false },   /* all is done in time */
		{ { 500, 100 }, { 450, 0 }, true }, /* it would have used a whole processor */
		{ { 900, 100 }, { 0, 400 }, false },
		{ { 1000, 1000 }, { 0, 0 }, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct balance_watch w = { .sampled_us = 0 };
		struct balance_loop loops[3] = { { 7000, 1, 0 }, { 9000, 1, 0 }, { 1, 1, 0 } };
		struct balance_pair pair;
		assert_false(balance_uneven(&w, SECOND, loops, 2, &pair)); /* nothing is known yet */
		for (unsigned k = 0; k < 2; k++) {
			loops[k].cpu_us += rows[i].cpu[k] * 1000;
			loops[k].ready_us += rows[i].ready[k] * 1000;
		}
		assert_int_equal(balance_uneven(&w, 2 * SECOND, loops, 2, &pair), rows[i].uneven);
		if (!rows[i].uneven)
			continue;
		assert_int_equal(pair.from, 0);
		assert_int_equal(pair.to, 1);
		assert_int_equal(pair.from_share, rows[i].cpu[0] + rows[i].ready[0]);
		assert_int_equal(pair.to_share, rows[i].cpu[1] + rows[i].ready[1]);
		/* And nothing more in the second after that. */
		assert_false(balance_uneven(&w, 3 * SECOND, loops, 2, &pair));
	}
}

/* Of @weight in a hundred by one session what its going would relieve. */
static void relief(void **state)
{
	static const struct {
		unsigned from, to, weight, relief;
	} rows[] = {
		{ 1000, 0, 50, 500 },
		{ 1000, 0, 30, 300 },
		{ 1000, 0, 70, 300 }, /* the other would have the larger part then */
		{ 1000, 0, 13, 130 },
		{ 1000, 0, 12, 0 },   /* a trifle */
		{ 1000, 0, 100, 0 },  /* alone: only the place would be another */
		{ 1000, 0, 90, 0 },
		{ 1000, 400, 30, 300 },
		{ 1000, 400, 50, 0 }, /* 900 there */
		{ 900, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct balance_pair pair = { .from_share = rows[i].from, .to_share = rows[i].to };
		assert_int_equal(balance_relief(&pair, rows[i].weight, 100), rows[i].relief);
	}
	assert_int_equal(balance_relief(&(struct balance_pair){ .from_share = 1000 }, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_connections_when_idle),
		cmocka_unit_test(by_work),
		cmocka_unit_test(trifles),
		cmocka_unit_test(not_that_one),
		cmocka_unit_test(uneven),
		cmocka_unit_test(relief),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
