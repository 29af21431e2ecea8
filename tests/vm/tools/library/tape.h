/* SPDX-License-Identifier: MIT */
/* A tape drive (SSC-5) of the library, empty until a cartridge is moved into it. */
#ifndef LIBRARY_TAPE_H
#define LIBRARY_TAPE_H

#include "tcmu.h"
#include "volume.h"

struct tape {
	char serial[17];
	struct volume *volume; /* NULL: empty */
	bool unloaded;	       /* it is there, ejected */
	size_t at;	       /* the next record */
	uint32_t block_bytes;  /* 0: variable */
	uint8_t buffered;      /* BUFFERED MODE as last selected */
	bool descriptor_sense;
	bool prevented;
	uint16_t attention; /* ASC and ASCQ of the unit attention to come, or 0 */
};

void tape_init(struct tape *t, const char *serial);
/* The changer's hand: a cartridge comes or (NULL) goes. */
void tape_insert(struct tape *t, struct volume *volume);
void tape_run(void *device, struct command *c);

#endif
