/* xor_handler.h - a handler that must see every byte: it sends all bytes of bufs and regions xored with 0x5a.
 *
 * What a TLS or compressing handler does, as small as it can be: one queue keeps bufs and regions in order, a
 * region is read chunk by chunk while the channel is writable, its promise goes with its last chunk.
 */
#ifndef WEIR_TEST_XOR_HANDLER_H
#define WEIR_TEST_XOR_HANDLER_H

#include <weir/transport.h>

typedef struct xor_handler {
    weir_ctx *ctx;
    weir_list queue; /* of what was written, in order; its front may be being read */
    weir_region_reader reader;
    size_t chunk; /* 0: the default */
    bool pumping;
    uint64_t most_pending; /* in the channel behind us */
    int removed;
} xor_handler;

enum {
    XOR_KEY = 0x5a
};

/* A build function; arg is an xor_handler. */
weir_status build_with_xor(weir_pipeline *pipeline, void *arg);

#endif
