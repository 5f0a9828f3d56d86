/* client.c - checks what was asked and hands it to the wire that can connect. */
#include <weir/core/log.h>

#include "bootstrap/net.h"
#include "loop/promise_internal.h"

#define DEFAULT_CONNECT_TIMEOUT_MS 30000

/* Or needs none. */
static bool has_port(const weir_client_options *options) {
    weir_addr addr;
    if (options->port != 0) return options->port <= UINT16_MAX;
    return weir_addr_parse(&addr, options->host, 0) == WEIR_OK && addr.as.sa.sa_family == AF_UNIX;
}

weir_channel *weir_client_connect(const weir_client_options *options, weir_promise *promise) {
    weir_channel_options resolved;
    weir_client_options checked = *options;
    weir_status status = channel_options_resolve(&options->channel, &resolved);
    if (options->host == NULL || !has_port(options)) status = WEIR_E_INVALID;
    if (options->loop == NULL || status != WEIR_OK) {
        weir_log(WEIR_LOG_ERROR, "client",
                 "a loop, a host and a port from 1 to 65535 (or a unix name) are needed to connect");
        promise_complete_anywhere(promise, status != WEIR_OK ? status : (weir_status)WEIR_E_INVALID);
        return NULL;
    }
    if (checked.connect_timeout_ms == 0) checked.connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS;
    return net_connect(&checked, &resolved, promise);
}
