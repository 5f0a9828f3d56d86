/* tls_why.c - the oldest entry of OpenSSL's queue is the cause; what stands above it only tells who passed it on. */
#include "tls/tls_why.h"

#include <openssl/err.h>
#include <openssl/proverr.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    REFUSED = 1, /* a reason of ours: its sentence is the entry's data */
    CAUSE_MOST = 192
};

typedef struct cause {
    unsigned long error;
    char text[CAUSE_MOST];
} cause;

/* What peers sent may be part of a sentence, and sentences go into logs. */
static void mask_controls(char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f) *text = '?';
}

static void say(weir_tls_why *why, const char *format, va_list args) {
    vsnprintf(why->text, sizeof why->text, format, args);
    mask_controls(why->text);
}

void tls_why_say(weir_tls_why *why, const char *format, ...) {
    if (why == NULL) return;
    va_list args;
    va_start(args, format);
    say(why, format, args);
    va_end(args);
}

void tls_why_raise(const char *format, ...) {
    char text[CAUSE_MOST];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ERR_raise_data(ERR_LIB_USER, REFUSED, "%s", text);
}

#define DAMAGED "a record was changed on its way (bad MAC)"

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
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, DAMAGED},
    {SSL_R_UNEXPECTED_EOF_WHILE_READING, "the connection ended in the middle"},
};

static const char *words_of(unsigned long error) {
    if (ERR_GET_LIB(error) == ERR_LIB_PROV && ERR_GET_REASON(error) == PROV_R_CIPHER_OPERATION_FAILED)
        return DAMAGED; /* of 1.2 the cipher notices first */
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

/* Takes the oldest entry and forgets the rest. */
static void take_cause(cause *out) {
    const char *data;
    int flags, alert;
    out->error = ERR_peek_error_data(&data, &flags);
    alert = ERR_GET_REASON(out->error) - SSL_AD_REASON_OFFSET;
    if (out->error == 0) {
        snprintf(out->text, sizeof out->text, "OpenSSL gives no reason");
    } else if (ERR_GET_LIB(out->error) == ERR_LIB_USER) {
        snprintf(out->text, sizeof out->text, "%s", data);
    } else if (is_alert(out->error)) {
        snprintf(out->text, sizeof out->text, "the peer refused: %s (alert %d)",
                 SSL_alert_desc_string_long(alert), alert);
    } else {
        snprintf(out->text, sizeof out->text, "%s", words_of(out->error));
    }
    ERR_clear_error();
}

static bool is_no_memory(unsigned long error) {
    return ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
}

weir_status tls_why_from_queue(weir_tls_why *why, const char *format, ...) {
    cause found;
    take_cause(&found);
    if (why != NULL) {
        weir_tls_why what;
        va_list args;
        va_start(args, format);
        say(&what, format, args);
        va_end(args);
        tls_why_say(why, "%s: %s", what.text, found.text);
    }
    return is_no_memory(found.error) ? WEIR_E_NO_MEMORY : WEIR_E_INVALID;
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
    cause found;
    take_cause(&found);
    bool is_ssl = ERR_GET_LIB(found.error) == ERR_LIB_SSL;
    int reason = ERR_GET_REASON(found.error);
    if (is_ssl && (reason == SSL_R_CERTIFICATE_VERIFY_FAILED || reason == SSL_R_INVALID_STATUS_RESPONSE)) {
        say_untrusted(why, ssl, what);
        return WEIR_E_UNTRUSTED;
    }
    tls_why_say(why, "%s: %s", what, found.text);
    if (is_no_memory(found.error)) return WEIR_E_NO_MEMORY;
    bool is_nobody = is_ssl && reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
    return is_nobody ? WEIR_E_UNTRUSTED : WEIR_E_TLS;
}
