/* tls_context_alpn.c - which protocol runs inside (RFC 7301): the server's order counts. */
#include <string.h>

#include <weir/core/alloc.h>

#include "tls/tls_context_inside.h"
#include "tls/tls_why.h"

enum {
    NAME_MOST = 255,
    LIST_MOST = 65535
};

static weir_status measure(const weir_tls_options *options, size_t *total, weir_tls_why *why) {
    *total = 0;
    for (size_t i = 0; i < options->alpn_count; i++) {
        size_t n = options->alpn[i] == NULL ? 0 : strlen(options->alpn[i]);
        if (n == 0 || n > NAME_MOST) {
            tls_why_say(why, "a protocol for ALPN is empty or longer than 255 bytes");
            return WEIR_E_INVALID;
        }
        *total += 1 + n;
    }
    if (*total <= LIST_MOST && (*total != 0 || !options->alpn_required)) return WEIR_OK;
    tls_why_say(why, *total != 0 ? "too many protocols for ALPN" : "alpn_required without a protocol");
    return WEIR_E_INVALID;
}

static weir_status write_list(weir_tls_context *self, const weir_tls_options *options, size_t total) {
    self->alpn = weir_alloc_acquire(NULL, total);
    if (self->alpn == NULL) return WEIR_E_NO_MEMORY;
    for (size_t i = 0; i < options->alpn_count; i++) {
        size_t n = strlen(options->alpn[i]);
        self->alpn[self->alpn_len++] = (uint8_t)n;
        memcpy(self->alpn + self->alpn_len, options->alpn[i], n);
        self->alpn_len += n;
    }
    return WEIR_OK;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offer, unsigned offer_len, void *arg) {
    (void)ssl;
    const weir_tls_context *self = arg;
    unsigned char *chosen;
    int result =
        SSL_select_next_proto(&chosen, out_len, self->alpn, (unsigned)self->alpn_len, offer, offer_len);
    if (result != OPENSSL_NPN_NEGOTIATED)
        return self->alpn_required ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* OpenSSL does not ask about clients that offer no protocol at all. */
static int demand_offer(SSL *ssl, int *alert, void *arg) {
    (void)arg;
    const unsigned char *offer;
    size_t len;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &offer, &len) == 1)
        return SSL_CLIENT_HELLO_SUCCESS;
    tls_why_raise("the client offers no protocol (ALPN)");
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return SSL_CLIENT_HELLO_ERROR;
}

weir_status tls_context_alpn(weir_tls_context *self, const weir_tls_options *options, weir_tls_why *why) {
    size_t total;
    weir_status status = measure(options, &total, why);
    if (status != WEIR_OK || total == 0) return status;
    status = write_list(self, options, total);
    if (status != WEIR_OK) return status;
    self->alpn_required = options->alpn_required;
    if (!self->is_server) {
        bool is_set = SSL_CTX_set_alpn_protos(self->ssl, self->alpn, (unsigned)self->alpn_len) == 0;
        return is_set ? WEIR_OK : WEIR_E_NO_MEMORY;
    }
    SSL_CTX_set_alpn_select_cb(self->ssl, select_protocol, self);
    if (self->alpn_required) SSL_CTX_set_client_hello_cb(self->ssl, demand_offer, self);
    return WEIR_OK;
}

bool tls_context_has_protocol(const weir_tls_context *self, const SSL *ssl) {
    const unsigned char *chosen;
    unsigned len;
    SSL_get0_alpn_selected(ssl, &chosen, &len);
    return !self->alpn_required || len != 0;
}
