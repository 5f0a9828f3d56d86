/* storm_tls.c - see storm_tls.h. */
#include "storm_tls.h"

#include <weir/testing.h>

#include "codec/tls_certs.h"

enum {
    VERSIONS = 2,
    SERVERS = 2 /* the second wants a client's certificate */
};

static const char *const protocols[STORM_PROTOCOLS] = {"echo", "file", "http/1.1"};
static tls_certs *certs;
static weir_tls_context *servers[SERVERS], *clients[STORM_PROTOCOLS][VERSIONS];

static void open_servers(void) {
    weir_tls_identity *identity = tls_certs_identity(certs, NULL);
    for (int i = 0; i < SERVERS; i++) {
        weir_tls_options options = {.identities = &identity,
                                    .identity_count = 1,
                                    .alpn = protocols,
                                    .alpn_count = STORM_PROTOCOLS,
                                    .ca = i == 1 ? tls_certs_ca(certs) : (weir_bytes){0},
                                    .client_cert =
                                        i == 1 ? WEIR_TLS_CLIENT_CERT_REQUIRE : WEIR_TLS_CLIENT_CERT_NONE};
        require(weir_tls_context_server(&servers[i], &options, NULL) == WEIR_OK);
    }
    weir_tls_identity_release(identity);
}

static weir_tls_context *open_client(weir_tls_identity *const *who, const char *const *protocol,
                                     weir_tls_version version) {
    weir_tls_context *made = NULL;
    weir_tls_options options = {.identities = who,
                                .identity_count = 1,
                                .ca = tls_certs_ca(certs),
                                .alpn = protocol,
                                .alpn_count = 1,
                                .max = version};
    require(weir_tls_context_client(&made, &options, NULL) == WEIR_OK);
    return made;
}

void storm_tls_open(void) {
    certs = tls_certs_new();
    open_servers();
    weir_tls_identity *who = tls_certs_identity(certs, &(tls_cert){.is_for_clients = true});
    for (int i = 0; i < STORM_PROTOCOLS; i++) {
        clients[i][0] = open_client(&who, &protocols[i], WEIR_TLS_1_2);
        clients[i][1] = open_client(&who, &protocols[i], WEIR_TLS_1_3);
    }
    weir_tls_identity_release(who);
}

void storm_tls_close(void) {
    weir_tls_context_stats stats;
    for (int i = 0; i < SERVERS; i++) {
        weir_tls_context_get_stats(servers[i], &stats);
        expect(stats.handshakes > stats.resumed);
        expect(stats.resumed > 0);
        weir_tls_context_release(servers[i]);
    }
    for (int i = 0; i < STORM_PROTOCOLS * VERSIONS; i++)
        weir_tls_context_release(clients[i / VERSIONS][i % VERSIONS]);
    tls_certs_free(certs);
}

static weir_tls_handler_options vary(storm *world) {
    static const uint64_t records[] = {0, 3, 20};
    static const size_t chunks[] = {0, 3000, 20000};
    return (weir_tls_handler_options){.engine.rekey_records = records[storm_below(world, 3)],
                                      .chunk = chunks[storm_below(world, 3)]};
}

static weir_status add_server(weir_pipeline *pipeline, storm *world, bool starttls) {
    weir_tls_handler_options options = vary(world);
    options.starttls = starttls;
    return weir_tls_handler_add(pipeline, servers[storm_below(world, SERVERS)], &options);
}

weir_status storm_tls_add_server(weir_pipeline *pipeline, storm *world) {
    weir_status status = storm_account(pipeline, world);
    if (status == WEIR_OK) status = add_server(pipeline, world, false);
    return status == WEIR_OK ? storm_account_behind(pipeline) : status;
}

weir_status storm_tls_start_server(weir_pipeline *pipeline, storm *world) {
    return add_server(pipeline, world, true);
}

static weir_status add_client(weir_pipeline *pipeline, storm *world, storm_protocol protocol, bool starttls) {
    weir_tls_handler_options options = vary(world);
    options.engine.peer_name = "localhost";
    options.starttls = starttls;
    return weir_tls_handler_add(pipeline, clients[protocol][storm_below(world, VERSIONS)], &options);
}

weir_status storm_tls_add_client(weir_pipeline *pipeline, storm *world, storm_protocol protocol) {
    return add_client(pipeline, world, protocol, false);
}

weir_status storm_tls_start_client(weir_pipeline *pipeline, storm *world) {
    return add_client(pipeline, world, STORM_ECHO, true);
}
