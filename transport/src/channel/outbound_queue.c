/* outbound_queue.c - push at one end, advance at the other.
 *
 * Completing a promise runs code that may write to, flush or end this very channel, so an entry is out of the
 * queue and the sums are right before its promise completes.
 */
#include "channel/outbound_queue.h"

static inline bool is_elsewhere(const weir_obj *msg) {
    return msg->type == &weir_region_type;
}

static bool make_room(weir_loop *loop) {
    if (outbound_queue_has_room(loop)) return true;
    outbound_entry *entry = weir_alloc_acquire(loop->alloc, sizeof *entry);
    if (entry == NULL) return false;
    outbound_entry_put(loop, entry);
    return true;
}

bool outbound_queue_push(outbound_queue *queue, weir_loop *loop, weir_obj *msg, weir_promise *promise,
                         uint64_t size) {
    if (!make_room(loop)) return false;
    outbound_queue_push_buf(queue, loop, msg, promise, size);
    if (is_elsewhere(msg)) queue->elsewhere += size;
    return true;
}

void outbound_entries_free(weir_loop *loop) {
    for (outbound_entry *entry = loop->entries, *next; entry != NULL; entry = next) {
        next = entry->next;
        weir_alloc_release(loop->alloc, entry);
    }
    loop->entries = NULL;
    loop->entries_kept = 0;
}

/* Unlinks the front entry and takes what is left of it off the sums. */
static inline outbound_entry *unlink_front(outbound_queue *queue) {
    outbound_entry *entry = queue->head;
    queue->head = entry->next;
    if (queue->head == NULL) queue->last = NULL;
    if (queue->unflushed == entry) queue->unflushed = queue->head;
    uint64_t left = entry->size - entry->sent;
    outbound_queue_count(queue, -(left + OUTBOUND_OVERHEAD));
    if (is_elsewhere(entry->msg)) queue->elsewhere -= left;
    return entry;
}

/* What an entry out of the queue stood for; the entry goes back. */
static inline weir_obj *empty(outbound_entry *entry, weir_loop *loop, weir_promise **promise) {
    weir_obj *msg = entry->msg;
    *promise = entry->promise;
    if (WEIR_UNLIKELY(entry->piece != NULL)) weir_buf_release(entry->piece);
    outbound_entry_put(loop, entry);
    return msg;
}

weir_obj *outbound_queue_pop(outbound_queue *queue, weir_loop *loop, weir_promise **promise) {
    return empty(unlink_front(queue), loop, promise);
}

void outbound_entry_finish(weir_loop *loop, outbound_entry *entry, weir_status status) {
    weir_promise *promise;
    weir_obj_release(empty(entry, loop, &promise));
    if (promise != NULL) weir_promise_complete(promise, status);
}

static void advance_part(outbound_queue *queue, outbound_entry *entry, uint64_t bytes) {
    entry->sent += bytes;
    outbound_queue_count(queue, -bytes);
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
        outbound_entry_finish(loop, unlink_front(queue), WEIR_OK);
    }
}

void outbound_queue_fail(outbound_queue *queue, weir_loop *loop, weir_status why) {
    while (queue->head != NULL) outbound_entry_finish(loop, unlink_front(queue), why);
}
