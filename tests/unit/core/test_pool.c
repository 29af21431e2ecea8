/* SPDX-License-Identifier: MIT */
/* The buffer pool: alignment, classes, what is kept and what goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <spt/buffer.h>

#include "base/list.h"
#include "base/util.h"

static void sizes(void **state)
{
	struct spt_pool *pool = spt_pool_new(1u << 20);
	static const size_t rows[] = { 1, 511, 4096, 4097, 65536, 100000, 1u << 20, SPT_BUFFER_MAX };

	assert_non_null(pool);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t *p = spt_pool_get(pool, rows[i]);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % SPT_BUFFER_ALIGN, 0);
		p[0] = p[rows[i] - 1] = 1;
		assert_true(spt_pool_used(pool) >= rows[i]);
		spt_pool_put(pool, p, rows[i]);
		assert_int_equal(spt_pool_used(pool), 0);
	}
	spt_pool_free(pool);
}

static void refused(void **state)
{
	struct spt_pool *pool = spt_pool_new(0);

	assert_null(spt_pool_get(pool, 0));
	assert_null(spt_pool_get(pool, (size_t)SPT_BUFFER_MAX + 1));
	assert_null(spt_pool_get(pool, SIZE_MAX));
	spt_pool_put(pool, NULL, 4096);
	assert_int_equal(spt_pool_used(pool), 0);
	spt_pool_free(pool);
	spt_pool_free(NULL);
}

/* What was returned is the next taker's, if it is of the same class, and no other. */
static void kept(void **state)
{
	struct spt_pool *pool = spt_pool_new(8192);
	void *a = spt_pool_get(pool, 4096), *b = spt_pool_get(pool, 5000);

	assert_int_equal(spt_pool_used(pool), 4096 + 8192);
	spt_pool_put(pool, b, 5000);
	spt_pool_put(pool, a, 4096); /* over what is kept: to the system */
	void *c = spt_pool_get(pool, 8192);
	assert_ptr_equal(c, b);
	spt_pool_put(pool, c, 8192);
	spt_pool_trim(pool);
	void *d = spt_pool_get(pool, 1);
	assert_non_null(d);
	spt_pool_put(pool, d, 1);
	spt_pool_free(pool);
}

/* What nobody has needed between two ageings goes; what was in use between them stays. */
static void ages(void **state)
{
	struct spt_pool *pool = spt_pool_new(1u << 20);
	void *busy = spt_pool_get(pool, 8192), *idle = spt_pool_get(pool, 65536);

	spt_pool_put(pool, busy, 8192);
	spt_pool_put(pool, idle, 65536);
	assert_int_equal(spt_pool_age(pool), 0); /* both were needed a moment ago */
	assert_int_equal(spt_pool_kept(pool), 8192 + 65536);
	busy = spt_pool_get(pool, 8192);
	spt_pool_put(pool, busy, 8192);
	assert_int_equal(spt_pool_age(pool), 65536);
	assert_int_equal(spt_pool_kept(pool), 8192);
	assert_int_equal(spt_pool_age(pool), 8192);
	assert_int_equal(spt_pool_kept(pool), 0);
	spt_pool_free(pool);
}

#define LIMIT (1u << 20)

/* Two pools never have more than their limit, kept memory included, and leave nothing of it behind. */
static void share_a_limit(void **state)
{
	struct spt_memory *memory = spt_memory_new(LIMIT);
	struct spt_pool *a = spt_pool_new(0), *b = spt_pool_new(0);
	void *blocks[LIMIT / 65536 + 1];
	unsigned n = 0;

	spt_pool_limit(a, memory, LIMIT / 2);
	spt_pool_limit(b, memory, LIMIT / 4);
	void *of_b = spt_pool_get(b, 65536);
	assert_non_null(of_b);
	while ((blocks[n] = spt_pool_get(a, 65536)))
		assert_true(++n < ARRAY_SIZE(blocks));
	assert_in_range(n, LIMIT / 65536 - 3, LIMIT / 65536 - 1);
	assert_int_equal(spt_pool_denied(a), 1);
	assert_true(spt_memory_used(memory) <= LIMIT);
	assert_null(spt_pool_get(b, LIMIT / 2));
	while (n)
		spt_pool_put(a, blocks[--n], 65536);
	assert_int_equal(spt_pool_kept(a), LIMIT / 2);
	/* What the other keeps is not there for b, until it is given back. */
	assert_null(spt_pool_get(b, LIMIT / 2));
	spt_pool_age(a);
	spt_pool_age(a);
	void *more = spt_pool_get(b, LIMIT / 2);
	assert_non_null(more);
	spt_pool_put(b, more, LIMIT / 2);
	spt_pool_put(b, of_b, 65536);
	spt_pool_free(a);
	spt_pool_free(b);
	assert_int_equal(spt_memory_used(memory), 0);
	spt_memory_free(memory);
	spt_memory_free(NULL);
}

