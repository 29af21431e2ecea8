/* SPDX-License-Identifier: MIT */
/*
 * How long a loop that has just done all its work should let commands gather before it looks again. A loop that is faster
 * than its initiators takes and answers every command by itself, in system calls and wake-ups that cost both sides
 * more than the command does; after a pause it finds several, and all of them leave in one answer. But a pause is
 * lost time for an initiator whose queue is already empty.
 *
 * Which of the two it is cannot be seen from here, but measured. Now and then the next longer or the next shorter pause is on trial:
 * windows with it and with the one in use alternate, and what moves more commands in the same time, several times more often
 * than not, is kept. While few commands gather a longer one has to bring more of them, as it costs latency where the initiators' rate does
 * not depend on the target's; while many do, it need not, as it saves processor time. What failed is tried again after a rest,
 * the more seldom the more often it failed. Where a pause brings but one command, as at queue depth 1, it is given up after a few.
 *
 * Pure arithmetic.
 */
#ifndef LOOP_GATHER_H
#define LOOP_GATHER_H

#include <stdbool.h>
#include <stdint.h>

struct gather {
	uint64_t limit_ns; /* no pause is longer; 0: none */
	unsigned level;    /* of the pause in use; 0: none */
	unsigned other;    /* that on trial; the same: there is no trial */
	bool tried;        /* now, and not the one in use */
	bool shorter;      /* the next on trial is */
	int lead;          /* of the one on trial */
	unsigned batch;    /* average of the commands after a pause, in 1/256 */
	uint64_t commands, last_ns;
	uint64_t rest_ns, next_ns; /* between trials, and when the next one is due */
	uint64_t begin_ns, begin_commands, rate; /* of a window; the rate is that of the one before */
};

void gather_init(struct gather *gather, uint64_t limit_us);
/* A turn in which something came has ended, and there have been so many @commands in all: the pause before the next, in ns. */
uint64_t gather_pause(struct gather *gather, uint64_t now_ns, uint64_t commands);

#endif
