/* SPDX-License-Identifier: MIT */
/*
 * Whether a loop that has nothing to do should stay awake for a while. Going to sleep and being woken
 * costs a few microseconds on a processor that is awake itself, and tens on one that is idle: more
 * than the command that is waited for takes. Staying awake takes the processor from somebody else.
 *
 * So the decision is learned. The time from the end of one turn's work to the next arrival is averaged;
 * a loop stays awake only when that average is below the limit, and not for much longer. Every time that it was
 * in vain, or that somebody else wanted the processor meanwhile, the loop goes to sleep at once for the
 * next 1, 2, 4, ... times. And one processor at least is left to those who do not spin.
 *
 * Nor does it pay where more than one command is on its way: asleep, a loop lets them gather, and takes and answers
 * them in as many system calls as one; awake, it takes each for itself. What a turn after sleep brings tells; for that
 * a loop that stays awake sleeps now and then, the more seldom the longer they come one by one. Commands that are
 * long work each are not worth gathering.
 *
 * Pure arithmetic, but for the count of loops that are awake, which all share.
 */
#ifndef LOOP_SPIN_H
#define LOOP_SPIN_H

#include <stdbool.h>
#include <stdint.h>

struct spin {
	uint64_t limit_ns; /* 0: never */
	uint64_t gap_ns;   /* average time to the next arrival */
	unsigned vain;     /* the next time in vain costs 2**vain times of sleeping at once */
	unsigned skip;     /* how many of them are left */
	unsigned batch;    /* average of the commands of a turn after sleep, in 1/256 */
	unsigned every;    /* how often to stay awake between two looks at that */
	unsigned look;     /* before the next */
	uint64_t hits, misses;
};

void spin_init(struct spin *spin, uint64_t limit_us);
/* How long to stay awake now; 0: sleep. spin_hit() or spin_miss() follows if it is not. */
uint64_t spin_begin(struct spin *spin);
/* Something came after @gap_ns awake. */
void spin_hit(struct spin *spin, uint64_t gap_ns, bool preempted);
/* Nothing came; the loop goes to sleep, and spin_slept() follows. */
void spin_miss(struct spin *spin);
/* Something came @gap_ns after the work before, most of it asleep: so many @commands, done in @work_ns. */
void spin_slept(struct spin *spin, uint64_t gap_ns, uint64_t commands, uint64_t work_ns);

#endif
