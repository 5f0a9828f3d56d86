/* tls_bio.h - private: OpenSSL's view of the wire, over bufs: what came and is not read, what is to be sent.
 *
 * Each way costs one copy, which is counted: OpenSSL keeps the memory its records lie in to itself.
 */
#ifndef WEIR_CODEC_TLS_BIO_H
#define WEIR_CODEC_TLS_BIO_H

#include <openssl/bio.h>

#include <weir/buffer/buf.h>
#include <weir/buffer/pool.h>

#include "tls/tls_kernel.h"

typedef struct tls_bio {
    weir_pool *pool;    /* NULL: the heap */
    weir_buf *in;       /* of the peer, not read yet; NULL: nothing */
    weir_buf *out;      /* to be sent: full bufs, when there is more than `last`; NULL: none */
    weir_buf *last;     /* being filled; NULL: nothing */
    tls_kernel *kernel; /* that may take the sending over; NULL: none */
    uint64_t share;     /* records of the peer that may still be begun */
    size_t expected;    /* so much is about to be written: a buf is made as large at once */
    uint64_t fed;       /* bytes of the peer, ever */
    uint64_t copied;    /* both ways */
    bool in_is_ours;    /* a composite made here */
    bool is_stalled;    /* there is more, for another share */
    bool out_of_room;   /* a write failed for want of memory */
} tls_bio;

/* Borrows: self, for the BIO's life. Gives: a BIO, or NULL when out of memory. */
BIO *tls_bio_new(tls_bio *self);

/* Lets go of what is held. */
void tls_bio_clear(tls_bio *self);

/* Takes: wire. Fails: WEIR_E_NO_MEMORY. */
weir_status tls_bio_feed(tls_bio *self, weir_buf *wire);

/* Gives: what is to be sent, or NULL when there is nothing. */
weir_buf *tls_bio_take(tls_bio *self);

/* What came and is not read is forgotten. */
void tls_bio_drop(tls_bio *self);

/* A buf with room for `n` bytes. Gives: it, or NULL when out of memory. */
weir_buf *tls_bio_get_buf(const tls_bio *self, size_t n);

#endif
