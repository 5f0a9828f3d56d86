/* tls_certs.c - see the header. Memory is the process's: it stays out of out-of-memory sweeps. */
#include "tls_certs.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/core/check.h>

enum {
    KEPT_MOST = 400,
    DAY_S = 86400
};

typedef struct authority {
    X509 *cert;
    EVP_PKEY *key;
} authority;

struct tls_certs {
    authority root, middle, other;
    EVP_PKEY *rsa;
    weir_bytes root_pem, other_pem, middle_pem;
    unsigned char serial;
    char folder[64];
    void *kept[KEPT_MOST];
    size_t kept_count;
};

#define MUST(condition) WEIR_CHECK(condition, "the test's certificates: %s", why())

static const char *why(void) {
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason == NULL ? "no reason" : reason;
}

static void *keep(tls_certs *self, void *block) {
    MUST(block != NULL && self->kept_count < KEPT_MOST);
    return self->kept[self->kept_count++] = block;
}

static weir_bytes keep_copy(tls_certs *self, const void *ptr, size_t len) {
    return weir_bytes_of(memcpy(keep(self, malloc(len + 1)), ptr, len), len);
}

static weir_bytes keep_bio(tls_certs *self, BIO *bio) {
    char *ptr;
    long len = BIO_get_mem_data(bio, &ptr);
    weir_bytes kept = keep_copy(self, ptr, (size_t)len);
    BIO_free(bio);
    return kept;
}

static weir_bytes cert_pem(tls_certs *self, X509 *first, X509 *second) {
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_X509(bio, first) == 1);
    if (second != NULL) MUST(PEM_write_bio_X509(bio, second) == 1);
    return keep_bio(self, bio);
}

static weir_bytes key_pem(tls_certs *self, EVP_PKEY *key, const char *password) {
    BIO *bio = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = password == NULL ? NULL : EVP_aes_128_cbc();
    int len = password == NULL ? 0 : (int)strlen(password);
    MUST(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, password, len, NULL, NULL) == 1);
    return keep_bio(self, bio);
}

