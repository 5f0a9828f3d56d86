/* Contexts shared by threads that shake hands, while another changes identities and ticket keys. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <weir/testing.h>

#include "tls_wire.h"

enum {
    THREADS = 2,
    HANDSHAKES = 40
};

typedef struct shared {
    weir_tls_context *client, *server;
    atomic_int running;
} shared;

static void *shake_hands(void *arg) {
    shared *self = arg;
    for (int i = 0; i < HANDSHAKES; i++) {
        tls_wire wire;
        expect(tls_wire_open(&wire, self->client, self->server, i % 3 == 0 ? "127.0.0.1" : "localhost"));
        expect(tls_wire_talks(&wire));
        tls_wire_close(&wire);
    }
    atomic_fetch_sub(&self->running, 1);
    return NULL;
}

static void change_all(shared *self, weir_tls_identity *const *identities) {
    unsigned char keys[2 * 80];
    weir_tls_context_stats stats;
    for (unsigned i = 0; atomic_load(&self->running) > 0; i++) {
        memset(keys, (int)(i / 8 + 1), 80);
        memset(keys + 80, (int)(i / 8), 80);
        expect_status(weir_tls_context_set_identities(self->server, identities + i % 2, 1), WEIR_OK);
        expect_status(weir_tls_context_set_ticket_keys(self->server, weir_bytes_of(keys, sizeof keys)),
                      WEIR_OK);
        weir_tls_context_get_stats(self->client, &stats);
        sched_yield();
    }
}

static void run(const weir_tls_options *client, const weir_tls_options *server) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identities[] = {
        tls_certs_identity(certs, &(tls_cert){.is_ocsp_good = true}),
        tls_certs_identity(certs, &(tls_cert){.is_ocsp_good = true, .rsa_bits = 2048}),
    };
    tls_ends ends = tls_ends_open(certs, client, server);
    weir_tls_context_set_identities(ends.server, identities, 2);
    shared all = {.client = ends.client, .server = ends.server, .running = THREADS};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) require(pthread_create(&threads[i], NULL, shake_hands, &all) == 0);
    change_all(&all, identities);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    weir_tls_identity_release(identities[0]);
    weir_tls_identity_release(identities[1]);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_threads, handshakes_go_on_while_identities_and_ticket_keys_change) {
    run(&(weir_tls_options){.require_ocsp = true, .sessions_max = 3}, NULL);
}

WEIR_TEST(tls_threads, the_same_with_1_2) {
    run(&(weir_tls_options){.require_ocsp = true, .sessions_max = 3, .max = WEIR_TLS_1_2}, NULL);
}
