/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram of latencies: every power of two is cut into the same number of buckets,
 * so a value is kept to better than one part in a hundred from nanoseconds to minutes. One thread
 * owns and fills it; histograms of several threads are added up when they have stopped. No
 * allocation.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS   7
#define HISTOGRAM_VALUE_BITS 40 /* 2^40 ns is 18 minutes; more is counted in the last bucket */
#define HISTOGRAM_BUCKETS    ((HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value that @ten_thousandths of all values do not exceed (9990 is p99.9); 0 of none. */
uint64_t histogram_quantile(const struct histogram *h, unsigned ten_thousandths);

#endif
