/* SPDX-License-Identifier: MIT */
/*
 * What a new upstream session is asked on our own account before commands go there: who the logical
 * unit is (INQUIRY and vital product data, which leave unit attentions where they are) and, where
 * nexuses share the session, TEST UNIT READY until no unit attention is left for it.
 */
#ifndef PASSTHROUGH_UP_PROBE_H
#define PASSTHROUGH_UP_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/task.h>

#include "passthrough/up_identity.h"

#define UP_PROBE_BYTES 1024u
#define UP_ATTENTIONS  16u

struct up_probe {
	struct spt_task task; /* unknown to the library: never entered, never completed */
	uint8_t data[UP_PROBE_BYTES];
	unsigned step;
	unsigned n_attentions;
	spt_asc_t attentions[UP_ATTENTIONS];
	struct up_identity identity;
};

/* @shared: take the unit attentions. */
void up_probe_begin(struct up_probe *probe);
/* Fills probe->task for the next question; false: there is none left. */
bool up_probe_next(struct up_probe *probe, bool shared);
/* probe->task has its result. NULL, or why the session is of no use. */
const char *up_probe_answer(struct up_probe *probe);

#endif
