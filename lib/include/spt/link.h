/* SPDX-License-Identifier: MIT */
/* A link of a doubly linked list, embedded in public structures; the list belongs to the library. */
#ifndef SPT_LINK_H
#define SPT_LINK_H

#ifdef __cplusplus
extern "C" {
#endif

struct spt_link {
	struct spt_link *prev, *next;
};

#ifdef __cplusplus
}
#endif

#endif
