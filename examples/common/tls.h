/* common/tls.h - TLS for the examples: what the command line says of it, and the context that comes of it. */
#ifndef EXAMPLES_TLS_H
#define EXAMPLES_TLS_H

#include <weir/codec/tls_handler.h>

#include "common/args.h"

/* What every server with TLS takes; all zero is none. */
typedef struct args_tls {
    const char *cert, *key, *key_log;
    bool self_signed, without_kernel;
} args_tls;

#define ARGS_TLS(tls)                                                                                        \
    {"--tls-cert", "FILE", "speak TLS with this certificate and its chain (PEM)", .text = &(tls).cert},      \
        {"--tls-key", "FILE", "its private key; without it, the key is in --tls-cert", .text = &(tls).key},  \
        {"--tls-self-signed", NULL,                                                                          \
         "speak TLS with a certificate made now, to try it out; --tls-cert and --tls-key say where it is "   \
         "kept for clients",                                                                                 \
         .flag = &(tls).self_signed},                                                                        \
        {"--tls-no-kernel", NULL, "encrypt here, though the kernel could", .flag = &(tls).without_kernel}, { \
        "--tls-key-log", "FILE", "keys for Wireshark: who has them reads the traffic",                       \
            .text = &(tls).key_log                                                                           \
    }

/* The context of a server on `host` that speaks `protocol` (ALPN; NULL: none is told), in `*out`; NULL there when the
 * command line asks for none. Answers 0, or after complaining 1. Gives: a context. */
int tls_server_context(weir_tls_context **out, const args_tls *args, const char *host, const char *protocol);

/* Loads the identity from the files again for `context`, which keeps what it has when that fails; nothing to do when it
 * is NULL or its certificate was made here. Answers 0, or after complaining 1. */
int tls_server_reload(weir_tls_context *context, const args_tls *args);

/* In front of a pipeline; nothing when context is NULL. Borrows: both. */
weir_status tls_server_add(weir_pipeline *pipeline, weir_tls_context *context);

#endif
