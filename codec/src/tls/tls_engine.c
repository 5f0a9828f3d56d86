/* tls_engine.c - one SSL between two queues of bufs: handshake, reading, ends. Writing is in tls_record.c. */
#include "tls/tls_engine_state.h"

#include <errno.h>
#include <openssl/err.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/core/alloc.h>
#include <weir/core/check.h>

#include "tls/tls_why.h"

#define RECORD_FIRST 1369
#define RECORD_LEAST 512
#define RECORD_MOST SSL3_RT_MAX_PLAIN_LENGTH
#define RECORD_GROW (128 * 1024)
#define RECORD_IDLE_MS 1000
#define KEY_UPDATE_SIZE 5
/* Room that may be left in a buf that is handed out: so many times its plaintext, and so many bytes. */
#define ROOM_MOST 4
#define ROOM_FREE 1024
#define REKEY_RECORDS (1u << 23) /* of 2^24.5 that AES-GCM bears (RFC 8446, 5.5) */

static void count(atomic_ullong *counter) {
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Each record's header, and each handshake message, passes here. */
static void on_message(int written, int version, int type, const void *bytes, size_t n, SSL *ssl, void *arg) {
    weir_tls_engine *self = arg;
    const uint8_t *head = bytes;
    (void)version, (void)ssl;
    if (type == SSL3_RT_HEADER && n == SSL3_RT_HEADER_LENGTH) {
        if (written != 0) {
            self->stats.records_written++;
        } else {
            self->stats.records_read++;
            self->bio.share--;
            self->seen += n + (size_t)head[3] * 256 + head[4];
        }
    } else if (type == SSL3_RT_HANDSHAKE && n > 0 && head[0] == SSL3_MT_KEY_UPDATE && written == 0) {
        count(&tls_context_counts(self->context)->key_updates);
        bool is_request = n == KEY_UPDATE_SIZE && head[n - 1] == SSL_KEY_UPDATE_REQUESTED;
        self->owes_keys = self->owes_keys || is_request;
    }
}

/* ---- life ---- */

static void take_options(weir_tls_engine *self, const weir_tls_engine_options *options) {
    size_t first = options->record_first != 0 ? options->record_first : RECORD_FIRST;
    self->record_first = first < RECORD_LEAST ? RECORD_LEAST : first > RECORD_MOST ? RECORD_MOST : first;
    self->record_grow = options->record_grow != 0 ? options->record_grow : RECORD_GROW;
    self->record_idle_ms = options->record_idle_ms != 0 ? options->record_idle_ms : RECORD_IDLE_MS;
    self->rekey_records = options->rekey_records != 0 ? options->rekey_records : REKEY_RECORDS;
}

static bool open_ssl(weir_tls_engine *self, const char *peer_name) {
    self->ssl = tls_context_open(self->context, peer_name);
    if (self->ssl == NULL) return false;
    BIO *bio = tls_bio_new(&self->bio);
    if (bio == NULL) return false;
    SSL_set_bio(self->ssl, bio, bio);
    SSL_set_mode(self->ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_clear_mode(self->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_set_read_ahead(self->ssl, 0); /* each record is asked for: see tls_engine_begin_share */
    SSL_set_msg_callback(self->ssl, on_message);
    SSL_set_msg_callback_arg(self->ssl, self);
    return true;
}

weir_status weir_tls_engine_new(weir_tls_engine **out, weir_tls_context *context,
                                const weir_tls_engine_options *options, weir_pool *pool) {
    static const weir_tls_engine_options defaults;
    *out = NULL;
    if (options == NULL) options = &defaults;
    if (!tls_context_can_ask(context, options->peer_name)) return WEIR_E_INVALID;
    weir_tls_engine *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->context = weir_tls_context_retain(context);
    self->bio.pool = pool;
    self->bio.share = UINT64_MAX;
    take_options(self, options);
    if (!open_ssl(self, options->peer_name)) {
        ERR_clear_error();
        weir_tls_engine_free(self);
        return WEIR_E_NO_MEMORY;
    }
    *out = self;
    return WEIR_OK;
}

static void free_peer(tls_peer_texts *peer) {
    if (peer == NULL) return;
    OPENSSL_free(peer->der);
    weir_alloc_release(NULL, peer);
}

void weir_tls_engine_free(weir_tls_engine *engine) {
    if (engine == NULL) return;
    if (engine->began && !engine->done) count(&tls_context_counts(engine->context)->failures);
    tls_context_close(engine->ssl);
    tls_bio_clear(&engine->bio);
    free_peer(engine->peer);
    weir_alloc_release(NULL, engine->why);
    weir_tls_context_release(engine->context);
    weir_alloc_release(NULL, engine);
}

/* ---- failures ---- */

/* The first time; it is final. */
static weir_status fail_because(weir_tls_engine *self, const weir_tls_why *why, weir_status status) {
    self->failure = status;
    self->why = weir_alloc_acquire(NULL, sizeof *why);
    if (self->why != NULL) *self->why = *why;
    return status;
}

static weir_status fail(weir_tls_engine *self, const char *what) {
    weir_tls_why why;
    weir_status status = tls_why_from_ssl(&why, self->ssl, what);
    if (self->bio.out_of_room) {
        status = WEIR_E_NO_MEMORY;
        tls_why_say(&why, "%s: out of memory", what);
    }
    return fail_because(self, &why, status);
}

weir_status tls_engine_judge(weir_tls_engine *self, int answer, const char *what) {
    int error = SSL_get_error(self->ssl, answer);
    if (error == SSL_ERROR_ZERO_RETURN) {
        self->saw_end = true;
        tls_bio_drop(&self->bio);
        return WEIR_OK;
    }
    if (error != SSL_ERROR_WANT_READ) return fail(self, what);
    self->dry = true;
    return -EAGAIN;
}

const char *weir_tls_engine_why(const weir_tls_engine *engine) {
    if (engine->failure == WEIR_OK) return "";
    return engine->why != NULL ? engine->why->text : weir_status_text(engine->failure);
}

/* ---- the handshake ---- */

/* Behind the peer's close_notify, or a failure, nothing is opened any more (RFC 8446 6.1): it is not kept either. */
weir_status weir_tls_engine_feed(weir_tls_engine *engine, weir_buf *wire) {
    if (!weir_buf_is_readable(wire) || engine->saw_end || engine->failure != WEIR_OK) {
        weir_buf_release(wire);
        return WEIR_OK;
    }
    engine->dry = false;
    weir_status status = tls_bio_feed(&engine->bio, wire);
    if (status != WEIR_OK && engine->failure == WEIR_OK)
        fail_because(engine, &(weir_tls_why){"TLS: out of memory for what the peer sent"}, status);
    return status;
}

weir_status weir_tls_engine_handshake(weir_tls_engine *engine) {
    if (engine->done) return WEIR_OK;
    if (engine->failure != WEIR_OK) return engine->failure;
    engine->began = true;
    ERR_clear_error();
    int answer = SSL_do_handshake(engine->ssl);
    if (answer != 1) {
        weir_status status = tls_engine_judge(engine, answer, "TLS handshake");
        return status != WEIR_OK ? status : fail(engine, "TLS handshake: the peer gave it up");
    }
    weir_tls_why why;
    if (tls_context_accepts(engine->context, engine->ssl, &why) != WEIR_OK) {
        SSL_shutdown(engine->ssl); /* a client has no alert for it, and OpenSSL none for who is done */
        return fail_because(engine, &why, WEIR_E_TLS);
    }
    tls_counts *counts = tls_context_counts(engine->context);
    engine->done = true;
    count(&counts->handshakes);
    if (SSL_session_reused(engine->ssl)) count(&counts->resumed);
    return WEIR_OK;
}

bool tls_engine_lets_kernel(const weir_tls_engine *self) {
    return (SSL_get_options(self->ssl) & SSL_OP_ENABLE_KTLS) != 0;
}

void tls_engine_offer(weir_tls_engine *self, tls_kernel *kernel) {
    kernel->count = &tls_context_counts(self->context)->ktls;
    self->bio.kernel = kernel;
}

/* ---- reading ---- */

void tls_engine_begin_share(weir_tls_engine *self, uint64_t records) {
    self->bio.share = records;
    if (!self->bio.is_stalled) return;
    self->bio.is_stalled = false;
    self->dry = false;
}

bool tls_engine_is_stalled(const weir_tls_engine *self) {
    return self->bio.is_stalled;
}

/* It must change before it sends again (RFC 8446, 4.6.3). OpenSSL has said that it does: the peer gets an alert in its place,
 * while it can still read one. */
static weir_status refuse_keys(weir_tls_engine *self) {
    tls_kernel_take_back(self->bio.kernel);
    tls_kernel_alert(self->bio.kernel, SSL_AD_INTERNAL_ERROR);
    weir_tls_why why = {"TLS record: the peer asks for new keys, which the kernel that sends cannot take"};
    return fail_because(self, &why, WEIR_E_TLS);
}

/* All that was fed is in records that are opened. */
static bool is_through(weir_tls_engine *self) {
    if (SSL_pending(self->ssl) > 0) return false;
    self->opened = self->seen;
    return self->bio.fed == self->seen;
}

static weir_status open_records(weir_tls_engine *self, weir_buf *plain, size_t most) {
    for (size_t got; most > 0; most -= got) {
        int answer = SSL_read_ex(self->ssl, plain->wp, most, &got);
        bool refuses = self->owes_keys && tls_kernel_is_on(self->bio.kernel);
        if (answer != 1) return refuses ? refuse_keys(self) : tls_engine_judge(self, answer, "TLS record");
        weir_buf_commit(plain, got);
        self->stats.plain_read += got;
        if (refuses) return refuse_keys(self);
        if (is_through(self)) {
            self->dry = true;
            break;
        }
    }
    return WEIR_OK;
}

/* There was room for as much plaintext as there are bytes of records, which may be a byte in each: who keeps it is not made
 * to keep all the room. Takes: buf. Gives: a buf of the same bytes. */
static weir_buf *fit(weir_tls_engine *self, weir_buf *buf) {
    size_t n = weir_buf_readable(buf);
    if (weir_buf_writable(buf) <= ROOM_FREE + n * ROOM_MOST) return buf;
    weir_buf *less = tls_bio_get_buf(&self->bio, n);
    if (less == NULL) return buf;
    weir_buf_write_buf(less, buf, n);
    self->bio.copied += n;
    weir_buf_release(buf);
    return less;
}

weir_status weir_tls_engine_read(weir_tls_engine *engine, size_t most, weir_buf **plain) {
    *plain = NULL;
    WEIR_CHECK(engine->done, "a TLS engine was read before its handshake was done");
    if (engine->saw_end) return WEIR_OK;
    if (engine->failure != WEIR_OK) return engine->failure;
    if (engine->dry) return -EAGAIN;
    uint64_t there = (uint64_t)SSL_pending(engine->ssl) + engine->bio.fed - engine->opened;
    if (most > there) most = (size_t)there;
    weir_buf *buf = tls_bio_get_buf(&engine->bio, most);
    if (buf == NULL) return WEIR_E_NO_MEMORY;
    ERR_clear_error();
    weir_status status = open_records(engine, buf, most);
    if (!weir_buf_is_readable(buf)) {
        weir_buf_release(buf);
        return status;
    }
    *plain = fit(engine, buf);
    return WEIR_OK;
}

/* ---- ends ---- */

weir_status weir_tls_engine_end(weir_tls_engine *engine) {
    if (engine->sent_end || !engine->done || engine->failure != WEIR_OK) return WEIR_OK;
    engine->sent_end = true;
    ERR_clear_error();
    int answer = SSL_shutdown(engine->ssl);
    return answer >= 0 ? WEIR_OK : fail(engine, "TLS close_notify");
}

weir_status weir_tls_engine_ended(weir_tls_engine *engine) {
    return engine->saw_end ? (weir_status)WEIR_OK : (weir_status)WEIR_E_CUT_SHORT;
}

weir_buf *weir_tls_engine_take(weir_tls_engine *engine) {
    return tls_bio_take(&engine->bio);
}

void weir_tls_engine_set_now(weir_tls_engine *engine, uint64_t now_ms) {
    engine->now = now_ms;
}
