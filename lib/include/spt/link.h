/* SPDX-License-Identifier: MIT */
/* A link of a doubly linked list, embedded in public structures; the list belongs to the library. */
#ifndef SPT_LINK_H
#define SPT_LINK_H

struct spt_link {
	struct spt_link *prev, *next;
};

#endif
