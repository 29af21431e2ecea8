/* SPDX-License-Identifier: MIT */
/* The log-linear histogram: see histogram.h. */
#include "histogram.h"

#include "base/util.h"

#define SUB (1u << HISTOGRAM_SUB_BITS)

/* Values below SUB have a bucket each; above: exponent and the SUB_BITS bits after the first. */
static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	value = MIN(value, (UINT64_C(1) << HISTOGRAM_VALUE_BITS) - 1);
	if (value < SUB)
		return value;
	shift = 63 - __builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	return shift * SUB + (unsigned)(value >> shift);
}

static uint64_t middle_of(unsigned bucket)
{
	unsigned shift;

	if (bucket < SUB)
		return bucket;
	shift = bucket / SUB - 1;
	return ((uint64_t)(SUB + bucket % SUB) << shift) + ((UINT64_C(1) << shift) >> 1);
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	h->sum += value;
	h->max = MAX(h->max, value);
	h->bucket[bucket_of(value)]++;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	into->count += from->count;
	into->sum += from->sum;
	into->max = MAX(into->max, from->max);
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

uint64_t histogram_quantile(const struct histogram *h, unsigned ten_thousandths)
{
	uint64_t rank = MAX((h->count * ten_thousandths + 9999) / 10000, UINT64_C(1));
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return MIN(middle_of(i), h->max);
	}
	return h->max;
}
