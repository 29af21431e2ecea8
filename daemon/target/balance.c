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

/* From there on a loop is said to have more to do than it can, in thousandths of the time. */
#define OVERLOADED 850u

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
	unsigned n, unsigned except)
{
	unsigned best = except == 0 && n > 1;

	sample(b, now_us, loops, n);
	for (unsigned i = best + 1; i < n; i++) {
		if (i != except && better(b, loops, i, best))
			best = i;
	}
	b->loops[best].handed++;
	return best;
}

bool balance_uneven(struct balance_watch *w, uint64_t now_us, const struct balance_loop *loops, unsigned n,
	struct balance_pair *ret)
{
	struct balance_pair p = { .to_share = UINT32_MAX };
	uint64_t elapsed_us = now_us - w->sampled_us;
	bool known = w->sampled_us && elapsed_us;

	for (unsigned i = 0; i < n; i++) {
		/* One that others take the processor from has as much to do as if it had it. */
		uint64_t wanted_us = loops[i].cpu_us + loops[i].ready_us;
		unsigned share = known ? (unsigned)(1000 * (wanted_us - w->wanted_us[i]) / elapsed_us) : 0;
		w->wanted_us[i] = wanted_us;
		if (share > p.from_share) {
			p.from = i;
			p.from_share = share;
		}
		if (share < p.to_share) {
			p.to = i;
			p.to_share = share;
		}
	}
	w->sampled_us = now_us;
	*ret = p;
	return known && p.from_share > OVERLOADED && p.to_share < p.from_share / 2;
}

unsigned balance_relief(const struct balance_pair *p, uint64_t weight, uint64_t total)
{
	if (!weight || weight > total)
		return 0;
	unsigned share = (unsigned)((double)p->from_share * ((double)weight / (double)total));
	unsigned after = MAX(p->from_share - share, p->to_share + share);
	unsigned relief = after < p->from_share ? p->from_share - after : 0;

	/* A pause and cold caches are not taken for a trifle. */
	return relief >= p->from_share / 8 ? relief : 0;
}
