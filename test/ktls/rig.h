/* rig.h - a channel with TLS on a real socket, whose sending the kernel takes over, and OpenSSL in the test's thread as
 * its peer.
 *
 *     test thread: SSL on the far socket  <--TCP-->  loop: [ tls ][ watcher ]
 *
 * Layer: test (ktls). All waiting is bounded.
 */
#ifndef TEST_KTLS_RIG_H
#define TEST_KTLS_RIG_H

#include <openssl/ssl.h>
#include <weir/codec/tls_handler.h>
#include <weir/testing.h>

#include "codec/tls_certs.h"
#include "fake_kernel.h"
#include "transport/wires.h"

typedef struct tls_rig {
    wire_kind kind; /* WIRE_CONNECTED: ours is the client */
    weir_tls_version version;
    const char *cipher;           /* of the peer; NULL: what it likes */
    const weir_handler *in_front; /* of TLS, with `in_front_state`; NULL: none */
    weir_status (*build_front)(weir_pipeline *pipeline);
    bool without_kernel; /* the option */
    bool writes_early;   /* "early", before the handshake */
    bool keeps_plain;    /* TLS is added later, by rig_start_tls */
    weir_channel_options channel_options;
    weir_tls_handler_options options;

    tls_certs *certs;
    weir_tls_context *context;
    wire_end wire;
    SSL_CTX *peer_context;
    SSL *peer;

    /* What the watcher saw; to be asked for on the loop. */
    char read[64];
    size_t read_count;
    weir_status error;
    char what[200];
    unsigned writable_changes;
    bool is_ready, has_ended, is_gone;

    /* Of the last rig_look. */
    weir_tls_stats tls;
    weir_channel_stats channel;
    bool has_tls;
} tls_rig;

/* The contexts and the connection; then the handshake, unless TLS comes later. Zeroed but for what the test sets. */
void rig_open(tls_rig *self);
void rig_shake_hands(tls_rig *self);
/* TLS in front of what is there. */
void rig_start_tls(tls_rig *self);
void rig_close(tls_rig *self);

/* Reads the counters of the channel and of TLS. */
void rig_look(tls_rig *self);
uint64_t rig_kernel_connections(const tls_rig *self);

/* Ours writes. */
void rig_write(tls_rig *self, void *msg, weir_promise *promise);
void rig_say(tls_rig *self, const char *text);
weir_promise *rig_promise(tls_rig *self);

/* Ours has read this, has seen an error or its end, is gone. */
bool rig_hears(tls_rig *self, const char *text);
bool rig_sees_error(tls_rig *self);
bool rig_sees_end(tls_rig *self);

/* The peer. */
void peer_say(tls_rig *self, const char *text);
bool peer_hears(tls_rig *self, const char *text);
/* The next `n` bytes are those of the file of rig_file. */
bool peer_gets_file(tls_rig *self, size_t n);
/* How its stream ended: SSL_ERROR_ZERO_RETURN, SSL_ERROR_SSL, SSL_ERROR_SYSCALL. */
int peer_end(tls_rig *self);

/* A region of a file that is gone when it is; `length` may be more than the file has. */
weir_region *rig_file(size_t n, size_t length);

#endif
