/* rig.c - see rig.h. */
#include "rig.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/core/log.h>

/* ---- the watcher ---- */

static void watch_active(weir_ctx *ctx) {
    tls_rig *self = weir_ctx_state(ctx);
    self->is_ready = true;
    weir_ctx_fire_active(ctx);
}

static void watch_read(weir_ctx *ctx, weir_obj *msg) {
    tls_rig *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    size_t n = weir_buf_readable(buf), room = sizeof self->read - self->read_count;
    weir_buf_read_bytes(buf, self->read + self->read_count, n < room ? n : room);
    self->read_count += n < room ? n : room;
    weir_buf_release(buf);
}

static void watch_event(weir_ctx *ctx, weir_obj *event) {
    tls_rig *self = weir_ctx_state(ctx);
    if (event == &weir_event_peer_closed.obj) self->has_ended = true;
    weir_obj_release(event);
}

static void watch_writable(weir_ctx *ctx) {
    tls_rig *self = weir_ctx_state(ctx);
    self->writable_changes++;
}

static void watch_error(weir_ctx *ctx, const weir_error *error) {
    tls_rig *self = weir_ctx_state(ctx);
    self->error = error->status;
    snprintf(self->what, sizeof self->what, "%s", error->what);
}

static void watch_inactive(weir_ctx *ctx) {
    tls_rig *self = weir_ctx_state(ctx);
    self->is_gone = true;
    weir_ctx_fire_inactive(ctx);
}

static const weir_handler watcher = {
    .name = "watcher",
    .active = watch_active,
    .read = watch_read,
    .event = watch_event,
    .writable_changed = watch_writable,
    .error = watch_error,
    .inactive = watch_inactive,
};

static weir_buf *text_of(const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text));
    require(buf != NULL);
    weir_buf_write_str(buf, text);
    return buf;
}

static weir_status build(weir_pipeline *pipeline, void *arg) {
    tls_rig *self = arg;
    weir_status status = self->build_front != NULL ? self->build_front(pipeline) : (weir_status)WEIR_OK;
    if (status == WEIR_OK && !self->keeps_plain)
        status = weir_tls_handler_add(pipeline, self->context, &self->options);
    if (status == WEIR_OK) status = weir_pipeline_add_last(pipeline, &watcher, self);
    if (status == WEIR_OK && self->writes_early)
        weir_channel_write(weir_pipeline_channel(pipeline), text_of("early"), NULL);
    return status;
}

/* ---- opening ---- */

static void make_context(tls_rig *self, bool is_client) {
    weir_tls_options options = {.min = self->version,
                                .max = self->version,
                                .kernel = self->without_kernel ? WEIR_TLS_KERNEL_OFF : WEIR_TLS_KERNEL_AUTO};
    weir_tls_identity *identity = tls_certs_identity(self->certs, NULL);
    weir_tls_why why;
    if (is_client) {
        options.ca = tls_certs_ca(self->certs);
        self->options.engine.peer_name = "localhost";
        require(weir_tls_context_client(&self->context, &options, &why) == WEIR_OK);
    } else {
        options.identities = &identity;
        options.identity_count = 1;
        require(weir_tls_context_server(&self->context, &options, &why) == WEIR_OK);
    }
    weir_tls_identity_release(identity);
}

static void use_certificate(SSL_CTX *context, tls_certs *certs) {
    tls_cert_text text = tls_certs_make(certs, &(tls_cert){0});
    BIO *cert = BIO_new_mem_buf(text.cert.ptr, (int)text.cert.len);
    BIO *key = BIO_new_mem_buf(text.key.ptr, (int)text.key.len);
    X509 *leaf = PEM_read_bio_X509(cert, NULL, NULL, NULL),
         *above = PEM_read_bio_X509(cert, NULL, NULL, NULL);
    EVP_PKEY *secret = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    require(SSL_CTX_use_cert_and_key(context, leaf, secret, NULL, 1) == 1);
    require(SSL_CTX_add0_chain_cert(context, above) == 1);
    X509_free(leaf);
    EVP_PKEY_free(secret);
    BIO_free(cert);
    BIO_free(key);
}

static void make_peer(tls_rig *self, bool is_client) {
    self->peer_context = SSL_CTX_new(TLS_method());
    require(self->peer_context != NULL);
    if (self->cipher != NULL && self->version == WEIR_TLS_1_3)
        require(SSL_CTX_set_ciphersuites(self->peer_context, self->cipher) == 1);
    if (self->cipher != NULL && self->version == WEIR_TLS_1_2)
        require(SSL_CTX_set_cipher_list(self->peer_context, self->cipher) == 1);
    if (!is_client) use_certificate(self->peer_context, self->certs);
    self->peer = SSL_new(self->peer_context);
    require(self->peer != NULL);
    if (is_client) {
        SSL_set_connect_state(self->peer);
    } else {
        SSL_set_accept_state(self->peer);
    }
}

static bool is_ready(void *arg) {
    return ((tls_rig *)arg)->is_ready;
}

void rig_shake_hands(tls_rig *self) {
    require(SSL_set_fd(self->peer, self->wire.far) == 1);
    if (!expect_eq(SSL_do_handshake(self->peer), 1)) ERR_print_errors_fp(stderr);
    expect(wire_until(&self->wire, is_ready, self));
}

