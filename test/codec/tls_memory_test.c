/* OpenSSL out of memory: every allocation of loading, setting up and shaking hands fails once. Its allocator is the process's,
 * so this is a program of its own.
 *
 * A failure may go unnoticed (OpenSSL does without, or the handshake just fails): nothing may crash, hang or leak, and the
 * next try with memory must work.
 */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <weir/testing.h>

#include "tls/tls_why.h"
#include "tls_wire.h"

static struct {
    bool is_counting;
    long calls, fail_at, live;
} heap = {.fail_at = -1};

static bool is_refused(void) {
    if (!heap.is_counting) return false;
    return heap.calls++ == heap.fail_at;
}

static void *get(size_t size, const char *file, int line) {
    (void)file, (void)line;
    if (is_refused()) return NULL;
    void *block = malloc(size);
    heap.live += block != NULL;
    return block;
}

static void *resize(void *ptr, size_t size, const char *file, int line) {
    (void)file, (void)line;
    if (is_refused()) return NULL;
    void *block = realloc(ptr, size);
    heap.live += ptr == NULL && block != NULL;
    return block;
}

static void put(void *ptr, const char *file, int line) {
    (void)file, (void)line;
    heap.live -= ptr != NULL;
    free(ptr);
}

static void __attribute__((constructor)) take_heap(void) {
    CRYPTO_set_mem_functions(get, resize, put);
}

typedef struct scene {
    tls_cert_text server, client;
    weir_bytes ca;
    weir_tls_version max;
} scene;

static weir_status make(const scene *self, weir_tls_context **server, weir_tls_context **client) {
    weir_tls_identity *one = NULL, *other = NULL;
    weir_tls_why why;
    weir_tls_identity_options options = {
        .cert = self->server.cert, .key = self->server.key, .ocsp = self->server.ocsp};
    weir_status status = weir_tls_identity_load(&one, &options, &why);
    options = (weir_tls_identity_options){.cert = self->client.cert, .key = self->client.key};
    if (status == WEIR_OK) status = weir_tls_identity_load(&other, &options, &why);
    weir_tls_options both = {.identities = &one,
                             .identity_count = 1,
                             .ca = self->ca,
                             .max = self->max,
                             .client_cert = WEIR_TLS_CLIENT_CERT_REQUIRE,
                             .alpn = (const char *[]){"h2"},
                             .alpn_count = 1};
    if (status == WEIR_OK) status = weir_tls_context_server(server, &both, &why);
    both.identities = &other;
    both.require_ocsp = true;
    if (status == WEIR_OK) status = weir_tls_context_client(client, &both, &why);
    weir_tls_identity_release(one);
    weir_tls_identity_release(other);
    return status;
}

/* Twice, the second time resumed. */
static bool play(const scene *self) {
    weir_tls_context *server = NULL, *client = NULL;
    bool is_done = make(self, &server, &client) == WEIR_OK;
    for (int i = 0; i < 2 && is_done; i++) {
        tls_wire wire;
        is_done = tls_wire_open(&wire, client, server, NULL);
        tls_wire_close(&wire);
    }
    weir_tls_context_release(server);
    weir_tls_context_release(client);
    ERR_clear_error();
    return is_done;
}

static bool play_with(const scene *self, long fail_at) {
    heap.calls = 0;
    heap.fail_at = fail_at;
    heap.is_counting = true;
    bool is_done = play(self);
    heap.is_counting = false;
    return is_done;
}

enum {
    TRIES = 60 /* spread over the allocations of the whole scene, some thirty thousand */
};

static void sweep(tls_certs *certs, weir_tls_version max) {
    scene all = {.server = tls_certs_make(certs, &(tls_cert){.is_ocsp_good = true}),
                 .client = tls_certs_make(certs, &(tls_cert){.is_for_clients = true}),
                 .ca = tls_certs_ca(certs),
                 .max = max};
    expect(play_with(&all, -1)); /* what OpenSSL makes once and keeps */
    expect(play_with(&all, -1));
    long total = heap.calls, before = heap.live, step = total / TRIES + 1, failed = 0;
    expect(total > 1000);
    for (long n = step / 2; n < total; n += step) {
        weir_test_context("allocation %ld of %ld", n, total);
        failed += !play_with(&all, n);
    }
    expect(failed > 0);
    expect(play(&all));
    /* a failure now and then adds an entry to OpenSSL's caches; what is lost the address sanitizer knows */
    expect(heap.live - before < TRIES);
}

WEIR_TEST(tls_memory, openssl_may_run_out_of_it_at_any_moment_1_3) {
    tls_certs *certs = tls_certs_new();
    sweep(certs, WEIR_TLS_1_3);
    tls_certs_free(certs);
}

WEIR_TEST(tls_memory, openssl_may_run_out_of_it_at_any_moment_1_2) {
    tls_certs *certs = tls_certs_new();
    sweep(certs, WEIR_TLS_1_2);
    tls_certs_free(certs);
}
