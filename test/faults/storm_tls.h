/* storm_tls.h - TLS around a storm's connections: a server that others are behind, and clients of both versions.
 *
 * Sessions are resumed where they can be; records, chunks and the lives of keys are short ones as often as usual.
 */
#ifndef WEIR_TEST_STORM_TLS_H
#define WEIR_TEST_STORM_TLS_H

#include <weir/codec/tls_handler.h>

#include "storm.h"

void storm_tls_open(void);

/* There must have been full handshakes and resumed ones. */
void storm_tls_close(void);

/* An account, TLS, and what it finds on the same account. */
weir_status storm_tls_add_server(weir_pipeline *pipeline, storm *world);

/* TLS that asks for the protocol by ALPN: "echo", "file", "http/1.1". */
typedef enum storm_protocol {
    STORM_ECHO,
    STORM_FILE,
    STORM_HTTP,
    STORM_PROTOCOLS
} storm_protocol;
weir_status storm_tls_add_client(weir_pipeline *pipeline, storm *world, storm_protocol protocol);

#endif
