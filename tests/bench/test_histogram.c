/* SPDX-License-Identifier: MIT */
/* Quantiles of the histogram against the sorted values themselves: within one part in a hundred. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "cursor.h"
#include "histogram.h"

#define VALUES 20000

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The value of the same rank in the sorted array. */
static uint64_t exact_quantile(const uint64_t *sorted, uint64_t count, unsigned ten_thousandths)
{
	uint64_t rank = (count * ten_thousandths + 9999) / 10000;

	return sorted[MAX(rank, UINT64_C(1)) - 1];
}

static void check_quantiles(uint64_t *values, uint64_t count)
{
	static const unsigned QUANTILES[] = { 0, 1, 2500, 5000, 9000, 9900, 9990, 9999, 10000 };
	static struct histogram h;

	memset(&h, 0, sizeof(h));
	for (uint64_t i = 0; i < count; i++)
		histogram_add(&h, values[i]);
	qsort(values, count, sizeof(values[0]), by_value);
	assert_int_equal(h.count, count);
	assert_int_equal(h.max, values[count - 1]);
	for (unsigned i = 0; i < ARRAY_SIZE(QUANTILES); i++) {
		uint64_t exact = exact_quantile(values, count, QUANTILES[i]);
		uint64_t got = histogram_quantile(&h, QUANTILES[i]);
		uint64_t off = got > exact ? got - exact : exact - got;

		assert_true(off * 100 <= exact);
	}
}

static void test_small_values_are_exact(void **state)
{
	uint64_t values[100];

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		values[i] = (i * 37) % 100;
	check_quantiles(values, ARRAY_SIZE(values));
}

/* Every magnitude that latencies in nanoseconds can have. */
static void test_wide_values(void **state)
{
	static uint64_t values[VALUES];
	uint64_t random = 7;

	for (unsigned bits = 1; bits < HISTOGRAM_VALUE_BITS; bits++) {
		for (unsigned i = 0; i < VALUES; i++)
			values[i] = random_next(&random) >> (64 - 1 - i % bits);
		check_quantiles(values, VALUES);
	}
}

static void test_too_large_is_counted(void **state)
{
	static struct histogram h;

	memset(&h, 0, sizeof(h));
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.max, UINT64_MAX);
	assert_true(histogram_quantile(&h, 5000) >= (UINT64_C(1) << (HISTOGRAM_VALUE_BITS - 1)));
}

static void test_merge_is_the_same_as_adding(void **state)
{
	static struct histogram a, b, both;
	uint64_t random = 3;

	for (unsigned i = 0; i < VALUES; i++) {
		uint64_t value = random_next(&random) >> (30 + i % 20);

		histogram_add(i % 3 ? &a : &b, value);
		histogram_add(&both, value);
	}
	histogram_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
}

static void test_empty(void **state)
{
	static struct histogram h;

	assert_int_equal(histogram_quantile(&h, 9990), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_values_are_exact),
		cmocka_unit_test(test_wide_values),
		cmocka_unit_test(test_too_large_is_counted),
		cmocka_unit_test(test_merge_is_the_same_as_adding),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