static void add_extension(X509 *cert, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    MUST(extension != NULL && X509_add_ext(cert, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* A certificate with all but names and uses; not signed yet. */
static X509 *begin_cert(tls_certs *self, EVP_PKEY *key, const char *common_name, int from_days, int to_days) {
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    MUST(X509_set_version(cert, X509_VERSION_3) == 1 && X509_set_pubkey(cert, key) == 1);
    MUST(ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x4000 + ++self->serial) == 1);
    MUST(X509_time_adj_ex(X509_getm_notBefore(cert), from_days, 0, NULL) != NULL);
    MUST(X509_time_adj_ex(X509_getm_notAfter(cert), to_days, 0, NULL) != NULL);
    MUST(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1,
                                    0) == 1);
    return cert;
}

static void sign_cert(X509 *cert, X509 *issuer, EVP_PKEY *key) {
    MUST(X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1);
    MUST(X509_sign(cert, key, EVP_sha256()) > 0);
}

static authority make_authority(tls_certs *self, const char *name, const authority *parent) {
    authority made = {.key = EVP_EC_gen("P-256")};
    made.cert = begin_cert(self, made.key, name, -10, 10);
    add_extension(made.cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(made.cert, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature");
    sign_cert(made.cert, parent == NULL ? made.cert : parent->cert, parent == NULL ? made.key : parent->key);
    return made;
}

static void free_authority(authority *self) {
    X509_free(self->cert);
    EVP_PKEY_free(self->key);
}

tls_certs *tls_certs_new(void) {
    tls_certs *self = calloc(1, sizeof *self);
    MUST(self != NULL);
    self->root = make_authority(self, "weir test root", NULL);
    self->middle = make_authority(self, "weir test intermediate", &self->root);
    self->other = make_authority(self, "weir test stranger", NULL);
    self->root_pem = cert_pem(self, self->root.cert, NULL);
    self->other_pem = cert_pem(self, self->other.cert, NULL);
    self->middle_pem = cert_pem(self, self->middle.cert, NULL);
    return self;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *where) {
    (void)status, (void)flag, (void)where;
    return remove(path);
}

void tls_certs_free(tls_certs *self) {
    if (self->folder[0] != '\0') nftw(self->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free_authority(&self->root);
    free_authority(&self->middle);
    free_authority(&self->other);
    EVP_PKEY_free(self->rsa);
    while (self->kept_count != 0) free(self->kept[--self->kept_count]);
    free(self);
    ERR_clear_error();
}

weir_bytes tls_certs_ca(const tls_certs *self) {
    return self->root_pem;
}

weir_bytes tls_certs_other_ca(const tls_certs *self) {
    return self->other_pem;
}

weir_bytes tls_certs_intermediate(const tls_certs *self) {
    return self->middle_pem;
}

static void push_name(GENERAL_NAMES *all, weir_bytes text) {
    char copy[256] = "";
    uint8_t address[16];
    MUST(text.len < sizeof copy);
    memcpy(copy, text.ptr, text.len);
    int n = inet_pton(AF_INET, copy, address) == 1 ? 4 : inet_pton(AF_INET6, copy, address) == 1 ? 16 : 0;
    ASN1_STRING *value = ASN1_STRING_type_new(n != 0 ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    MUST(ASN1_STRING_set(value, n != 0 ? (const void *)address : text.ptr, n != 0 ? n : (int)text.len) == 1);
    GENERAL_NAME *name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, n != 0 ? GEN_IPADD : GEN_DNS, value);
    MUST(sk_GENERAL_NAME_push(all, name) > 0);
}

static void add_names(X509 *cert, const tls_cert *wanted) {
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    weir_bytes rest = weir_bytes_str(wanted->names == NULL ? "localhost,127.0.0.1,::1" : wanted->names);
    weir_bytes name;
    while (weir_bytes_split(&rest, ',', &name))
        if (name.len != 0) push_name(all, name);
    if (wanted->raw_name.len != 0) push_name(all, wanted->raw_name);
    MUST(X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1);
    GENERAL_NAMES_free(all);
}

static EVP_PKEY *make_key(tls_certs *self, unsigned rsa_bits) {
    if (rsa_bits == 0) return EVP_EC_gen("P-256");
    if (self->rsa == NULL || EVP_PKEY_get_bits(self->rsa) != (int)rsa_bits) {
        EVP_PKEY_free(self->rsa);
        self->rsa = EVP_RSA_gen(rsa_bits);
    }
    EVP_PKEY_up_ref(self->rsa);
    return self->rsa;
}

static weir_bytes make_response(tls_certs *self, const tls_cert *wanted, X509 *cert) {
    int status = wanted->is_ocsp_revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD;
    int last_day = wanted->is_ocsp_stale ? -1 : 1;
    ASN1_TIME *from = X509_time_adj_ex(NULL, -2, 0, NULL), *to = X509_time_adj_ex(NULL, last_day, 0, NULL);
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    const EVP_MD *digest = wanted->is_ocsp_sha256 ? EVP_sha256() : NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(digest, cert, self->middle.cert);
    MUST(OCSP_basic_add1_status(basic, id, status, 0, from, from, to) != NULL);
    const authority *signer = wanted->is_ocsp_forged ? &self->other : &self->middle;
    MUST(OCSP_basic_sign(basic, signer->cert, signer->key, EVP_sha256(), NULL, 0) == 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char *der = NULL;
    int len = i2d_OCSP_RESPONSE(response, &der);
    MUST(len > 0);
    weir_bytes kept = keep_copy(self, der, (size_t)len);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return kept;
}

static X509 *make_leaf(tls_certs *self, const tls_cert *wanted, EVP_PKEY *key) {
    bool is_usual = wanted->from_days == 0 && wanted->to_days == 0;
    X509 *cert = begin_cert(self, key, wanted->common_name == NULL ? "leaf" : wanted->common_name,
                            is_usual ? -1 : wanted->from_days, is_usual ? 1 : wanted->to_days);
    add_names(cert, wanted);
    add_extension(cert, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(cert, NID_ext_key_usage, wanted->is_for_clients ? "clientAuth" : "serverAuth");
    const authority *issuer = wanted->from_other_ca ? &self->other : &self->middle;
    sign_cert(cert, wanted->is_self_signed ? cert : issuer->cert, wanted->is_self_signed ? key : issuer->key);
    return cert;
}

tls_cert_text tls_certs_make(tls_certs *self, const tls_cert *given) {
    static const tls_cert usual;
    const tls_cert *wanted = given == NULL ? &usual : given;
    EVP_PKEY *key = make_key(self, wanted->rsa_bits);
    X509 *cert = make_leaf(self, wanted, key);
    bool is_alone = wanted->is_self_signed || wanted->from_other_ca || wanted->without_chain;
    tls_cert_text text = {
        .cert = cert_pem(self, cert, is_alone ? NULL : self->middle.cert),
        .key = key_pem(self, key, NULL),
        .serial = self->serial,
    };
    if (wanted->is_ocsp_good || wanted->is_ocsp_revoked || wanted->is_ocsp_stale || wanted->is_ocsp_forged)
        text.ocsp = make_response(self, wanted, cert);
    X509_free(cert);
    EVP_PKEY_free(key);
    return text;
}

weir_bytes tls_certs_encrypt_key(tls_certs *self, weir_bytes key, const char *password) {
    BIO *bio = BIO_new_mem_buf(key.ptr, (int)key.len);
    EVP_PKEY *parsed = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    MUST(parsed != NULL);
    weir_bytes text = key_pem(self, parsed, password);
    EVP_PKEY_free(parsed);
    return text;
}

static void write_crl(BIO *bio, const authority *issuer, unsigned char serial) {
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = X509_time_adj_ex(NULL, -1, 0, NULL), *to = X509_time_adj_ex(NULL, 1, 0, NULL);
    MUST(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1);
    MUST(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert)) == 1);
    MUST(X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, to) == 1);
    if (serial != 0) {
        X509_REVOKED *revoked = X509_REVOKED_new();
        ASN1_INTEGER *number = ASN1_INTEGER_new();
        MUST(ASN1_INTEGER_set(number, 0x4000 + serial) == 1);
        MUST(X509_REVOKED_set_serialNumber(revoked, number) == 1);
        MUST(X509_REVOKED_set_revocationDate(revoked, from) == 1);
        MUST(X509_CRL_add0_revoked(crl, revoked) == 1);
        ASN1_INTEGER_free(number);
    }
    MUST(X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
    MUST(PEM_write_bio_X509_CRL(bio, crl) == 1);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_free(crl);
}

weir_bytes tls_certs_crl(tls_certs *self, const tls_cert_text *text) {
    BIO *bio = BIO_new(BIO_s_mem());
    write_crl(bio, &self->root, 0);
    write_crl(bio, &self->middle, text == NULL ? 0 : text->serial);
    return keep_bio(self, bio);
}

weir_tls_identity *tls_certs_identity(tls_certs *self, const tls_cert *cert) {
    tls_cert_text text = tls_certs_make(self, cert);
    weir_tls_identity *identity;
    weir_tls_why sentence;
    weir_tls_identity_options options = {.cert = text.cert, .key = text.key, .ocsp = text.ocsp};
    weir_status status = weir_tls_identity_load(&identity, &options, &sentence);
    WEIR_CHECK(status == WEIR_OK, "the test's identity: %s", sentence.text);
    return identity;
}

char *tls_certs_hash_of_ca(tls_certs *self) {
    char *name = keep(self, malloc(16));
    snprintf(name, 16, "%08lx.0", X509_subject_name_hash(self->root.cert));
    return name;
}

const char *tls_certs_path(tls_certs *self, const char *name) {
    if (self->folder[0] == '\0') {
        snprintf(self->folder, sizeof self->folder, "/tmp/weir-tls-XXXXXX");
        MUST(mkdtemp(self->folder) != NULL);
    }
    size_t room = sizeof self->folder + strlen(name) + 2;
    char *path = keep(self, malloc(room));
    snprintf(path, room, "%s/%s", self->folder, name);
    return path;
}

const char *tls_certs_file(tls_certs *self, const char *name, weir_bytes bytes) {
    const char *path = tls_certs_path(self, name);
    FILE *file = fopen(path, "wb");
    MUST(file != NULL);
    if (bytes.len != 0) MUST(fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len);
    MUST(fclose(file) == 0);
    return path;
}