/* A pool gives up what it keeps itself before it says no; a lower limit denies at once. */
static void own_spares_first(void **state)
{
	struct spt_memory *memory = spt_memory_new(LIMIT);
	struct spt_pool *pool = spt_pool_new(0);

	spt_pool_limit(pool, memory, LIMIT);
	void *half = spt_pool_get(pool, LIMIT / 2);
	spt_pool_put(pool, half, LIMIT / 2);
	void *all = spt_pool_get(pool, LIMIT);
	assert_non_null(all);
	assert_int_equal(spt_pool_denied(pool), 0);
	spt_memory_set_limit(memory, LIMIT / 2);
	assert_null(spt_pool_get(pool, 4096));
	spt_pool_put(pool, all, LIMIT);
	spt_pool_trim(pool);
	void *small = spt_pool_get(pool, 4096);
	assert_non_null(small);
	spt_pool_put(pool, small, 4096);
	spt_pool_free(pool);
	assert_int_equal(spt_memory_used(memory), 0);
	spt_memory_free(memory);
}

struct user {
	struct spt_pool_user user;
	unsigned gone, last;
};

static void gone(struct spt_pool_user *user, unsigned number)
{
	struct user *u = container_of(user, struct user, user);

	u->gone++;
	u->last = number;
}

/* Large blocks have a number from the system's hands to the system's hands, and who joined hears of its end. */
static void numbers(void **state)
{
	struct spt_pool *pool = spt_pool_new(4u << 20);
	struct user u = { .user.gone = gone };
	uint8_t *small = spt_pool_get(pool, SPT_POOL_BLOCK_MIN / 2), *large = spt_pool_get(pool, 100000);
	uint8_t *larger = spt_pool_get(pool, 1u << 20);
	int n = spt_pool_block(pool, large, 100000);

	spt_pool_join(pool, &u.user);
	assert_int_equal(spt_pool_block(pool, small, 1), -1);
	assert_in_range(n, 0, SPT_POOL_BLOCKS - 1);
	assert_int_equal(spt_pool_block_bytes(pool, (unsigned)n), 131072);
	assert_int_equal(spt_pool_block(pool, large, 131072), n);
	assert_int_equal(spt_pool_block(pool, large, 131073), -1); /* more than there is */
	assert_int_equal(spt_pool_block(pool, large + 4096, 1), -1);
	assert_int_not_equal(spt_pool_block(pool, larger, 1u << 20), n);
	/* Kept, and another's: still the same. */
	spt_pool_put(pool, large, 100000);
	assert_ptr_equal(spt_pool_get(pool, 131072), large);
	assert_int_equal(spt_pool_block(pool, large, 1), n);
	assert_int_equal(u.gone, 0);
	spt_pool_put(pool, large, 131072);
	assert_int_equal(spt_pool_age(pool), 0);
	assert_int_equal(spt_pool_age(pool), 131072);
	assert_int_equal(u.gone, 1);
	assert_int_equal(u.last, n);
	assert_int_equal(spt_pool_block(pool, large, 1), -1);
	spt_pool_put(pool, larger, 1u << 20);
	spt_pool_put(pool, small, SPT_POOL_BLOCK_MIN / 2);
	spt_pool_trim(pool);
	assert_int_equal(u.gone, 2);
	spt_pool_leave(pool, &u.user);
	spt_pool_free(pool);
}

/* More blocks than numbers: the rest goes without, and numbers are used again. */
static void numbers_run_out(void **state)
{
	enum { N = SPT_POOL_BLOCKS + 50 };
	struct spt_pool *pool = spt_pool_new(0);
	bool taken[SPT_POOL_BLOCKS] = { false };
	void *blocks[N];
	unsigned with = 0;

	for (unsigned round = 0; round < 2; round++) {
		memset(taken, 0, sizeof(taken));
		with = 0;
		for (unsigned i = 0; i < N; i++) {
			blocks[i] = spt_pool_get(pool, SPT_POOL_BLOCK_MIN);
			assert_non_null(blocks[i]);
		}
		for (unsigned i = 0; i < N; i++) {
			int n = spt_pool_block(pool, blocks[i], SPT_POOL_BLOCK_MIN);
			assert_true(n < 0 || !taken[n]);
			if (n >= 0)
				taken[n] = true;
			with += n >= 0;
		}
		assert_int_equal(with, SPT_POOL_BLOCKS);
		for (unsigned i = 0; i < N; i++)
			spt_pool_put(pool, blocks[i], SPT_POOL_BLOCK_MIN);
	}
	spt_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(refused),
		cmocka_unit_test(kept),
		cmocka_unit_test(numbers),
		cmocka_unit_test(numbers_run_out),
		cmocka_unit_test(ages),
		cmocka_unit_test(share_a_limit),
		cmocka_unit_test(own_spares_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
