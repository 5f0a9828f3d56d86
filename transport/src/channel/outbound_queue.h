/* outbound_queue.h - private: what was written and is not yet with the kernel, in order.
 *
 *     head -> [sent in part] -> [flushed] -> ... -> [unflushed] -> ... -> last
 *
 * Messages are bufs and regions. The queue never moves a message's own indices: how much of it is out
 * stands in the entry, so one buf can wait in many queues. A region that must be read is read in pieces
 * into `piece`, one at a time. Entries are recycled by the loop.
 */
#ifndef WEIR_OUTBOUND_QUEUE_H
#define WEIR_OUTBOUND_QUEUE_H

#include <sys/uio.h>

#include <weir/buffer/buf.h>
#include <weir/transport/promise.h>
#include <weir/transport/region.h>

#include "loop/loop_internal.h"

typedef struct outbound_entry {
    struct outbound_entry *next;
    weir_obj *msg;
    weir_promise *promise;
    uint64_t size;   /* of the message */
    uint64_t sent;   /* with the kernel already */
    weir_buf *piece; /* of a region that must be read: its bytes from sent on, or NULL */
    uint64_t warm;   /* of a region: up to here no device has to be waited for */
} outbound_entry;

typedef struct outbound_queue {
    outbound_entry *head, *last;
    outbound_entry *unflushed; /* the first that may not be sent yet; NULL: all may */
    uint64_t pending;          /* bytes and overhead, for the watermarks; see outbound_queue_count */
    uint64_t elsewhere;        /* the part of it that is not memory: bytes of regions */
} outbound_queue;

/* So much more is pending, or as a difference less. The loop alone writes it, and so reads it plainly. */
static inline void outbound_queue_count(outbound_queue *queue, uint64_t more) {
    __atomic_store_n(&queue->pending, queue->pending + more, __ATOMIC_RELAXED);
}

/* Any thread. */
static inline uint64_t outbound_queue_pending(const outbound_queue *queue) {
    return __atomic_load_n(&queue->pending, __ATOMIC_RELAXED);
}

/* What counts against the cap. */
static inline uint64_t outbound_queue_memory(const outbound_queue *queue) {
    return queue->pending - queue->elsewhere;
}

/* What an entry costs besides its bytes. */
#define OUTBOUND_OVERHEAD 64

/* A loop keeps so many entries for use again, 14 KiB: a turn of datagrams is queued at once. */
#define OUTBOUND_ENTRIES_KEPT 256

/* For use again. */
static inline void outbound_entry_put(weir_loop *loop, outbound_entry *entry) {
    if (WEIR_UNLIKELY(loop->entries_kept >= OUTBOUND_ENTRIES_KEPT)) {
        weir_alloc_release(loop->alloc, entry);
        return;
    }
    entry->next = loop->entries;
    loop->entries = entry;
    loop->entries_kept++;
}

/* True when one message can be pushed. */
static inline bool outbound_queue_has_room(const weir_loop *loop) {
    return loop->entries != NULL;
}

/* Takes: msg, promise when it answers true. */
bool outbound_queue_push(outbound_queue *queue, weir_loop *loop, weir_obj *msg, weir_promise *promise,
                         uint64_t size);

/* The same of a buf. Takes: msg, promise. Requires: outbound_queue_has_room. */
static inline void outbound_queue_push_buf(outbound_queue *queue, weir_loop *loop, weir_obj *msg,
                                           weir_promise *promise, uint64_t size) {
    outbound_entry *entry = loop->entries;
    loop->entries = entry->next;
    loop->entries_kept--;
    *entry = (outbound_entry){.msg = msg, .promise = promise, .size = size};
    if (WEIR_LIKELY(queue->head == NULL)) {
        queue->head = entry;
    } else {
        queue->last->next = entry;
    }
    queue->last = entry;
    if (WEIR_LIKELY(queue->unflushed == NULL)) queue->unflushed = entry;
    outbound_queue_count(queue, size + OUTBOUND_OVERHEAD);
}

static inline void outbound_queue_flush(outbound_queue *queue) {
    queue->unflushed = NULL;
}

/* The first entry that may be sent, or NULL. */
static inline outbound_entry *outbound_queue_front(const outbound_queue *queue) {
    return queue->head == queue->unflushed ? NULL : queue->head;
}

/* The end of an entry that is out of the queue. May run anything. */
void outbound_entry_finish(weir_loop *loop, outbound_entry *entry, weir_status status);

/* The front entry when its message is a plain buf with bytes and all there is to send; or NULL. */
static inline outbound_entry *outbound_queue_only_buf(const outbound_queue *queue) {
    outbound_entry *front = queue->head;
    if (front == NULL || front->next != NULL || queue->unflushed != NULL) return NULL;
    bool is_plain = front->msg->type == &weir_buf_type && (front->msg->bits & WEIR_BUF_COMPOSITE) == 0;
    return is_plain && front->size != 0 ? front : NULL;
}

/* The entry that outbound_queue_only_buf has answered is with the kernel: `buf`, of which `left` bytes were left. May
 * run anything. */
static inline void outbound_queue_finish_only(outbound_queue *queue, weir_loop *loop, outbound_entry *only,
                                              weir_buf *buf, uint64_t left) {
    queue->head = queue->last = NULL;
    outbound_queue_count(queue, -(left + OUTBOUND_OVERHEAD));
    if (WEIR_UNLIKELY(only->promise != NULL || loop->entries_kept >= OUTBOUND_ENTRIES_KEPT)) {
        outbound_entry_finish(loop, only, WEIR_OK);
    } else {
        outbound_entry_put(loop, only);
        weir_buf_release(buf);
    }
}

/* Takes the front entry out and gives its message, without completing its promise, which goes to *promise. */
weir_obj *outbound_queue_pop(outbound_queue *queue, weir_loop *loop, weir_promise **promise);

/* `bytes` of the front entries are with the kernel. Completes those that are out wholly, empty messages too;
 * that may run anything, this channel's end included: hence the callers' care. */
void outbound_queue_advance(outbound_queue *queue, weir_loop *loop, uint64_t bytes);

/* Every promise completes with `why`, everything is released. */
void outbound_queue_fail(outbound_queue *queue, weir_loop *loop, weir_status why);

/* Frees the entries that `loop` keeps for use again. */
void outbound_entries_free(weir_loop *loop);

#endif
