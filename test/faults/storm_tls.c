/* storm_tls.c - see storm_tls.h. */
#include "storm_tls.h"

#include <weir/testing.h>

#include "codec/tls_certs.h"

enum {
    VERSIONS = 2
};

static const char *const protocols[STORM_PROTOCOLS] = {"echo", "file", "http/1.1"};
static tls_certs *certs;
static weir_tls_context *server, *clients[STORM_PROTOCOLS][VERSIONS];

static weir_tls_context *open_client(const char *const *protocol, weir_tls_version version) {
    weir_tls_context *made = NULL;
    weir_tls_options options = {.ca = tls_certs_ca(certs), .alpn = protocol, .alpn_count = 1, .max = version};
    require(weir_tls_context_client(&made, &options, NULL) == WEIR_OK);
    return made;
}

void storm_tls_open(void) {
    certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(certs, NULL);
    weir_tls_options options = {
        .identities = &identity, .identity_count = 1, .alpn = protocols, .alpn_count = STORM_PROTOCOLS};
    require(weir_tls_context_server(&server, &options, NULL) == WEIR_OK);
    weir_tls_identity_release(identity);
    for (int i = 0; i < STORM_PROTOCOLS; i++) {
        clients[i][0] = open_client(&protocols[i], WEIR_TLS_1_2);
        clients[i][1] = open_client(&protocols[i], WEIR_TLS_1_3);
    }
}

void storm_tls_close(void) {
    weir_tls_context_stats stats;
    weir_tls_context_get_stats(server, &stats);
    expect(stats.handshakes > stats.resumed);
    expect(stats.resumed > 0);
    for (int i = 0; i < STORM_PROTOCOLS * VERSIONS; i++)
        weir_tls_context_release(clients[i / VERSIONS][i % VERSIONS]);
    weir_tls_context_release(server);
    tls_certs_free(certs);
}

static weir_tls_handler_options vary(storm *world) {
    static const uint64_t records[] = {0, 3, 20};
    static const size_t chunks[] = {0, 3000, 20000};
    return (weir_tls_handler_options){.engine.rekey_records = records[storm_below(world, 3)],
                                      .chunk = chunks[storm_below(world, 3)]};
}

weir_status storm_tls_add_server(weir_pipeline *pipeline, storm *world) {
    weir_tls_handler_options options = vary(world);
    weir_status status = storm_account(pipeline, world);
    if (status == WEIR_OK) status = weir_tls_handler_add(pipeline, server, &options);
    return status == WEIR_OK ? storm_account_behind(pipeline) : status;
}

weir_status storm_tls_add_client(weir_pipeline *pipeline, storm *world, storm_protocol protocol) {
    weir_tls_handler_options options = vary(world);
    options.engine.peer_name = "localhost";
    return weir_tls_handler_add(pipeline, clients[protocol][storm_below(world, VERSIONS)], &options);
}
