/* echo_uv.c - the echo server a careful libuv user writes: uv_read_start into one buffer, uv_try_write back,
 * uv_write with a copy only for what did not fit. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/loopback.h"
#include "common/options.h"

enum {
    CHUNK = 64 << 10
};

typedef struct rest {
    uv_write_t request;
    char bytes[];
} rest;

static char chunk[CHUNK];

static void give_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    (void)handle, (void)suggested;
    *out = uv_buf_init(chunk, CHUNK);
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

static void hang_up(uv_stream_t *stream) {
    if (!uv_is_closing((uv_handle_t *)stream)) uv_close((uv_handle_t *)stream, free_handle);
}

static void echo(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf);

static void rest_written(uv_write_t *request, int status) {
    if (status != 0 || uv_read_start(request->handle, give_chunk, echo) != 0) hang_up(request->handle);
    free(request);
}

/* Reading pauses until the rest is gone, so that a peer that does not read costs one chunk. */
static int write_rest(uv_stream_t *stream, const char *bytes, size_t n) {
    rest *self = malloc(sizeof *self + n);
    if (self == NULL) return UV_ENOMEM;
    memcpy(self->bytes, bytes, n);
    uv_buf_t buf = uv_buf_init(self->bytes, (unsigned)n);
    int status = uv_write(&self->request, stream, &buf, 1, rest_written);
    if (status != 0) free(self);
    return status == 0 ? uv_read_stop(stream) : status;
}

static void echo(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf) {
    if (got == 0) return;
    if (got < 0) {
        hang_up(stream);
        return;
    }
    uv_buf_t out = uv_buf_init(buf->base, (unsigned)got);
    int sent = uv_try_write(stream, &out, 1);
    if (sent == UV_EAGAIN) sent = 0;
    if (sent < 0 || (sent < got && write_rest(stream, buf->base + sent, (size_t)(got - sent)) != 0)) {
        hang_up(stream);
    }
}

static void accept_one(uv_stream_t *listener, int status) {
    uv_tcp_t *peer = status == 0 ? malloc(sizeof *peer) : NULL;
    if (peer == NULL) die("accept");
    uv_tcp_init(listener->loop, peer);
    if (uv_accept(listener, (uv_stream_t *)peer) != 0) {
        hang_up((uv_stream_t *)peer);
        return;
    }
    uv_tcp_nodelay(peer, 1);
    if (uv_read_start((uv_stream_t *)peer, give_chunk, echo) != 0) hang_up((uv_stream_t *)peer);
}

int main(int argc, char **argv) {
    uint64_t port = 0;
    options_read(argc, argv, (option[]){{"--port", .number = &port}, {0}});
    loopback_raise_limit();
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    if (uv_tcp_init(loop, &listener) != 0 || uv_tcp_open(&listener, loopback_listen(port)) != 0 ||
        uv_listen((uv_stream_t *)&listener, 4096, accept_one) != 0) {
        die("uv_listen");
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
