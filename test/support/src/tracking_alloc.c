/* tracking_alloc.c - malloc with a header in front that links all living blocks. */
#include <weir/testing/tracking_alloc.h>

#include <execinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/core/check.h>

#include "alloc_trace.h"

enum {
    FRAMES = 8,
    FRESH = 0xA5,
    GONE = 0xDD
};

static const uint64_t block_magic = 0x7765697220626c6b; /* "weir blk" */

struct block {
    weir_list link;
    const weir_tracking_alloc *owner;
    size_t size;
    uint64_t call;
    void *frames[FRAMES];
    int frame_count;
    uint64_t magic;
    _Alignas(max_align_t) unsigned char data[];
};

static weir_tracking_alloc *tracking_of(weir_alloc *base) {
    return WEIR_CONTAINER(base, weir_tracking_alloc, base);
}

static struct block *block_of(weir_tracking_alloc *self, void *ptr) {
    struct block *block = WEIR_CONTAINER(ptr, struct block, data);
    WEIR_CHECK(block->magic == block_magic, "block %p is released already, or never came from here", ptr);
    WEIR_CHECK(block->owner == self, "block %p came from another allocator", ptr);
    return block;
}

/* Counts one call; false when it is its turn to fail. */
static bool grant(weir_tracking_alloc *self, uint64_t *call) {
    *call = self->calls++;
    bool fails = *call == self->fail_at || (self->fails_onward && *call > self->fail_at);
    if (fails) self->refused++;
    return !fails;
}

static void enlist(weir_tracking_alloc *self, struct block *block, size_t size, uint64_t call) {
    block->owner = self;
    block->size = size;
    block->call = call;
    block->magic = block_magic;
    weir_list_push_back(&self->blocks, &block->link);
    self->live_blocks++;
    self->live_bytes += size;
}

static void strike_off(weir_tracking_alloc *self, struct block *block) {
    weir_list_remove(&block->link);
    self->live_blocks--;
    self->live_bytes -= block->size;
}

static void *tracking_acquire(weir_alloc *base, size_t size) {
    weir_tracking_alloc *self = tracking_of(base);
    if (size > SIZE_MAX - sizeof(struct block)) return NULL;
    struct block *block = malloc(sizeof *block + size);
    if (block == NULL) return NULL;
    block->frame_count = backtrace(block->frames, FRAMES);
    memset(block->data, FRESH, size);

    pthread_mutex_lock(&self->lock);
    uint64_t call;
    bool granted = grant(self, &call);
    if (granted) enlist(self, block, size, call);
    pthread_mutex_unlock(&self->lock);
    alloc_trace_note(!granted);
    if (granted) return block->data;
    free(block);
    return NULL;
}

static void tracking_release(weir_alloc *base, void *ptr) {
    weir_tracking_alloc *self = tracking_of(base);
    if (ptr == NULL) return;
    pthread_mutex_lock(&self->lock);
    struct block *block = block_of(self, ptr);
    strike_off(self, block);
    block->magic = 0;
    pthread_mutex_unlock(&self->lock);
    memset(block->data, GONE, block->size);
    free(block);
}

/* Shrinking counts as no call and cannot fail; growing always moves, so that a stale pointer shows. */
static void *tracking_resize(weir_alloc *base, void *ptr, size_t size) {
    weir_tracking_alloc *self = tracking_of(base);
    if (ptr == NULL) return tracking_acquire(base, size);
    pthread_mutex_lock(&self->lock);
    struct block *block = block_of(self, ptr);
    size_t old_size = block->size;
    if (size <= old_size) {
        self->live_bytes -= old_size - size;
        block->size = size;
    }
    pthread_mutex_unlock(&self->lock);
    if (size <= old_size) return ptr;

    void *moved = tracking_acquire(base, size);
    if (moved == NULL) return NULL;
    memcpy(moved, ptr, old_size);
    tracking_release(base, ptr);
    return moved;
}

void weir_tracking_alloc_init(weir_tracking_alloc *self) {
    memset(self, 0, sizeof *self);
    self->base = (weir_alloc){"tracking", tracking_acquire, tracking_resize, tracking_release};
    pthread_mutex_init(&self->lock, NULL);
    weir_list_init(&self->blocks);
    self->fail_at = UINT64_MAX;
}

void weir_tracking_alloc_clear(weir_tracking_alloc *self) {
    WEIR_CHECK(self->live_blocks == 0, "%zu blocks of this allocator are still out", self->live_blocks);
    pthread_mutex_destroy(&self->lock);
}

static void start_counting(weir_tracking_alloc *self, uint64_t fail_at, bool onward) {
    pthread_mutex_lock(&self->lock);
    self->calls = 0;
    self->refused = 0;
    self->fail_at = fail_at;
    self->fails_onward = onward;
    pthread_mutex_unlock(&self->lock);
}

void weir_tracking_alloc_fail_nth(weir_tracking_alloc *self, uint64_t n) {
    start_counting(self, n, false);
}

void weir_tracking_alloc_fail_from(weir_tracking_alloc *self, uint64_t n) {
    start_counting(self, n, true);
}

void weir_tracking_alloc_fail_never(weir_tracking_alloc *self) {
    start_counting(self, UINT64_MAX, false);
}

uint64_t weir_tracking_alloc_calls(weir_tracking_alloc *self) {
    pthread_mutex_lock(&self->lock);
    uint64_t calls = self->calls;
    pthread_mutex_unlock(&self->lock);
    return calls;
}

uint64_t weir_tracking_alloc_refused(weir_tracking_alloc *self) {
    pthread_mutex_lock(&self->lock);
    uint64_t refused = self->refused;
    pthread_mutex_unlock(&self->lock);
    return refused;
}

size_t weir_tracking_alloc_live(weir_tracking_alloc *self) {
    pthread_mutex_lock(&self->lock);
    size_t live = self->live_blocks;
    pthread_mutex_unlock(&self->lock);
    return live;
}

void weir_tracking_alloc_report(weir_tracking_alloc *self, FILE *out) {
    pthread_mutex_lock(&self->lock);
    for (weir_list *link = self->blocks.next; link != &self->blocks; link = link->next) {
        struct block *block = WEIR_CONTAINER(link, struct block, link);
        fprintf(out, "block of %zu bytes, call %llu, not released; acquired at:\n", block->size,
                (unsigned long long)block->call);
        fflush(out);
        if (block->frame_count > 2) {
            backtrace_symbols_fd(block->frames + 2, block->frame_count - 2, fileno(out));
        }
    }
    pthread_mutex_unlock(&self->lock);
}
