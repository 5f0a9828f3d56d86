/* tls_handler_kernel.c - sending by the kernel: offered when a connection begins, and what it is given. */
#include <weir/transport/idle_handler.h>
#include <weir/transport/timeout_handler.h>

#include "tls/tls_engine_state.h"
#include "tls/tls_handler_state.h"

/* Inside of OpenSSL's handshake, in between two keys. What is behind the handler may have written already: that waits in
 * line, so a mark goes behind the last record. */
static bool push_out(void *arg) {
    tls_handler *self = arg;
    tls_handler_send(self, NULL);
    weir_promise *mark = tls_handler_is_alive(self) ? weir_promise_new(weir_ctx_loop(self->ctx)) : NULL;
    if (mark == NULL) return false;
    weir_ctx_write(self->ctx, weir_buf_empty(), weir_promise_retain(mark));
    if (tls_handler_is_alive(self)) weir_ctx_flush(self->ctx);
    bool has_left = weir_promise_is_done(mark) && weir_promise_status(mark) == WEIR_OK;
    weir_promise_release(mark);
    return has_left && tls_handler_is_alive(self);
}

/* They pass on what is written as it is, and look only at when. */
static bool only_watches(const weir_handler *handler) {
    return handler == &weir_timeout_handler || handler == &weir_idle_handler;
}

/* Nobody between here and the wire makes something of what is written: it would be plaintext. */
static bool is_next_to_wire(const tls_handler *self) {
    weir_ctx *to = weir_ctx_writes_to(self->ctx);
    while (only_watches(weir_ctx_handler(to))) to = weir_ctx_writes_to(to);
    return weir_ctx_is_wire(to);
}

void tls_handler_offer(tls_handler *self) {
    int fd = weir_channel_fd(weir_ctx_channel(self->ctx));
    if (fd < 0 || !tls_engine_lets_kernel(self->engine) || !is_next_to_wire(self)) return;
    self->kernel = tls_kernel_new(fd);
    if (self->kernel == NULL) return;
    self->kernel->push = push_out;
    self->kernel->arg = self;
    tls_engine_offer(self->engine, self->kernel);
}

void tls_handler_pass(tls_handler *self, weir_obj *msg, weir_promise *promise) {
    const weir_region *region = weir_region_from(msg);
    uint64_t n = region != NULL ? region->length : weir_buf_readable(weir_buf_from(msg));
    self->kernel->plain += n;
    if (region != NULL) self->kernel->regions += n;
    weir_ctx_write(self->ctx, msg, promise);
}
