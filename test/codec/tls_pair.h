/* tls_pair.h - a client's and a server's engine, and the bytes between them in the test's hands.
 *
 * Layer: test (codec). One thread.
 */
#ifndef TEST_CODEC_TLS_PAIR_H
#define TEST_CODEC_TLS_PAIR_H

#include <weir/buffer.h>
#include <weir/codec/tls_engine.h>

#include "codec/tls_certs.h"

#define FOR_BOTH_VERSIONS(version)                                                                           \
    for (weir_tls_version version = WEIR_TLS_1_2; version <= WEIR_TLS_1_3; version++)

typedef struct tls_pair {
    tls_certs *certs;
    weir_tls_context *client_context, *server_context;
    weir_tls_engine *client, *server;
    weir_status client_status, server_status; /* of the handshake */
    size_t step;                              /* bytes in a piece on the way; 0: as they come */
    size_t records;                           /* bufs taken */
} tls_pair;

/* The contexts; what is zero in the options is as usual: the server is localhost, the client trusts its authority. */
void tls_pair_begin(tls_pair *self, const weir_tls_options *client, const weir_tls_options *server);
/* The same with engines, and both speak this version only. */
void tls_pair_begin_version(tls_pair *self, weir_tls_version version);
/* Fresh engines; options may be NULL, the peer's name is localhost unless it is set. */
void tls_pair_open(tls_pair *self, const weir_tls_engine_options *client,
                   const weir_tls_engine_options *server);
void tls_pair_close(tls_pair *self);
void tls_pair_end(tls_pair *self);

/* What `from` wants sent reaches `to`; how many bytes that was. */
size_t tls_pair_carry(tls_pair *self, weir_tls_engine *from, weir_tls_engine *to);

/* Until both are done or one has failed; true when both are done. */
bool tls_pair_shake_hands(tls_pair *self);

/* All that can be read, in one buf; `*status` is what the last read answered: -EAGAIN, WEIR_OK for the end. */
weir_buf *tls_pair_read(weir_tls_engine *engine, weir_status *status);

/* `n` bytes of a pattern written at `from` are read at `to`. */
bool tls_pair_talks(tls_pair *self, weir_tls_engine *from, weir_tls_engine *to, size_t n);

weir_buf *tls_pair_pattern(size_t n);
bool tls_pair_is_pattern(weir_buf *buf, size_t n);

#endif
