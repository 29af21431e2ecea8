/* SPDX-License-Identifier: MIT */
/* Which loop: see balance.h. */
#include "target/balance.h"

#include "base/util.h"

/* Shares are measured over so long a time at least: the work of a moment says little. */
#define SAMPLE_US 500000u

bool balance_due(const struct balance *b, uint64_t now_us)
{
	return !b->sampled_us || now_us - b->sampled_us >= SAMPLE_US;
}

static void sample(struct balance *b, uint64_t now_us, const struct balance_loop *loops, unsigned n)
{
	uint64_t elapsed_us = now_us - b->sampled_us;

	if (!balance_due(b, now_us))
		return;
	for (unsigned i = 0; i < n; i++) {
		uint64_t used_us = loops[i].cpu_us - b->loops[i].cpu_us;
		/* Half an eighth is rounded up; before the first sample nothing is known. */
		b->loops[i].busy = b->sampled_us ? (unsigned)((16 * used_us / elapsed_us + 1) / 2) : 0;
		b->loops[i].cpu_us = loops[i].cpu_us;
		b->loops[i].handed = 0;
	}
	b->sampled_us = now_us;
}

/* What was given to a loop since the sample is not in its share yet: each counts an eighth. */
static unsigned load_of(const struct balance *b, unsigned i)
{
	return b->loops[i].busy + b->loops[i].handed;
}

static bool better(const struct balance *b, const struct balance_loop *loops, unsigned i, unsigned than)
{
	if (load_of(b, i) != load_of(b, than))
		return load_of(b, i) < load_of(b, than);
	return loops[i].n_conns < loops[than].n_conns;
}

unsigned balance_choose(struct balance *b, uint64_t now_us, const struct balance_loop *loops,
	unsigned n)
{
	unsigned best = 0;

	sample(b, now_us, loops, n);
	for (unsigned i = 1; i < n; i++) {
		if (better(b, loops, i, best))
			best = i;
	}
	b->loops[best].handed++;
	return best;
}
