/* SPDX-License-Identifier: MIT */
/*
 * Doubly linked intrusive lists with a head that is itself a link. A link that is in no list points
 * at itself, so list_del() may be called twice and list_in() tells.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <spt/link.h>

static inline void list_init(struct spt_link *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct spt_link *l)
{
	return l->next == l;
}

static inline bool list_in(const struct spt_link *link)
{
	return link->next != link;
}

static inline void list_add_before(struct spt_link *where, struct spt_link *link)
{
	link->prev = where->prev;
	link->next = where;
	where->prev->next = link;
	where->prev = link;
}

/* At the tail of the list that @head heads. */
static inline void list_append(struct spt_link *head, struct spt_link *link)
{
	list_add_before(head, link);
}

static inline void list_prepend(struct spt_link *head, struct spt_link *link)
{
	list_add_before(head->next, link);
}

static inline void list_del(struct spt_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

/* The first entry, or NULL when empty. */
#define list_first(head, type, member)                                                             \
	(list_empty(head) ? NULL : container_of((head)->next, type, member))

#define list_foreach(pos, head, member)                                                            \
	for (pos = container_of((head)->next, __typeof__(*pos), member); &pos->member != (head);   \
		pos = container_of(pos->member.next, __typeof__(*pos), member))

/* As list_foreach(), and @pos may be taken out of the list in the body. @tmp is of @pos's type. */
#define list_foreach_safe(pos, tmp, head, member)                                                  \
	for (pos = container_of((head)->next, __typeof__(*pos), member),                           \
	    tmp = container_of(pos->member.next, __typeof__(*pos), member);                        \
		&pos->member != (head);                                                            \
		pos = tmp, tmp = container_of(tmp->member.next, __typeof__(*tmp), member))

#endif
