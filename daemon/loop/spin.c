/* SPDX-License-Identifier: MIT */
/* When to stay awake: see spin.h. */
#include "loop/spin.h"

#include <sched.h>
#include <stdatomic.h>

#include "base/util.h"

#define VAIN_MAX 10u
/* A turn costs a few microseconds beside its commands: gathering those that cost more is no gain. */
#define LONG_NS  10000u
#define BATCH_1  256u
#define GATHERS  (5 * BATCH_1 / 2)
#define LOOK     31u
#define LOOK_MAX 511u

static atomic_int awake;

/* Processors that this process may use; asked once, pinning later costs at most a few vain turns. */
static int processors(void)
{
	static atomic_int known;
	int n = atomic_load_explicit(&known, memory_order_relaxed);
	cpu_set_t set;

	if (!n) {
		n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
		atomic_store_explicit(&known, n, memory_order_relaxed);
	}
	return n;
}

void spin_init(struct spin *spin, uint64_t limit_us)
{
	*spin = (struct spin){ .limit_ns = limit_us * 1000, .gap_ns = UINT64_MAX, .batch = BATCH_1, .every = LOOK };
}

/* An arrival far away says no more than that it was far away: it must not be remembered for long. */
static void learn(struct spin *spin, uint64_t gap_ns)
{
	uint64_t gap = MIN(gap_ns, 4 * spin->limit_ns);

	if (spin->gap_ns == UINT64_MAX)
		spin->gap_ns = gap;
	else
		spin->gap_ns += ((int64_t)gap - (int64_t)spin->gap_ns) / 8;
}

static void learn_batch(struct spin *spin, uint64_t commands, uint64_t work_ns)
{
	if (commands > 1)
		spin->every = LOOK;
	else if (commands)
		spin->every = MIN(2 * spin->every + 1, LOOK_MAX);
	spin->look = spin->every;
	if (!commands)
		return;
	unsigned batch = work_ns > commands * LONG_NS ? BATCH_1 : (unsigned)MIN(commands, 64u) * BATCH_1;
	spin->batch = (7 * spin->batch + batch) / 8;
}

static void in_vain(struct spin *spin)
{
	spin->skip = 1u << spin->vain;
	if (spin->vain < VAIN_MAX)
		spin->vain++;
}

uint64_t spin_begin(struct spin *spin)
{
	if (spin->gap_ns >= spin->limit_ns || spin->batch >= GATHERS || !spin->look)
		return 0;
	if (spin->skip) {
		spin->skip--;
		return 0;
	}
	if (atomic_fetch_add_explicit(&awake, 1, memory_order_relaxed) >= processors() - 1) {
		atomic_fetch_sub_explicit(&awake, 1, memory_order_relaxed);
		return 0;
	}
	spin->look--;
	/* Twice the average, and a little: arrivals do not come like clockwork. */
	return MIN(2 * spin->gap_ns + 2000, spin->limit_ns);
}

void spin_hit(struct spin *spin, uint64_t gap_ns, bool preempted)
{
	atomic_fetch_sub_explicit(&awake, 1, memory_order_relaxed);
	spin->hits++;
	learn(spin, gap_ns);
	if (preempted)
		in_vain(spin);
	else if (spin->vain)
		spin->vain--;
}

void spin_miss(struct spin *spin)
{
	atomic_fetch_sub_explicit(&awake, 1, memory_order_relaxed);
	spin->misses++;
	in_vain(spin);
}

void spin_slept(struct spin *spin, uint64_t gap_ns, uint64_t commands, uint64_t work_ns)
{
	learn(spin, gap_ns);
	learn_batch(spin, commands, work_ns);
}
