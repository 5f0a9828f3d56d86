/* outbound_queue.c - push at one end, advance at the other.
 *
 * Completing a promise runs code that may write to, flush or end this very channel, so an entry is out of the
 * queue and the sums are right before its promise completes.
 */
#include "channel/outbound_queue.h"

/* A loop keeps so many entries for use again, 14 KiB: a turn of datagrams is queued at once. */
#define ENTRIES_KEPT 256

outbound_entry *outbound_entry_new(weir_loop *loop) {
    return weir_alloc_acquire(loop->alloc, sizeof(outbound_entry));
}

static void put_entry(weir_loop *loop, outbound_entry *entry) {
    if (WEIR_UNLIKELY(loop->entries_kept >= ENTRIES_KEPT)) {
        weir_alloc_release(loop->alloc, entry);
        return;
    }
    entry->next = loop->entries;
    loop->entries = entry;
    loop->entries_kept++;
}

void outbound_entries_free(weir_loop *loop) {
    for (outbound_entry *entry = loop->entries, *next; entry != NULL; entry = next) {
        next = entry->next;
        weir_alloc_release(loop->alloc, entry);
    }
    loop->entries = NULL;
    loop->entries_kept = 0;
}

static inline bool is_elsewhere(const weir_obj *msg) {
    return msg->type == &weir_region_type;
}

/* Unlinks the front entry and takes what is left of it off the sums. */
static inline outbound_entry *unlink_front(outbound_queue *queue) {
    outbound_entry *entry = queue->head;
    queue->head = entry->next;
    if (queue->head == NULL) queue->last = NULL;
    if (queue->unflushed == entry) queue->unflushed = queue->head;
    uint64_t left = entry->size - entry->sent;
    queue->pending -= left + OUTBOUND_OVERHEAD;
    if (is_elsewhere(entry->msg)) queue->elsewhere -= left;
    return entry;
}

static inline weir_obj *take_front(outbound_queue *queue, weir_loop *loop, weir_promise **promise) {
    outbound_entry *entry = unlink_front(queue);
    weir_obj *msg = entry->msg;
    *promise = entry->promise;
    if (WEIR_UNLIKELY(entry->piece != NULL)) weir_buf_release(entry->piece);
    put_entry(loop, entry);
    return msg;
}

weir_obj *outbound_queue_pop(outbound_queue *queue, weir_loop *loop, weir_promise **promise) {
    return take_front(queue, loop, promise);
}

static inline void finish_front(outbound_queue *queue, weir_loop *loop, weir_status status) {
    weir_promise *promise;
    weir_obj_release(take_front(queue, loop, &promise));
    if (promise != NULL) weir_promise_complete(promise, status);
}

void outbound_queue_finish_only(outbound_queue *queue, weir_loop *loop) {
    outbound_entry *entry = queue->head;
    weir_obj *msg = entry->msg;
    weir_promise *promise = entry->promise;
    queue->head = queue->last = NULL;
    queue->pending -= entry->size - entry->sent + OUTBOUND_OVERHEAD;
    put_entry(loop, entry);
    weir_obj_release(msg);
    if (WEIR_UNLIKELY(promise != NULL)) weir_promise_complete(promise, WEIR_OK);
}

static void advance_part(outbound_queue *queue, outbound_entry *entry, uint64_t bytes) {
    entry->sent += bytes;
    queue->pending -= bytes;
    if (is_elsewhere(entry->msg)) queue->elsewhere -= bytes;
    if (entry->piece != NULL && !weir_buf_skip(entry->piece, bytes)) WEIR_UNREACHABLE();
    weir_promise_progress(entry->promise, entry->sent, entry->size); /* last: it may run anything */
}

void outbound_queue_advance(outbound_queue *queue, weir_loop *loop, uint64_t bytes) {
    outbound_entry *entry;
    while ((entry = outbound_queue_front(queue)) != NULL) {
        uint64_t left = entry->size - entry->sent;
        if (bytes < left) {
            if (bytes > 0) advance_part(queue, entry, bytes);
            return;
        }
        bytes -= left;
        finish_front(queue, loop, WEIR_OK);
    }
}

void outbound_queue_fail(outbound_queue *queue, weir_loop *loop, weir_status why) {
    while (queue->head != NULL) finish_front(queue, loop, why);
}
