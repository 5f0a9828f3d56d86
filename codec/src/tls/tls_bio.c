/* tls_bio.c - see tls_bio.h. */
#include "tls/tls_bio.h"

#include <openssl/crypto.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>

/* Records share a buf up to this. */
#define OUT_MOST (64 * 1024)

weir_buf *tls_bio_get_buf(const tls_bio *self, size_t n) {
    return self->pool != NULL ? weir_pool_get(self->pool, n) : weir_buf_new(n);
}

/* ---- reading ---- */

weir_status tls_bio_feed(tls_bio *self, weir_buf *wire) {
    size_t n = weir_buf_readable(wire);
    if (self->in == NULL) {
        self->in = wire;
        self->in_is_ours = false;
    } else if (self->in_is_ours) {
        if (weir_buf_composite_append(self->in, wire) != WEIR_OK) return WEIR_E_NO_MEMORY;
    } else {
        weir_buf *both = weir_buf_composite_new();
        if (both == NULL) {
            weir_buf_release(wire);
            return WEIR_E_NO_MEMORY;
        }
        weir_buf_composite_append(both, self->in);
        weir_buf_composite_append(both, wire);
        self->in = both;
        self->in_is_ours = true;
        if (weir_buf_status(both) != WEIR_OK) return WEIR_E_NO_MEMORY;
    }
    self->fed += n;
    return WEIR_OK;
}

void tls_bio_drop(tls_bio *self) {
    weir_buf_release(self->in);
    self->in = NULL;
}

static int read_some(BIO *bio, char *dst, size_t n, size_t *got) {
    tls_bio *self = BIO_get_data(bio);
    size_t there = self->in != NULL ? weir_buf_readable(self->in) : 0;
    BIO_clear_retry_flags(bio);
    *got = 0;
    if (there == 0 || self->share == 0) {
        self->is_stalled = there != 0;
        BIO_set_retry_read(bio);
        return 0;
    }
    *got = there < n ? there : n;
    weir_buf_read_bytes(self->in, dst, *got);
    self->copied += *got;
    if (there == *got) {
        weir_buf_release(self->in);
        self->in = NULL;
    } else if (self->in_is_ours) {
        weir_buf_composite_drop_read(self->in);
    }
    return 1;
}

/* ---- writing ---- */

/* `last` is full: behind those before it. */
static bool put_aside(tls_bio *self) {
    if (self->out == NULL) self->out = weir_buf_composite_new();
    if (self->out == NULL) return false;
    weir_buf *full = self->last;
    self->last = NULL;
    return weir_buf_composite_append(self->out, full) == WEIR_OK;
}

/* Records stay whole: one that does not fit begins a buf. */
static bool make_room(tls_bio *self, size_t n) {
    if (self->last != NULL && weir_buf_writable(self->last) >= n) return true;
    if (self->last != NULL && !put_aside(self)) return false;
    size_t want = self->expected < OUT_MOST ? self->expected : OUT_MOST;
    self->last = tls_bio_get_buf(self, want > n ? want : n);
    return self->last != NULL;
}

static int write_some(BIO *bio, const char *src, size_t n, size_t *put) {
    tls_bio *self = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *put = 0;
    if (tls_kernel_is_on(self->kernel)) {
        self->out_of_room = !tls_kernel_say(self->kernel, src, n);
        if (self->out_of_room) return 0;
        self->copied += n;
        *put = n;
        return 1;
    }
    if (!make_room(self, n)) {
        self->out_of_room = true;
        return 0;
    }
    weir_buf_write_bytes(self->last, src, n);
    self->expected -= n < self->expected ? n : self->expected;
    self->copied += n;
    *put = n;
    return 1;
}

weir_buf *tls_bio_take(tls_bio *self) {
    weir_buf *all = self->out;
    if (all == NULL) {
        all = self->last;
    } else if (self->last != NULL) {
        weir_buf_composite_append(all, self->last); /* a failure sticks, and fails the write of it */
    }
    self->out = self->last = NULL;
    return all;
}

void tls_bio_clear(tls_bio *self) {
    tls_bio_drop(self);
    weir_buf_release(self->out);
    weir_buf_release(self->last);
    self->out = self->last = NULL;
}

/* ---- as a BIO ---- */

/* OpenSSL names these for itself; <openssl/bio.h> keeps their numbers free since 3.0. */
#define SET_KTLS 72
#define SET_KTLS_TX_SEND_CTRL_MSG 74

static long control(BIO *bio, int command, long number, void *pointer) {
    tls_kernel *kernel = ((tls_bio *)BIO_get_data(bio))->kernel;
    if (command == BIO_CTRL_FLUSH) return 1;
    if (kernel == NULL) return 0;
    if (command == BIO_CTRL_GET_KTLS_SEND) return kernel->is_on;
    if (command == SET_KTLS) return number != 0 && tls_kernel_begin(kernel, pointer);
    if (command == SET_KTLS_TX_SEND_CTRL_MSG) kernel->record_type = (uint8_t)number;
    return 0;
}

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static BIO_METHOD *method;

/* Kept until the process ends. */
static void make_method(void) {
    BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir bufs");
    if (made == NULL) return;
    BIO_meth_set_read_ex(made, read_some);
    BIO_meth_set_write_ex(made, write_some);
    BIO_meth_set_ctrl(made, control);
    method = made;
}

BIO *tls_bio_new(tls_bio *self) {
    if (CRYPTO_THREAD_run_once(&once, make_method) != 1 || method == NULL) return NULL;
    BIO *bio = BIO_new(method);
    if (bio == NULL) return NULL;
    BIO_set_data(bio, self);
    BIO_set_init(bio, 1);
    return bio;
}
