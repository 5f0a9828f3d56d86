/* pipe_region.c - the bytes of a spliced read, and the empty pipes that wait for the next.
 *
 * Each region has a pipe of its own: dropping one, or sending two in another order than they were read, mixes
 * nothing up. A pipe that was emptied goes back to its loop, in the loop's thread; any other is closed.
 */
#include "region/pipe_region.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <weir/core/alloc.h>

/* A loop keeps so many: 32 descriptors. */
#define PIPES_KEPT 16

typedef struct pipe_region {
    weir_region region;
    struct pipe_region *next; /* among those that are kept */
    weir_loop *loop;          /* held while it is in use */
    _Atomic uint64_t taken;   /* how far the bytes are out of the pipe */
    int ends[2];
} pipe_region;

static pipe_region *pipe_of(weir_region *region) {
    return WEIR_CONTAINER(region, pipe_region, region);
}

/* ---- pipes ---- */

weir_status pipe_open(int ends[2], size_t size, int flags) {
    if (pipe2(ends, O_CLOEXEC | flags) != 0) return weir_status_from_errno(errno);
    (void)fcntl(ends[1], F_SETPIPE_SZ, size < INT32_MAX ? (int)size : INT32_MAX); /* it works at any size */
    return WEIR_OK;
}

static void close_pipe(pipe_region *self) {
    weir_alloc *alloc = self->loop->alloc;
    close(self->ends[0]);
    close(self->ends[1]);
    weir_alloc_release(alloc, self);
}

static pipe_region *get_pipe(weir_loop *loop, size_t size) {
    pipe_region *self = loop->pipes;
    if (self != NULL) {
        loop->pipes = self->next;
        loop->pipes_kept--;
        return self;
    }
    self = weir_alloc_acquire(loop->alloc, sizeof *self);
    if (self == NULL) return NULL;
    *self = (pipe_region){.loop = loop};
    if (pipe_open(self->ends, size, O_NONBLOCK) == WEIR_OK) return self;
    weir_alloc_release(loop->alloc, self);
    return NULL;
}

/* Takes: self, whose pipe is empty. In the loop's thread. */
static void keep_pipe(pipe_region *self) {
    weir_loop *loop = self->loop;
    if (loop->pipes_kept >= PIPES_KEPT) {
        close_pipe(self);
        return;
    }
    self->next = loop->pipes;
    loop->pipes = self;
    loop->pipes_kept++;
}

void pipe_regions_free(weir_loop *loop) {
    while (loop->pipes != NULL) close_pipe(get_pipe(loop, 0));
    loop->pipes_kept = PIPES_KEPT;
}

/* ---- as a region ---- */

static ssize_t note_taken(pipe_region *self, ssize_t count) {
    if (count < 0) return -errno;
    atomic_fetch_add_explicit(&self->taken, (uint64_t)count, memory_order_relaxed);
    return count;
}

static bool is_next(pipe_region *self, uint64_t at) {
    return atomic_load_explicit(&self->taken, memory_order_relaxed) == at;
}

static ssize_t read_pipe(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    pipe_region *self = pipe_of(region);
    (void)may_wait;
    if (!is_next(self, at)) return -ESPIPE;
    return note_taken(self, read(self->ends[0], dst, n));
}

static ssize_t send_pipe(weir_region *region, uint64_t at, size_t n, int fd) {
    pipe_region *self = pipe_of(region);
    ssize_t sent;
    if (!is_next(self, at)) return -ESPIPE;
    do {
        sent = splice(self->ends[0], NULL, fd, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    } while (sent < 0 && errno == EINTR);
    return note_taken(self, sent);
}

static void free_pipe(weir_region *region) {
    pipe_region *self = pipe_of(region);
    weir_loop *loop = self->loop;
    if (is_next(self, region->length) && loop_is_current(loop)) {
        keep_pipe(self);
    } else {
        close_pipe(self);
    }
    loop_release(loop);
}

static const weir_region_ops pipe_ops = {
    .name = "pipe", .read = read_pipe, .send = send_pipe, .never_waits = true, .free = free_pipe};

/* ---- filling ---- */

static weir_status splice_status(ssize_t got) {
    if (got == 0) return WEIR_OK;
    return errno == EINVAL || errno == ENOMEM ? (weir_status)WEIR_E_UNSUPPORTED
                                              : weir_status_from_errno(errno);
}

weir_region *pipe_region_fill(weir_loop *loop, int fd, size_t most, weir_status *status) {
    pipe_region *self = get_pipe(loop, most);
    *status = WEIR_E_UNSUPPORTED;
    if (self == NULL) return NULL;
    ssize_t got;
    do {
        got = splice(fd, NULL, self->ends[1], NULL, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        *status = splice_status(got);
        keep_pipe(self);
        return NULL;
    }
    atomic_store_explicit(&self->taken, 0, memory_order_relaxed);
    loop_retain(loop);
    weir_region_init(&self->region, &pipe_ops, (uint64_t)got);
    return &self->region;
}
