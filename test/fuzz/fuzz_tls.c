/* fuzz_tls.c - one end of TLS and a peer in good faith, with an attacker on the wire between them.
 *
 * The first byte says which end is looked at, whether as an engine or as a handler in a pipeline, and which versions; the
 * second how bytes are cut. The rest is what happens, two bytes a step: bytes of the peer go over, are changed,
 * left out, or others put in; either end writes, ends its stream, changes keys. Whatever the attacker does, what is
 * read is the beginning of what the peer wrote, and an end in order is one the peer made.
 */
#include <errno.h>

#include <weir/buffer.h>
#include <weir/codec/tls_handler.h>
#include <weir/core/log.h>
#include <weir/transport/ctx.h>
#include <weir/transport/embedded.h>

#include "fuzz/fuzz.h"

enum {
    HEADER = 2,
    SIZE_MOST = 1 << 12
};

/* ---- what is the same for all inputs ---- */

static weir_tls_context *servers[3], *clients[3]; /* by the newest version */

static void make_contexts(void) {
    static const char *const name = "localhost";
    weir_tls_identity *identity;
    MUST(weir_tls_identity_self_signed(&identity, &name, 1, 30, NULL) == WEIR_OK);
    for (weir_tls_version max = WEIR_TLS_ANY; max <= WEIR_TLS_1_3; max++) {
        weir_tls_options server = {.identities = &identity, .identity_count = 1, .max = max};
        weir_tls_options client = {.insecure = true, .max = max};
        MUST(weir_tls_context_server(&servers[max], &server, NULL) == WEIR_OK);
        MUST(weir_tls_context_client(&clients[max], &client, NULL) == WEIR_OK);
    }
    weir_tls_identity_release(identity);
}

/* ---- what is looked at: an engine, or a handler on a channel by hand ---- */

typedef struct wire {
    weir_tls_engine *peer, *engine;
    weir_embedded *embedded;
    weir_buf *from_peer; /* on its way */
    size_t step;
    uint64_t told, heard; /* bytes of the peer: written, and read */
    bool peer_ended, saw_end, failed;
} wire;

static uint8_t byte_at(uint64_t i) {
    return (uint8_t)(i * 7 + i / 251);
}

static void hear(wire *self, weir_buf *plain) {
    for (uint8_t byte; weir_buf_read_u8(plain, &byte); self->heard++) {
        MUST(self->heard < self->told);
        MUST(byte == byte_at(self->heard));
    }
    weir_buf_release(plain);
}

/* The next `n` bytes, in memory of their own. */
static weir_buf *cut(weir_buf *from, size_t n) {
    weir_buf *some = weir_buf_new(n);
    MUST(some != NULL);
    weir_buf_write_buf(some, from, n);
    return some;
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    hear(weir_ctx_state(ctx), weir_buf_from(msg));
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    wire *self = weir_ctx_state(ctx);
    if (event == &weir_event_peer_closed.obj) {
        MUST(!self->saw_end);
        self->saw_end = true;
    }
    weir_ctx_fire_event(ctx, event);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    wire *self = weir_ctx_state(ctx);
    self->failed = true;
    weir_ctx_fire_error(ctx, error);
}

static const weir_handler handler = {.name = "fuzz", .read = on_read, .event = on_event, .error = on_error};
static weir_tls_context *context_of_channel;

static weir_status build(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_tls_handler_add(pipeline, context_of_channel, NULL);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &handler, arg);
}

static void open_all(wire *self, uint8_t kind) {
    weir_tls_version max = (weir_tls_version)((kind >> 2) % 3);
    bool is_server = (kind & 1) != 0;
    weir_tls_context *ours = is_server ? servers[max] : clients[max];
    context_of_channel = ours;
    MUST(weir_tls_engine_new(&self->peer, is_server ? clients[max] : servers[max], NULL, NULL) == WEIR_OK);
    if ((kind & 2) != 0) {
        self->embedded = weir_embedded_new(NULL, build, self);
        MUST(self->embedded != NULL);
    } else {
        MUST(weir_tls_engine_new(&self->engine, ours, NULL, NULL) == WEIR_OK);
    }
    self->from_peer = weir_buf_new(0);
    MUST(self->from_peer != NULL);
}

/* ---- moving ---- */

static void open_records(wire *self) {
    weir_buf *plain;
    weir_status status = weir_tls_engine_handshake(self->engine);
    while (status == WEIR_OK && (status = weir_tls_engine_read(self->engine, 3000, &plain)) == WEIR_OK &&
           plain != NULL)
        hear(self, plain);
    self->saw_end = self->saw_end || status == WEIR_OK;
    if (status != WEIR_OK && status != -EAGAIN) {
        self->failed = true;
        MUST(weir_tls_engine_why(self->engine)[0] != 0);
    }
}

static void give(wire *self, weir_buf *bytes) {
    if (self->embedded != NULL) {
        (void)weir_embedded_feed(self->embedded, bytes);
    } else {
        MUST(weir_tls_engine_feed(self->engine, bytes) == WEIR_OK);
        open_records(self);
    }
}

