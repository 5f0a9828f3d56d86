/* slow_region.c - see slow_region.h. */
#include "slow_region.h"

#include <errno.h>
#include <sys/socket.h>

#include "wires.h"

static ssize_t read_slow(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    slow_region *self = WEIR_CONTAINER(region, slow_region, region);
    uint64_t end = self->ends_at != 0 ? self->ends_at : region->length;
    if (self->is_interrupted && atomic_fetch_add(&self->reads, 1) % 2 == 0) return -EINTR;
    size_t most = at >= end ? 0 : end - at < n ? (size_t)(end - at) : n;
    if (at + most > atomic_load(&self->warm)) {
        if (!may_wait) return -EAGAIN;
        atomic_fetch_add(&self->waits, 1);
        if (self->loop != NULL && weir_loop_is_current(self->loop)) atomic_fetch_add(&self->waits_on_loop, 1);
        wait_ms(self->wait_ms);
        if (self->fails != WEIR_OK) return self->fails;
        if (!self->forgets) atomic_store(&self->warm, at + most);
    }
    for (size_t i = 0; i < most; i++) ((uint8_t *)dst)[i] = slow_byte(at + i);
    return (ssize_t)most;
}

/* As sendfile does, it waits for what is not at hand. */
static ssize_t send_slow(weir_region *region, uint64_t at, size_t n, int fd) {
    uint8_t bytes[16 * 1024];
    ssize_t got = read_slow(region, at, bytes, n < sizeof bytes ? n : sizeof bytes, true);
    if (got <= 0) return got;
    ssize_t sent = send(fd, bytes, (size_t)got, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

static void free_slow(weir_region *region) {
    atomic_fetch_add(&WEIR_CONTAINER(region, slow_region, region)->frees, 1);
}

weir_region *slow_region_make(slow_region *self, uint64_t length) {
    static const weir_region_ops readable = {.name = "slow", .read = read_slow, .free = free_slow};
    static const weir_region_ops sendable = {
        .name = "slow", .read = read_slow, .send = send_slow, .free = free_slow};
    weir_region_init(&self->region, self->has_send ? &sendable : &readable, length);
    return &self->region;
}
