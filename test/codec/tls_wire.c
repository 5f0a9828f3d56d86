/* tls_wire.c - see the header. */
#include "tls_wire.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <weir/testing.h>

#include "tls/tls_context_inside.h"
#include "tls/tls_why.h"

enum {
    ROUNDS_MOST = 50
};

/* One step; true when done. */
static bool step(SSL *ssl, weir_status *status, weir_tls_why *why) {
    if (*status != -EAGAIN) return *status == WEIR_OK;
    ERR_clear_error();
    int result = SSL_do_handshake(ssl);
    if (result == 1) {
        *status = WEIR_OK;
    } else if (SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ) {
        *status = tls_why_from_ssl(why, ssl, "handshake");
    }
    return *status == WEIR_OK;
}

/* A read without data lets OpenSSL take what comes behind a handshake: tickets, or the refusal of TLS 1.3. */
static void read_rest(SSL *ssl, weir_status *status, weir_tls_why *why) {
    char byte;
    ERR_clear_error();
    int result = SSL_peek(ssl, &byte, 1);
    if (result <= 0 && SSL_get_error(ssl, result) == SSL_ERROR_SSL)
        *status = tls_why_from_ssl(why, ssl, "handshake");
}

bool tls_wire_open_with(tls_wire *self, SSL *client, weir_tls_context *server) {
    *self = (tls_wire){.client = client, .client_status = -EAGAIN, .server_status = -EAGAIN};
    self->server = tls_context_open(server, NULL);
    BIO *one = NULL, *other = NULL;
    bool is_open =
        client != NULL && self->server != NULL && BIO_new_bio_pair(&one, 1 << 17, &other, 1 << 17) == 1;
    if (!is_open) return false;
    SSL_set_bio(client, one, one);
    SSL_set_bio(self->server, other, other);
    bool is_done = false;
    for (int i = 0; i < ROUNDS_MOST && !is_done; i++) {
        bool client_done = step(client, &self->client_status, &self->client_why);
        bool server_done = step(self->server, &self->server_status, &self->server_why);
        is_done = client_done && server_done;
        bool has_failed = self->client_status != WEIR_OK && self->client_status != -EAGAIN &&
                          self->server_status != WEIR_OK && self->server_status != -EAGAIN;
        if (has_failed) break;
    }
    if (self->client_status == WEIR_OK)
        self->client_status = tls_context_accepts(tls_context_of(client), client, &self->client_why);
    if (self->client_status == WEIR_OK) read_rest(client, &self->client_status, &self->client_why);
    return is_done && self->client_status == WEIR_OK;
}

bool tls_wire_open(tls_wire *self, weir_tls_context *client, weir_tls_context *server,
                   const char *peer_name) {
    SSL *ssl = tls_context_open(client, peer_name == NULL ? "localhost" : peer_name);
    return tls_wire_open_with(self, ssl, server);
}

static bool carry(SSL *from, SSL *to) {
    char byte = 0;
    return SSL_write(from, "x", 1) == 1 && SSL_read(to, &byte, 1) == 1 && byte == 'x';
}

bool tls_wire_talks(tls_wire *self) {
    return carry(self->client, self->server) && carry(self->server, self->client);
}

void tls_wire_close(tls_wire *self) {
    tls_context_close(self->client);
    tls_context_close(self->server);
    ERR_clear_error();
    *self = (tls_wire){0};
}

const char *tls_wire_server_cert(const tls_wire *self, char out[64]) {
    X509 *cert = SSL_get0_peer_certificate(self->client);
    out[0] = '\0';
    if (cert != NULL) X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, out, 64);
    return out;
}

static weir_tls_context *open_server(tls_certs *certs, const weir_tls_options *given) {
    weir_tls_options options = given != NULL ? *given : (weir_tls_options){0};
    weir_tls_identity *identity = options.identity_count == 0 ? tls_certs_identity(certs, NULL) : NULL;
    if (identity != NULL) {
        options.identities = &identity;
        options.identity_count = 1;
    }
    weir_tls_context *server;
    weir_tls_why why;
    weir_status status = weir_tls_context_server(&server, &options, &why);
    if (!expect_status(status, WEIR_OK)) fprintf(stderr, "%s\n", why.text);
    weir_tls_identity_release(identity);
    return server;
}

static weir_tls_context *open_client(tls_certs *certs, const weir_tls_options *given) {
    weir_tls_options options = given != NULL ? *given : (weir_tls_options){0};
    bool has_ca =
        options.ca.len != 0 || options.ca_file != NULL || options.ca_dir != NULL || options.insecure;
    if (!has_ca) options.ca = tls_certs_ca(certs);
    weir_tls_context *client;
    weir_tls_why why;
    weir_status status = weir_tls_context_client(&client, &options, &why);
    if (!expect_status(status, WEIR_OK)) fprintf(stderr, "%s\n", why.text);
    return client;
}

tls_ends tls_ends_open(tls_certs *certs, const weir_tls_options *client, const weir_tls_options *server) {
    tls_ends self = {
        .certs = certs, .client = open_client(certs, client), .server = open_server(certs, server)};
    require(self.client != NULL && self.server != NULL);
    return self;
}

void tls_ends_close(tls_ends *self) {
    tls_wire_close(&self->wire);
    weir_tls_context_release(self->client);
    weir_tls_context_release(self->server);
    tls_certs_free(self->certs);
}

bool tls_ends_connect(tls_ends *self, const char *peer_name) {
    tls_wire_close(&self->wire);
    return tls_wire_open(&self->wire, self->client, self->server, peer_name);
}
