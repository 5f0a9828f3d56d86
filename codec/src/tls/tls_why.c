/* tls_why.c - the oldest entry of OpenSSL's queue is the cause; what stands above it only tells who passed it on. */
#include "tls/tls_why.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void tls_why_say(weir_tls_why *why, const char *format, ...) {
    if (why == NULL) return;
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
}

/* OpenSSL's words for what people meet most often are for those who know its sources. */
static const struct {
    int reason;
    const char *sentence;
} better_words[] = {
    {SSL_R_HTTP_REQUEST, "a plain HTTP request came where TLS was expected"},
    {SSL_R_HTTPS_PROXY_REQUEST, "a plain HTTP request came where TLS was expected"},
    {SSL_R_WRONG_VERSION_NUMBER, "what came is not TLS, or of a version that is not allowed"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "no version of TLS in common"},
    {SSL_R_VERSION_TOO_LOW, "no version of TLS in common"},
    {SSL_R_NO_SHARED_CIPHER, "no cipher suite in common, or no certificate that the client can use"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the client sent no certificate"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record was changed on its way (bad MAC)"},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, "the connection ended in the middle"},
};

static const char *words_of(unsigned long error) {
    if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
        for (size_t i = 0; i < sizeof better_words / sizeof better_words[0]; i++)
            if (ERR_GET_REASON(error) == better_words[i].reason) return better_words[i].sentence;
    }
    const char *reason =
        ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);
    return reason != NULL ? reason : "OpenSSL gives no reason";
}

/* Alerts of the peer are reasons of the SSL library from 1000 on. */
static bool is_alert(unsigned long error) {
    int reason = ERR_GET_REASON(error);
    return ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
           reason < SSL_AD_REASON_OFFSET + 256;
}

static void describe_cause(char *out, size_t room, unsigned long error) {
    if (error == 0) {
        snprintf(out, room, "OpenSSL gives no reason");
    } else if (is_alert(error)) {
        int alert = ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET;
        snprintf(out, room, "the peer refused: %s (alert %d)", SSL_alert_desc_string_long(alert), alert);
    } else {
        snprintf(out, room, "%s", words_of(error));
    }
}

/* Takes the oldest entry and forgets the rest. */
static unsigned long take_cause(void) {
    unsigned long error = ERR_peek_error();
    ERR_clear_error();
    return error;
}

static bool is_no_memory(unsigned long error) {
    return ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
}

weir_status tls_why_from_queue(weir_tls_why *why, const char *format, ...) {
    unsigned long error = take_cause();
    if (why != NULL) {
        char cause[160];
        va_list args;
        va_start(args, format);
        int n = vsnprintf(why->text, sizeof why->text, format, args);
        va_end(args);
        describe_cause(cause, sizeof cause, error);
        size_t used = n < 0 ? 0 : (size_t)n < sizeof why->text ? (size_t)n : sizeof why->text - 1;
        snprintf(why->text + used, sizeof why->text - used, ": %s", cause);
    }
    return is_no_memory(error) ? WEIR_E_NO_MEMORY : WEIR_E_INVALID;
}

weir_status tls_why_from_file(weir_tls_why *why, const char *path, weir_status status) {
    const char *reason = status == WEIR_E_UNSUPPORTED ? "not a regular file"
                         : status == WEIR_E_LIMIT     ? "larger than 64 MiB"
                                                      : weir_status_text(status);
    tls_why_say(why, "%s: %s", path, reason);
    return status;
}

/* What the verification did not like; of a wrong name also which was asked for. */
static void say_untrusted(weir_tls_why *why, SSL *ssl, const char *what) {
    long result = SSL_get_verify_result(ssl);
    const char *reason = X509_verify_cert_error_string(result);
    const char *name = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 0);
    if (result == X509_V_ERR_HOSTNAME_MISMATCH && name != NULL) {
        tls_why_say(why, "%s: the peer's certificate is not for %s", what, name);
    } else if (result == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        tls_why_say(why, "%s: the peer's certificate is not for that address", what);
    } else {
        tls_why_say(why, "%s: the peer's certificate is not trusted: %s", what, reason);
    }
}

weir_status tls_why_from_ssl(weir_tls_why *why, SSL *ssl, const char *what) {
    unsigned long error = take_cause();
    bool is_ssl = ERR_GET_LIB(error) == ERR_LIB_SSL;
    int reason = ERR_GET_REASON(error);
    if (is_ssl && (reason == SSL_R_CERTIFICATE_VERIFY_FAILED || reason == SSL_R_INVALID_STATUS_RESPONSE)) {
        say_untrusted(why, ssl, what);
        return WEIR_E_UNTRUSTED;
    }
    char cause[160];
    describe_cause(cause, sizeof cause, error);
    tls_why_say(why, "%s: %s", what, cause);
    if (is_no_memory(error)) return WEIR_E_NO_MEMORY;
    bool is_nobody = is_ssl && reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
    return is_nobody ? WEIR_E_UNTRUSTED : WEIR_E_TLS;
}