void rig_open(tls_rig *self) {
    bool is_client = self->kind == WIRE_CONNECTED;
    if (self->kind == WIRE_EMBEDDED) self->kind = WIRE_ACCEPTED;
    if (self->version == 0) self->version = WEIR_TLS_1_3;
    self->certs = tls_certs_new();
    signal(SIGPIPE, SIG_IGN); /* of OpenSSL in this thread */
    weir_log_set_level(WEIR_LOG_OFF);
    make_context(self, is_client);
    make_peer(self, !is_client);
    wire_open(&self->wire, self->kind, &self->channel_options, build, self);
    if (!self->keeps_plain) rig_shake_hands(self);
}

static void add_tls(void *arg) {
    tls_rig *self = arg;
    weir_pipeline *pipeline = weir_channel_pipeline(atomic_load(&self->wire.channel));
    self->options.starttls = true;
    expect_status(weir_tls_handler_add(pipeline, self->context, &self->options), WEIR_OK);
}

void rig_start_tls(tls_rig *self) {
    wire_do(&self->wire, add_tls, self);
}

void rig_close(tls_rig *self) {
    SSL_free(self->peer);
    SSL_CTX_free(self->peer_context);
    wire_shut(&self->wire);
    weir_tls_context_release(self->context);
    tls_certs_free(self->certs);
    ERR_clear_error();
}

/* ---- looking ---- */

static void look(void *arg) {
    tls_rig *self = arg;
    weir_channel *channel = atomic_load(&self->wire.channel);
    self->has_tls = weir_tls_get_stats(weir_channel_pipeline(channel), &self->tls);
    weir_channel_get_stats(channel, &self->channel);
}

void rig_look(tls_rig *self) {
    wire_do(&self->wire, look, self);
}

uint64_t rig_kernel_connections(const tls_rig *self) {
    weir_tls_context_stats stats;
    weir_tls_context_get_stats(self->context, &stats);
    return stats.ktls;
}

/* ---- ours ---- */

weir_promise *rig_promise(tls_rig *self) {
    weir_promise *promise = weir_promise_new(self->wire.loop);
    require(promise != NULL);
    return promise;
}

void rig_write(tls_rig *self, void *msg, weir_promise *promise) {
    wire_write(&self->wire, msg, promise);
}

void rig_say(tls_rig *self, const char *text) {
    rig_write(self, text_of(text), NULL);
}

typedef struct words {
    tls_rig *rig;
    const char *text;
} words;

static bool has_heard(void *arg) {
    const words *self = arg;
    size_t n = strlen(self->text);
    return self->rig->read_count == n && memcmp(self->rig->read, self->text, n) == 0;
}

bool rig_hears(tls_rig *self, const char *text) {
    words all = {self, text};
    bool heard = wire_until(&self->wire, has_heard, &all);
    self->read_count = 0;
    return heard;
}

static bool has_error(void *arg) {
    return ((tls_rig *)arg)->error != WEIR_OK;
}

static bool has_ended(void *arg) {
    return ((tls_rig *)arg)->has_ended;
}

bool rig_sees_error(tls_rig *self) {
    return wire_until(&self->wire, has_error, self);
}

bool rig_sees_end(tls_rig *self) {
    return wire_until(&self->wire, has_ended, self);
}

/* ---- the peer ---- */

void peer_say(tls_rig *self, const char *text) {
    expect_eq(SSL_write(self->peer, text, (int)strlen(text)), (int)strlen(text));
}

static bool peer_reads(tls_rig *self, uint8_t *to, size_t n) {
    for (size_t got; n > 0; to += got, n -= got) {
        if (SSL_read_ex(self->peer, to, n, &got) != 1) return false;
    }
    return true;
}

bool peer_hears(tls_rig *self, const char *text) {
    char got[64] = "";
    return expect(strlen(text) < sizeof got) && peer_reads(self, (uint8_t *)got, strlen(text)) &&
           expect_str(got, text);
}

static uint8_t byte_at(size_t at) {
    return (uint8_t)(at * 7 + at / 251);
}

bool peer_gets_file(tls_rig *self, size_t n) {
    static uint8_t piece[65536];
    bool is_right = true;
    for (size_t at = 0; at < n && is_right;) {
        size_t part = n - at < sizeof piece ? n - at : sizeof piece;
        is_right = peer_reads(self, piece, part);
        for (size_t i = 0; i < part && is_right; i++) is_right = piece[i] == byte_at(at + i);
        at += part;
    }
    return is_right;
}

int peer_end(tls_rig *self) {
    char byte;
    int answer;
    ERR_clear_error();
    while ((answer = SSL_read(self->peer, &byte, 1)) > 0) continue;
    return SSL_get_error(self->peer, answer);
}

weir_region *rig_file(size_t n, size_t length) {
    FILE *file = tmpfile();
    require(file != NULL);
    for (size_t i = 0; i < n; i++) putc_unlocked(byte_at(i), file);
    fflush(file);
    int fd = dup(fileno(file));
    fclose(file);
    return weir_region_file(fd, true, 0, length);
}
