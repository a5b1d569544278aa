// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_LIST_H
#define MPIO_LIST_H

/*
 * Intrusive, circular, doubly linked list. The list an object is linked on
 * says which stage it is in, so an object is on one list per node at most.
 * No function allocates or fails; a list belongs to its owner's thread.
 */

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

#define LIST_INIT(head) { &(head), &(head) }

/* The object of TYPE whose member FIELD is *NODE. */
#define list_entry(node, type, field) \
	((type *)(void *)((char *)(node) - offsetof(type, field)))

/* NODE's successor is read before the body runs: the body may unlink NODE,
 * and nothing else. */
#define list_for_each(node, head)                                        \
	for (struct list *node = (head)->next, *node##_next = node->next; \
	     node != (head); node = node##_next, node##_next = node->next)

/* Makes HEAD an empty list, or a node that is on no list. */
static inline void list_init(struct list *head)
{
	head->prev = head->next = head;
}

/* True where HEAD is empty, or the node is on no list. */
static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert_before(struct list *where, struct list *node)
{
	node->prev = where->prev;
	node->next = where;
	where->prev->next = node;
	where->prev = node;
}

static inline void list_append(struct list *head, struct list *node)
{
	list_insert_before(head, node);
}

static inline void list_prepend(struct list *head, struct list *node)
{
	list_insert_before(head->next, node);
}

/* Unlinks NODE, whose own links are stale then: for one that is appended
 * somewhere or given up before anybody looks at it. */
static inline void list_unlink(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
}

/* Unlinks NODE and leaves it on no list; harmless where it is on none. */
static inline void list_remove(struct list *node)
{
	list_unlink(node);
	list_init(node);
}

static inline void list_move(struct list *head, struct list *node)
{
	list_unlink(node);
	list_append(head, node);
}

/* The first node, unlinked; NULL where HEAD is empty. */
static inline struct list *list_pop(struct list *head)
{
	struct list *node = head->next;

	if (node == head)
		return NULL;
	list_remove(node);
	return node;
}

/* Moves everything on FROM to the end of TO. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
