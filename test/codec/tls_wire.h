/* tls_wire.h - a client and a server of OpenSSL in one thread, bytes carried over in memory: what a context decides is
 * seen without an engine and without a socket.
 *
 * Layer: test (codec). One thread.
 */
#ifndef TEST_CODEC_TLS_WIRE_H
#define TEST_CODEC_TLS_WIRE_H

#include <openssl/ssl.h>

#include "tls/tls_context_state.h"
#include "tls_certs.h"

typedef struct tls_wire {
    SSL *client, *server;
    weir_status client_status, server_status; /* of the handshake */
    weir_tls_why client_why, server_why;
} tls_wire;

/* Opens both ends and lets them shake hands until both are done or one has failed, then hands over what is left
 * (tickets). True when both are done. `peer_name` NULL: localhost. Borrows: both contexts. */
bool tls_wire_open(tls_wire *self, weir_tls_context *client, weir_tls_context *server, const char *peer_name);

/* The same with a client set up by the test: a connection from tls_context_open. Takes: client. */
bool tls_wire_open_with(tls_wire *self, SSL *client, weir_tls_context *server);

/* One byte in each direction: true when it came over. */
bool tls_wire_talks(tls_wire *self);

/* In the middle of nothing: neither end says goodbye. */
void tls_wire_close(tls_wire *self);

/* A client and a server context, and a connection. */
typedef struct tls_ends {
    tls_certs *certs;
    weir_tls_context *client, *server;
    tls_wire wire;
} tls_ends;

/* Options may be NULL. A server without an identity gets the usual one, a client that is told of no CA trusts that of
 * `certs`. Takes: certs. What goes wrong ends the test. */
tls_ends tls_ends_open(tls_certs *certs, const weir_tls_options *client, const weir_tls_options *server);
void tls_ends_close(tls_ends *self);

/* tls_wire_open of these; the connection before is closed. */
bool tls_ends_connect(tls_ends *self, const char *peer_name);

/* The common name of the certificate the server showed; "" when none. Until: close. */
const char *tls_wire_server_cert(const tls_wire *self, char out[64]);

#endif
