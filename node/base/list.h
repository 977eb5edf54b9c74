/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Intrusive doubly linked list with a head; a removed node is re-initialised, so removing it twice is harmless. */
#ifndef HF_NODE_BASE_LIST_H
#define HF_NODE_BASE_LIST_H

#include "node/base/util.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name) { &(name), &(name) }

static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list *l) { return l->next == l; }

static inline void list_insert_(struct list *prev, struct list *n)
{
	n->prev = prev;
	n->next = prev->next;
	prev->next->prev = n;
	prev->next = n;
}

/* Adds `n` at the end of the list `head`. */
static inline void list_append(struct list *head, struct list *n) { list_insert_(head->prev, n); }
/* Adds `n` at the front of the list `head`. */
static inline void list_prepend(struct list *head, struct list *n) { list_insert_(head, n); }

static inline void list_remove(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

/* Moves every node of `from` to the end of `to`. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first(head, type, member) \
	(list_empty(head) ? (type *)NULL : list_entry((head)->next, type, member))
#define list_foreach(it, head, member)                                                            \
	for (it = list_entry((head)->next, __typeof__(*it), member); &it->member != (head);       \
	     it = list_entry(it->member.next, __typeof__(*it), member))
#define list_foreach_safe(it, tmp, head, member)                                                  \
	for (it = list_entry((head)->next, __typeof__(*it), member),                              \
	    tmp = list_entry(it->member.next, __typeof__(*it), member);                           \
	     &it->member != (head);                                                               \
	     it = tmp, tmp = list_entry(it->member.next, __typeof__(*it), member))

#endif
