/* tls_context_protocol.c - versions, suites, groups and the switches of OpenSSL, each set here whatever its defaults or
 * a configuration file say. */
#include "tls/tls_context_inside.h"
#include "tls/tls_why.h"

/* Forward secret and authenticated, AES first (hardware has it) unless the client's first choice is ChaCha20. */
static const char ciphers_1_2[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char cipher_suites_1_3[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char groups[] = "X25519:P-256:P-384";

enum {
    SECURITY_LEVEL = 2 /* 112 bits: RSA from 2048, elliptic curves from 224, no SHA-1 */
};

static int number_of(weir_tls_version version, int otherwise) {
    return version == WEIR_TLS_1_2 ? TLS1_2_VERSION : version == WEIR_TLS_1_3 ? TLS1_3_VERSION : otherwise;
}

static weir_status set_versions(SSL_CTX *ssl, const weir_tls_options *options, weir_tls_why *why) {
    if (options->min != WEIR_TLS_ANY && options->max != WEIR_TLS_ANY && options->min > options->max) {
        tls_why_say(why, "the least version is newer than the newest");
        return WEIR_E_INVALID;
    }
    bool is_set = SSL_CTX_set_min_proto_version(ssl, number_of(options->min, TLS1_2_VERSION)) == 1 &&
                  SSL_CTX_set_max_proto_version(ssl, number_of(options->max, 0)) == 1;
    return is_set ? WEIR_OK : tls_why_from_queue(why, "the versions of TLS cannot be set");
}

static const char *or_default(const char *given, const char *otherwise) {
    return given != NULL ? given : otherwise;
}

static weir_status set_suites(SSL_CTX *ssl, const weir_tls_options *options, weir_tls_why *why) {
    SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    const char *list = or_default(options->ciphers, ciphers_1_2);
    if (SSL_CTX_set_cipher_list(ssl, list) != 1) return tls_why_from_queue(why, "ciphers \"%s\"", list);
    list = or_default(options->cipher_suites, cipher_suites_1_3);
    if (SSL_CTX_set_ciphersuites(ssl, list) != 1)
        return tls_why_from_queue(why, "cipher_suites \"%s\"", list);
    list = or_default(options->groups, groups);
    if (SSL_CTX_set1_groups_list(ssl, list) == 1) return WEIR_OK;
    tls_why_say(why, "groups \"%s\": not a list of groups that OpenSSL knows", list);
    return WEIR_E_INVALID;
}

weir_status tls_context_protocol(weir_tls_context *self, const weir_tls_options *options, weir_tls_why *why) {
    SSL_CTX *ssl = self->ssl;
    SSL_CTX_clear_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                                   SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3 |
                                   SSL_OP_ENABLE_KTLS);
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    if (options->kernel == WEIR_TLS_KERNEL_AUTO) SSL_CTX_set_options(ssl, SSL_OP_ENABLE_KTLS);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_dh_auto(ssl, 1); /* for who asks for DHE */
    weir_status status = set_versions(ssl, options, why);
    return status == WEIR_OK ? set_suites(ssl, options, why) : status;
}
