/* storm_tls.h - TLS around a storm's connections: a server that others are behind, and clients of both versions.
 *
 * Sessions are resumed where they can be; records, chunks and the lives of keys are short ones as often as usual; every
 * other connection of the server wants a client's certificate, which the clients have.
 */
#ifndef WEIR_TEST_STORM_TLS_H
#define WEIR_TEST_STORM_TLS_H

#include <weir/codec/tls_handler.h>

#include "storm.h"

void storm_tls_open(void);

/* There must have been full handshakes and resumed ones, with certificates of clients and without. */
void storm_tls_close(void);

/* An account, TLS, and what it finds on the same account. */
weir_status storm_tls_add_server(weir_pipeline *pipeline, storm *world);

/* TLS in front of an account that is there already, on a channel that is active. */
weir_status storm_tls_start_server(weir_pipeline *pipeline, storm *world);

/* TLS that asks for the protocol by ALPN: "echo", "file", "http/1.1". */
typedef enum storm_protocol {
    STORM_ECHO,
    STORM_FILE,
    STORM_HTTP,
    STORM_PROTOCOLS
} storm_protocol;
weir_status storm_tls_add_client(weir_pipeline *pipeline, storm *world, storm_protocol protocol);

/* The same in front of who speaks "echo" in plaintext already. */
weir_status storm_tls_start_client(weir_pipeline *pipeline, storm *world);

#endif
