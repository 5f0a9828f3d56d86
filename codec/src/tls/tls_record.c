/* tls_record.c - plaintext into records: small ones first, then full ones; keys that change in time. */
#include <errno.h>
#include <openssl/err.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/core/check.h>

#include "tls/tls_engine_state.h"

#define RECORD_MOST SSL3_RT_MAX_PLAIN_LENGTH
/* A part of a composite that is shorter is joined to its neighbours in one record. */
#define JOIN_BELOW 4096
/* What a record costs: header, and of 1.2 the nonce, tag, and of 1.3 the type. */
#define RECORD_OVERHEAD (5 + 8 + 16 + 1)

static bool is_small(const weir_tls_engine *self) {
    return self->grown < self->record_grow && self->record_first < RECORD_MOST;
}

size_t tls_engine_record_size(const weir_tls_engine *self) {
    return is_small(self) ? self->record_first : RECORD_MOST;
}

/* Of one length: OpenSSL cuts longer ones into full records itself. */
static weir_status seal(weir_tls_engine *self, const void *bytes, size_t n) {
    size_t put;
    int answer = SSL_write_ex(self->ssl, bytes, n, &put);
    if (answer == 1) {
        self->stats.plain_written += n;
        if (self->grown < self->record_grow) self->grown += n;
        return WEIR_OK;
    }
    weir_status status = tls_engine_judge(self, answer, "TLS write");
    return status != WEIR_OK && status != -EAGAIN ? status : (weir_status)WEIR_E_TLS;
}

/* The next `n` bytes, which lie in several parts, as one record. */
static weir_status seal_joined(weir_tls_engine *self, weir_buf *plain, size_t n) {
    weir_buf *joined = tls_bio_get_buf(&self->bio, n);
    if (joined == NULL) return WEIR_E_NO_MEMORY;
    weir_buf_write_buf(joined, plain, n);
    self->bio.copied += n;
    weir_status status = seal(self, joined->rp, n);
    weir_buf_release(joined);
    return status;
}

/* What lies together, or a record's worth of what does not. */
static weir_status seal_next(weir_tls_engine *self, weir_buf *plain) {
    size_t left = weir_buf_readable(plain), record = tls_engine_record_size(self);
    weir_bytes part = weir_buf_peek(plain);
    if (left > record && is_small(self)) left = record;
    if (part.len < left && part.len < JOIN_BELOW)
        return seal_joined(self, plain, left < record ? left : record);
    size_t n = part.len < left ? part.len : left;
    weir_status status = seal(self, part.ptr, n);
    if (status == WEIR_OK) weir_buf_skip(plain, n);
    return status;
}

static void note_time(weir_tls_engine *self) {
    if (self->now - self->written >= self->record_idle_ms) self->grown = 0;
    self->written = self->now;
}

/* New keys long before the old ones have sealed too much. */
static void rekey_in_time(weir_tls_engine *self) {
    if (self->stats.records_written - self->rekeyed < self->rekey_records) return;
    self->rekeyed = self->stats.records_written;
    if (SSL_version(self->ssl) >= TLS1_3_VERSION) SSL_key_update(self->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
}

weir_status weir_tls_engine_write(weir_tls_engine *engine, weir_buf *plain) {
    WEIR_CHECK(engine->done && !engine->sent_end,
               "a TLS engine was written to before its handshake or after its end");
    weir_status status = engine->failure != WEIR_OK ? engine->failure : weir_buf_status(plain);
    size_t n = weir_buf_readable(plain);
    note_time(engine);
    rekey_in_time(engine);
    engine->bio.expected = n + (n / tls_engine_record_size(engine) + 1) * RECORD_OVERHEAD;
    ERR_clear_error();
    while (status == WEIR_OK && weir_buf_is_readable(plain)) status = seal_next(engine, plain);
    engine->bio.expected = 0;
    weir_buf_release(plain);
    return status;
}

weir_status weir_tls_engine_update_keys(weir_tls_engine *engine) {
    WEIR_CHECK(engine->done, "keys of a TLS engine were updated before its handshake was done");
    if (SSL_version(engine->ssl) < TLS1_3_VERSION) return WEIR_E_UNSUPPORTED;
    if (engine->sent_end) return WEIR_E_CLOSED;
    if (engine->failure != WEIR_OK) return engine->failure;
    ERR_clear_error();
    engine->rekeyed = engine->stats.records_written;
    if (SSL_key_update(engine->ssl, SSL_KEY_UPDATE_REQUESTED) == 1) {
        int answer = SSL_do_handshake(engine->ssl);
        if (answer == 1) return WEIR_OK;
        return tls_engine_judge(engine, answer, "TLS key update");
    }
    return tls_engine_judge(engine, 0, "TLS key update");
}
