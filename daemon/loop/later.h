/* SPDX-License-Identifier: MIT */
/*
 * Watches that yield (SPT_YIELDS): they have their turn when the others have had theirs, a few at a time while others have
 * something. Lives on the loop's thread.
 */
#ifndef LOOP_LATER_H
#define LOOP_LATER_H

#include <stdbool.h>

#include <spt/host.h>

/* So many are remembered; the others are asked again. */
#define LATER_MAX 64u

/* All zero at first. */
struct later {
	struct spt_watch *watches[LATER_MAX]; /* the first come first; NULL: gone */
	unsigned n;
};

/* @watch has something. Where there is no room it has something the next time still. */
void later_put(struct later *later, struct spt_watch *watch);
void later_forget(struct later *later, const struct spt_watch *watch);
/* @busy: in this turn one that does not yield had something. */
void later_run(struct later *later, bool busy);

#endif
