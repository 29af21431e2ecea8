/* SPDX-License-Identifier: MIT */
/* The buffer pool: alignment, classes, what is kept and what goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <spt/buffer.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(refused),
		cmocka_unit_test(kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
