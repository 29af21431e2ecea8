/* SPDX-License-Identifier: MIT */
/* The medium changer (SMC-3) of the library: slots, a mailbox, a hand, and the drives. */
#ifndef LIBRARY_CHANGER_H
#define LIBRARY_CHANGER_H

#include "tape.h"

#define CHANGER_SLOTS  6u /* the last one is the import/export element */
#define CHANGER_DRIVES 2u

struct element {
	uint16_t address;
	uint8_t type; /* 1 hand, 2 storage, 3 import/export, 4 drive */
	struct volume *volume;
	uint16_t source; /* where its volume came from, 0: nobody knows */
	struct tape *drive;
};

struct changer {
	struct element elements[1 + CHANGER_SLOTS + CHANGER_DRIVES];
	bool prevented;
	uint16_t attention;
};

void changer_init(
	struct changer *ch, struct tape *drives, struct volume *volumes, unsigned n_volumes);
void changer_run(void *device, struct command *c);

#endif
