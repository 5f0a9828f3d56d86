/* tls_pair.c - see tls_pair.h. */
#include "codec/tls_pair.h"

#include <errno.h>
#include <string.h>

#include <weir/testing.h>

static weir_tls_context *make_server(tls_pair *self, weir_tls_options options) {
    weir_tls_context *context = NULL;
    weir_tls_why why = {""};
    weir_tls_identity *identity = NULL;
    weir_tls_identity *const *given = options.identities;
    if (given == NULL) {
        identity = tls_certs_identity(self->certs, NULL);
        options.identities = &identity;
        options.identity_count = 1;
    }
    weir_status status = weir_tls_context_server(&context, &options, &why);
    weir_tls_identity_release(identity);
    expect_str(why.text, "");
    require(status == WEIR_OK);
    return context;
}

static weir_tls_context *make_client(tls_pair *self, weir_tls_options options) {
    weir_tls_context *context = NULL;
    weir_tls_why why = {""};
    if (options.ca.len == 0) options.ca = tls_certs_ca(self->certs);
    weir_status status = weir_tls_context_client(&context, &options, &why);
    expect_str(why.text, "");
    require(status == WEIR_OK);
    return context;
}

void tls_pair_begin(tls_pair *self, const weir_tls_options *client, const weir_tls_options *server) {
    static const weir_tls_options usual;
    memset(self, 0, sizeof *self);
    self->certs = tls_certs_new();
    self->server_context = make_server(self, server != NULL ? *server : usual);
    self->client_context = make_client(self, client != NULL ? *client : usual);
}

void tls_pair_open(tls_pair *self, const weir_tls_engine_options *client,
                   const weir_tls_engine_options *server) {
    weir_tls_engine_options options = {0};
    if (client != NULL) options = *client;
    if (options.peer_name == NULL) options.peer_name = "localhost";
    require(weir_tls_engine_new(&self->client, self->client_context, &options, NULL) == WEIR_OK);
    require(weir_tls_engine_new(&self->server, self->server_context, server, NULL) == WEIR_OK);
    self->client_status = self->server_status = -EAGAIN;
}

void tls_pair_begin_version(tls_pair *self, weir_tls_version version) {
    weir_tls_options only = {.min = version, .max = version};
    weir_test_context("TLS 1.%d", version == WEIR_TLS_1_2 ? 2 : 3);
    tls_pair_begin(self, &only, &only);
    tls_pair_open(self, NULL, NULL);
}

void tls_pair_close(tls_pair *self) {
    weir_tls_engine_free(self->client);
    weir_tls_engine_free(self->server);
    self->client = self->server = NULL;
}

void tls_pair_end(tls_pair *self) {
    tls_pair_close(self);
    weir_tls_context_release(self->client_context);
    weir_tls_context_release(self->server_context);
    tls_certs_free(self->certs);
}

size_t tls_pair_carry(tls_pair *self, weir_tls_engine *from, weir_tls_engine *to) {
    size_t total = 0;
    for (weir_buf *records = weir_tls_engine_take(from); records != NULL;
         records = weir_tls_engine_take(from)) {
        size_t n = weir_buf_readable(records);
        self->records++;
        total += n;
        for (size_t step; self->step != 0 && n > self->step; n -= step) {
            step = self->step;
            weir_buf *piece = weir_buf_read_slice(records, step);
            require(piece != NULL);
            expect_status(weir_tls_engine_feed(to, piece), WEIR_OK);
            weir_tls_engine_handshake(to);
        }
        expect_status(weir_tls_engine_feed(to, records), WEIR_OK);
    }
    return total;
}

static bool is_over(weir_status status) {
    return status != -EAGAIN;
}

bool tls_pair_shake_hands(tls_pair *self) {
    for (int i = 0; i < 100; i++) {
        self->client_status = weir_tls_engine_handshake(self->client);
        size_t moved = tls_pair_carry(self, self->client, self->server);
        self->server_status = weir_tls_engine_handshake(self->server);
        moved += tls_pair_carry(self, self->server, self->client);
        if (moved == 0 && is_over(self->client_status) && is_over(self->server_status)) break;
    }
    return self->client_status == WEIR_OK && self->server_status == WEIR_OK;
}

weir_buf *tls_pair_read(weir_tls_engine *engine, weir_status *status) {
    weir_buf *all = weir_buf_composite_new(), *plain;
    require(all != NULL);
    while ((*status = weir_tls_engine_read(engine, 64 * 1024, &plain)) == WEIR_OK && plain != NULL) {
        expect(weir_buf_readable(plain) > 0 && weir_buf_readable(plain) <= 64 * 1024);
        expect_status(weir_buf_composite_append(all, plain), WEIR_OK);
    }
    expect(plain == NULL);
    return all;
}

weir_buf *tls_pair_pattern(size_t n) {
    weir_buf *buf = weir_buf_new(n);
    require(buf != NULL);
    for (size_t i = 0; i < n; i++) weir_buf_write_u8(buf, (uint8_t)(i * 7 + i / 251));
    return buf;
}

bool tls_pair_is_pattern(weir_buf *buf, size_t n) {
    bool is_same = weir_buf_readable(buf) == n;
    for (size_t i = 0; is_same && i < n; i++) {
        uint8_t byte = 0;
        is_same = weir_buf_read_u8(buf, &byte) && byte == (uint8_t)(i * 7 + i / 251);
    }
    return is_same;
}

bool tls_pair_talks(tls_pair *self, weir_tls_engine *from, weir_tls_engine *to, size_t n) {
    weir_status status;
    expect_status(weir_tls_engine_write(from, tls_pair_pattern(n)), WEIR_OK);
    tls_pair_carry(self, from, to);
    weir_buf *got = tls_pair_read(to, &status);
    bool is_same = status == -EAGAIN && tls_pair_is_pattern(got, n);
    weir_buf_release(got);
    return is_same;
}