static void give_cut(wire *self, weir_buf *bytes) {
    while (self->step != 0 && weir_buf_readable(bytes) > self->step) give(self, cut(bytes, self->step));
    give(self, bytes);
}

static void give_to_peer(wire *self, weir_buf *records) {
    weir_buf *plain;
    if (records == NULL) return;
    MUST(weir_tls_engine_feed(self->peer, records) == WEIR_OK);
    if (weir_tls_engine_handshake(self->peer) != WEIR_OK) return;
    while (weir_tls_engine_read(self->peer, 65536, &plain) == WEIR_OK && plain != NULL)
        weir_buf_release(plain);
}

/* What either end wants sent: of ours it arrives, of the peer's it is on its way. */
static void settle(wire *self) {
    if (self->embedded == NULL) weir_tls_engine_handshake(self->engine);
    give_to_peer(self, self->embedded != NULL ? weir_embedded_take_all(self->embedded)
                                              : weir_tls_engine_take(self->engine));
    weir_tls_engine_handshake(self->peer);
    weir_buf *records = weir_tls_engine_take(self->peer);
    if (records == NULL) return;
    weir_buf_write_buf(self->from_peer, records, weir_buf_readable(records));
    weir_buf_release(records);
}

static weir_buf *take_some(wire *self, size_t n) {
    size_t there = weir_buf_readable(self->from_peer);
    return cut(self->from_peer, n < there ? n : there);
}

static weir_buf *pattern(uint64_t from, size_t n) {
    weir_buf *buf = weir_buf_new(n);
    MUST(buf != NULL);
    for (size_t i = 0; i < n; i++) weir_buf_write_u8(buf, byte_at(from + i));
    return buf;
}

/* ---- steps ---- */

static void peer_writes(wire *self, size_t n) {
    if (self->peer_ended || weir_tls_engine_handshake(self->peer) != WEIR_OK) return;
    if (weir_tls_engine_write(self->peer, pattern(self->told, n)) == WEIR_OK) self->told += n;
}

static void peer_ends(wire *self) {
    if (weir_tls_engine_handshake(self->peer) != WEIR_OK) return;
    self->peer_ended = true;
    weir_tls_engine_end(self->peer);
}

static void we_write(wire *self, size_t n) {
    if (self->embedded != NULL) {
        weir_channel_write(weir_embedded_channel(self->embedded), pattern(0, n), NULL);
        weir_embedded_run(self->embedded);
    } else if (weir_tls_engine_handshake(self->engine) == WEIR_OK) {
        (void)weir_tls_engine_write(self->engine, pattern(0, n));
    }
}

static void update_keys(wire *self, bool ours) {
    if (ours && self->embedded != NULL) {
        (void)weir_tls_update_keys(weir_embedded_pipeline(self->embedded));
    } else {
        weir_tls_engine *engine = ours ? self->engine : self->peer;
        if (weir_tls_engine_handshake(engine) == WEIR_OK) (void)weir_tls_engine_update_keys(engine);
    }
}

/* How many bytes of `rest` it used beyond its own two. */
static size_t take_step(wire *self, uint8_t what, uint8_t n, const uint8_t *rest, size_t left) {
    weir_buf *some;
    switch (what & 7) {
    case 0: give_cut(self, take_some(self, (size_t)n * (what >> 3))); break;
    case 1:
        some = take_some(self, (size_t)n + 1);
        if (weir_buf_is_readable(some)) some->wp[-1] ^= (uint8_t)(1 + (what >> 3));
        give_cut(self, some);
        break;
    case 2: weir_buf_release(take_some(self, n)); break;
    case 3:
        left = n < left ? n : left;
        some = weir_buf_new(left);
        weir_buf_write_bytes(some, rest, left);
        give_cut(self, some);
        return left;
    case 4: we_write(self, (size_t)n * (what >> 3) + 1); break;
    case 5: peer_writes(self, (size_t)n * (what >> 3) + 1); break;
    case 6: update_keys(self, (n & 1) != 0); break;
    default:
        if (n > 250) peer_ends(self);
    }
    return 0;
}

static void end_all(wire *self) {
    if (self->embedded != NULL) {
        weir_embedded_feed_end(self->embedded);
        weir_embedded_advance(self->embedded, 120 * 1000);
        MUST(!weir_embedded_is_open(self->embedded));
    } else if (weir_tls_engine_ended(self->engine) == WEIR_OK) {
        MUST(self->peer_ended);
    }
    MUST(!self->saw_end || self->peer_ended || self->failed);
    MUST(self->heard <= self->told);
    weir_embedded_free(self->embedded);
    weir_tls_engine_free(self->engine);
    weir_tls_engine_free(self->peer);
    weir_buf_release(self->from_peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wire self = {0};
    if (size < HEADER || size > SIZE_MOST) return 0;
    if (servers[0] == NULL) {
        weir_log_set_level(WEIR_LOG_OFF);
        make_contexts();
    }
    self.step = data[1];
    open_all(&self, data[0]);
    settle(&self);
    for (size_t at = HEADER; at + 1 < size;) {
        uint8_t what = data[at], n = data[at + 1];
        at += 2;
        at += take_step(&self, what, n, data + at, size - at);
        settle(&self);
    }
    end_all(&self);
    return 0;
}
