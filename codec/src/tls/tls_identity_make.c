/* tls_identity_make.c - a key and a certificate that signed itself, to try things out with. */
#include <weir/codec/tls_identity.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/tls_identity_inside.h"
#include "tls/tls_library.h"
#include "tls/tls_why.h"

enum {
    SERIAL_BYTES = 16,
    COMMON_NAME_MOST = 64 /* RFC 5280 A.1 */
};

static GENERAL_NAME *make_name(const char *text) {
    uint8_t address[16];
    size_t n = tls_parse_address(text, address);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = ASN1_STRING_type_new(n != 0 ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    bool is_set =
        name != NULL && value != NULL &&
        ASN1_STRING_set(value, n != 0 ? (const void *)address : text, n != 0 ? (int)n : (int)strlen(text));
    if (!is_set) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, n != 0 ? GEN_IPADD : GEN_DNS, value);
    return name;
}

static bool set_names(X509 *cert, const char *const *names, size_t count) {
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    bool is_good = all != NULL;
    for (size_t i = 0; is_good && i < count; i++) {
        GENERAL_NAME *name = make_name(names[i]);
        is_good = name != NULL && sk_GENERAL_NAME_push(all, name) > 0;
        if (!is_good) GENERAL_NAME_free(name);
    }
    is_good = is_good && X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(all);
    return is_good;
}

static bool set_extension(X509 *cert, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool is_set = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_set;
}

static bool set_serial(X509 *cert) {
    unsigned char raw[SERIAL_BYTES];
    if (RAND_bytes(raw, sizeof raw) != 1) return false;
    raw[0] = (raw[0] & 0x3f) | 0x40; /* positive, and always of this length */
    BIGNUM *number = BN_bin2bn(raw, sizeof raw, NULL);
    bool is_set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return is_set;
}

static bool set_subject(X509 *cert, const char *name) {
    X509_NAME *subject = X509_get_subject_name(cert);
    size_t n = strnlen(name, COMMON_NAME_MOST);
    return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)name,
                                      (int)n, -1, 0) == 1 &&
           X509_set_issuer_name(cert, subject) == 1;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *const *names, size_t count, unsigned days) {
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) && set_subject(cert, names[0]) &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(cert), (int)days, 0, NULL) != NULL &&
           X509_set_pubkey(cert, key) == 1 && set_names(cert, names, count) &&
           set_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
           set_extension(cert, NID_key_usage, "critical,digitalSignature") &&
           set_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

static weir_status check(const char *const *names, size_t count, unsigned days, weir_tls_why *why) {
    bool is_good = count > 0 && days > 0 && days <= 36500;
    for (size_t i = 0; is_good && i < count; i++)
        is_good = names[i] != NULL && names[i][0] != '\0' && strlen(names[i]) <= 253;
    if (is_good) return WEIR_OK;
    tls_why_say(why, "a certificate needs names of 1 to 253 characters and 1 to 36500 days");
    return WEIR_E_INVALID;
}

static weir_status make(weir_tls_identity *self, const char *const *names, size_t count, unsigned days,
                        weir_tls_why *why) {
    ERR_clear_error();
    self->key = EVP_EC_gen("P-256");
    self->key_kind = EVP_PKEY_EC;
    self->leaf = X509_new();
    self->chain = sk_X509_new_null();
    bool is_made = self->key != NULL && self->leaf != NULL && self->chain != NULL &&
                   fill(self->leaf, self->key, names, count, days);
    if (!is_made) return tls_why_from_queue(why, "no certificate could be made");
    return tls_identity_add_cert_names(self);
}

weir_status weir_tls_identity_self_signed(weir_tls_identity **out, const char *const *names, size_t count,
                                          unsigned days, weir_tls_why *why) {
    *out = NULL;
    if (why != NULL) why->text[0] = '\0';
    weir_status status = check(names, count, days, why);
    if (status == WEIR_OK) status = tls_library_start(why);
    if (status != WEIR_OK) return status;
    weir_tls_identity *self = tls_identity_new();
    status = self == NULL ? WEIR_E_NO_MEMORY : make(self, names, count, days, why);
    if (status == WEIR_OK) {
        *out = self;
        return WEIR_OK;
    }
    if (why != NULL && why->text[0] == '\0') tls_why_say(why, "%s", weir_status_text(status));
    weir_tls_identity_release(self);
    return status;
}
