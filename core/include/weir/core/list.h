/* <weir/core/list.h> - an intrusive doubly linked list.
 *
 * The link is a member of what is listed; a list is a link that points at itself when empty. No
 * memory is allocated and none is owned. A node out of any list points at itself too, so removing
 * it twice is harmless.
 *
 *     weir_list queue;  weir_list_init(&queue);
 *     weir_list_push_back(&queue, &job->link);
 *     job = WEIR_CONTAINER(weir_list_pop_front(&queue), struct job, link);
 *
 * Layer: core. Needs compiler.h. One list, one thread.
 */
#ifndef WEIR_CORE_LIST_H
#define WEIR_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/core/compiler.h>

WEIR_BEGIN_DECLS

typedef struct weir_list {
    struct weir_list *next, *prev;
} weir_list;

/* An empty list, or a node that is in none. */
static inline void weir_list_init(weir_list *self) {
    self->next = self->prev = self;
}

/* True for a list without nodes, and for a node in no list. Borrows: self. */
static inline bool weir_list_is_empty(const weir_list *self) {
    return self->next == self;
}

/* `node` must be in no list. */
static inline void weir_list_insert_before(weir_list *self, weir_list *node) {
    node->next = self;
    node->prev = self->prev;
    self->prev->next = node;
    self->prev = node;
}

/* At the end; `node` must be in no list. Borrows: `node` while it is linked. */
static inline void weir_list_push_back(weir_list *self, weir_list *node) {
    weir_list_insert_before(self, node);
}

/* At the front; otherwise the same. Borrows: `node` while it is linked. */
static inline void weir_list_push_front(weir_list *self, weir_list *node) {
    weir_list_insert_before(self->next, node);
}

/* Out of whatever list it is in; it is then in none. */
static inline void weir_list_remove(weir_list *self) {
    self->prev->next = self->next;
    self->next->prev = self->prev;
    weir_list_init(self);
}

/* The first node, taken out; NULL when empty. */
static inline weir_list *weir_list_pop_front(weir_list *self) {
    if (weir_list_is_empty(self)) return NULL;
    weir_list *node = self->next;
    weir_list_remove(node);
    return node;
}

/* All nodes of `from` to the end of `self`; `from` is empty afterwards. */
static inline void weir_list_splice(weir_list *self, weir_list *from) {
    if (weir_list_is_empty(from)) return;
    from->next->prev = self->prev;
    self->prev->next = from->next;
    from->prev->next = self;
    self->prev = from->prev;
    weir_list_init(from);
}

WEIR_END_DECLS

#endif
