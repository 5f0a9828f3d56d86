/* client.c - checks what was asked and hands it to the wire that can connect. */
#include <string.h>

#include <weir/core/log.h>

#include "bootstrap/net.h"
#include "local/local_names.h"
#include "loop/promise_internal.h"
#include "resolver/resolution.h"

#define LEAST_ATTEMPT_DELAY_MS 10 /* RFC 8305, section 8 */
#define DEFAULT_TO(field, value)                                                                             \
    if (out->field == 0) out->field = (value)

/* Or needs none. */
static bool has_port(const weir_client_options *options) {
    weir_addr addr;
    if (local_name_of(options->host) != NULL) return true;
    if (options->port != 0) return options->port <= UINT16_MAX;
    return weir_addr_parse(&addr, options->host, 0) == WEIR_OK && addr.as.sa.sa_family == AF_UNIX;
}

static bool makes_sense(const weir_client_options *options) {
    const char *host = options->host;
    if (options->loop == NULL || host == NULL || host[0] == '\0' || strlen(host) > LONGEST_HOST) return false;
    return has_port(options) && options->local_port <= UINT16_MAX;
}

static weir_status resolve_options(const weir_client_options *options, weir_client_options *out) {
    *out = *options;
    if (!makes_sense(options)) {
        weir_log(WEIR_LOG_ERROR, "client",
                 "a loop, a host and a port from 1 to 65535 (or a unix or local name) are needed to connect");
        return WEIR_E_INVALID;
    }
    DEFAULT_TO(connect_timeout_ms, 30000);
    DEFAULT_TO(attempt_delay_ms, 250);
    DEFAULT_TO(max_addresses, 16);
    if (out->attempt_delay_ms < LEAST_ATTEMPT_DELAY_MS) out->attempt_delay_ms = LEAST_ATTEMPT_DELAY_MS;
    return WEIR_OK;
}

weir_channel *weir_client_connect(const weir_client_options *options, weir_promise *promise) {
    weir_channel_options channel;
    weir_client_options resolved;
    weir_status status = resolve_options(options, &resolved);
    if (status == WEIR_OK) status = channel_options_resolve(&options->channel, &channel);
    if (status == WEIR_OK) {
        bool is_local = local_name_of(resolved.host) != NULL;
        return (is_local ? local_connect : net_connect)(&resolved, &channel, promise);
    }
    promise_complete_anywhere(promise, status);
    return NULL;
}
