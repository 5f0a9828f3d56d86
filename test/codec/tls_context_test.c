#include <weir/testing.h>

#include "tls_certs.h"
#include "tls_wire.h"

/* What most tests need. */
typedef struct two_ends {
    tls_certs *certs;
    weir_tls_context *client, *server;
    tls_wire wire;
} two_ends;

static two_ends open_ends(tls_certs *certs, const weir_tls_options *client, const weir_tls_options *server) {
    two_ends self = {.certs = certs};
    weir_tls_why why;
    weir_tls_identity *identity = NULL;
    weir_tls_options options = server != NULL ? *server : (weir_tls_options){0};
    if (options.identity_count == 0) {
        identity = tls_certs_identity(certs, NULL);
        options.identities = &identity;
        options.identity_count = 1;
    }
    expect_status(weir_tls_context_server(&self.server, &options, &why), WEIR_OK);
    weir_tls_options other = client != NULL ? *client : (weir_tls_options){0};
    if (other.ca.len == 0 && !other.insecure) other.ca = tls_certs_ca(certs);
    expect_status(weir_tls_context_client(&self.client, &other, &why), WEIR_OK);
    weir_tls_identity_release(identity);
    require(self.client != NULL && self.server != NULL);
    return self;
}

static void close_ends(two_ends *self) {
    tls_wire_close(&self->wire);
    weir_tls_context_release(self->client);
    weir_tls_context_release(self->server);
    tls_certs_free(self->certs);
}

WEIR_TEST(tls_context, by_default_two_ends_agree_on_1_3_and_verify) {
    two_ends ends = open_ends(tls_certs_new(), NULL, NULL);
    expect(tls_wire_open(&ends.wire, ends.client, ends.server, NULL));
    expect_str(SSL_get_version(ends.wire.client), "TLSv1.3");
    expect_eq(SSL_get_verify_result(ends.wire.client), X509_V_OK);
    expect(tls_wire_talks(&ends.wire));
    close_ends(&ends);
}
