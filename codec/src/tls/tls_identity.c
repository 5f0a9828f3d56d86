/* tls_identity.c - an identity loaded: that key and certificate belong together is seen here, not by the first
 * client. */
#include <weir/codec/tls_identity.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include <weir/core/alloc.h>

#include "tls/tls_identity_inside.h"
#include "tls/tls_library.h"
#include "tls/tls_ocsp.h"
#include "tls/tls_pem.h"
#include "tls/tls_why.h"

static void free_identity(weir_obj *obj) {
    weir_tls_identity *self = (weir_tls_identity *)obj;
    X509_free(self->leaf);
    sk_X509_pop_free(self->chain, X509_free);
    EVP_PKEY_free(self->key);
    for (size_t i = 0; i < self->name_count; i++) weir_alloc_release(NULL, self->names[i]);
    weir_alloc_release(NULL, self->names);
    weir_alloc_release(NULL, self);
}

static weir_leak_counter living = {.name = "tls identity"};
static const weir_obj_type type = {.name = "tls identity", .free = free_identity, .live = &living};

weir_tls_identity *tls_identity_new(void) {
    weir_tls_identity *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self != NULL) weir_obj_init(&self->obj, &type);
    return self;
}

weir_status tls_identity_add_name(weir_tls_identity *self, weir_bytes name) {
    if (name.len > 1 && name.ptr[name.len - 1] == '.') name.len--;
    char **names = weir_alloc_resize(NULL, self->names, (self->name_count + 1) * sizeof *names);
    if (names == NULL) return WEIR_E_NO_MEMORY;
    self->names = names;
    char *copy = weir_alloc_acquire(NULL, name.len + 1);
    if (copy == NULL) return WEIR_E_NO_MEMORY;
    memcpy(copy, name.ptr, name.len);
    copy[name.len] = '\0';
    tls_lower(copy);
    names[self->name_count++] = copy;
    return WEIR_OK;
}

static weir_status add_address(weir_tls_identity *self, const ASN1_OCTET_STRING *address) {
    char text[64];
    const unsigned char *raw = ASN1_STRING_get0_data(address);
    int n = ASN1_STRING_length(address);
    if (n != 4 && n != 16) return WEIR_OK;
    bool is_written = tls_print_address(raw, (size_t)n, text, sizeof text);
    return is_written ? tls_identity_add_name(self, weir_bytes_str(text)) : WEIR_OK;
}

/* A name with a NUL in it is one of an attacker ("good.example\0.evil.example"): it is no name. */
static weir_status add_dns(weir_tls_identity *self, const ASN1_IA5STRING *dns) {
    weir_bytes name = weir_bytes_of(ASN1_STRING_get0_data(dns), (size_t)ASN1_STRING_length(dns));
    if (name.len == 0 || weir_bytes_find(name, 0) != WEIR_NOT_FOUND) return WEIR_OK;
    return tls_identity_add_name(self, name);
}

weir_status tls_identity_add_cert_names(weir_tls_identity *self) {
    GENERAL_NAMES *names = X509_get_ext_d2i(self->leaf, NID_subject_alt_name, NULL, NULL);
    weir_status status = WEIR_OK;
    for (int i = 0; status == WEIR_OK && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS) status = add_dns(self, name->d.dNSName);
        if (name->type == GEN_IPADD) status = add_address(self, name->d.iPAddress);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return status;
}

static weir_status add_names(weir_tls_identity *self, const weir_tls_identity_options *options,
                             weir_tls_why *why) {
    if (options->names == NULL) return tls_identity_add_cert_names(self);
    for (size_t i = 0; i < options->name_count; i++) {
        const char *name = options->names[i];
        if (name == NULL || name[0] == '\0' || strlen(name) > 253) {
            tls_why_say(why, "a name of an identity is empty or longer than 253 characters");
            return WEIR_E_INVALID;
        }
        weir_status status = tls_identity_add_name(self, weir_bytes_str(name));
        if (status != WEIR_OK) return status;
    }
    return WEIR_OK;
}

static weir_status load_chain(weir_tls_identity *self, const tls_text *text, weir_tls_why *why) {
    weir_status status = tls_pem_certs(&self->chain, text, why);
    if (status == WEIR_OK) self->leaf = sk_X509_shift(self->chain);
    return status;
}

static weir_status load_key(weir_tls_identity *self, const weir_tls_identity_options *options,
                            const tls_text *certs, weir_tls_why *why) {
    if (options->key_file == NULL && options->key.len == 0)
        return tls_pem_key(&self->key, certs, options->password, why);
    tls_text text;
    weir_status status =
        tls_text_open(&text, options->key_file, options->key, "the private key in memory", why);
    if (status != WEIR_OK) return status;
    status = tls_pem_key(&self->key, &text, options->password, why);
    tls_text_close(&text);
    return status;
}

static weir_status check_pair(weir_tls_identity *self, const char *name, weir_tls_why *why) {
    self->key_kind = EVP_PKEY_get_base_id(self->key);
    if (X509_check_private_key(self->leaf, self->key) == 1) return WEIR_OK;
    ERR_clear_error();
    tls_why_say(why, "%s: the private key belongs to another certificate", name);
    return WEIR_E_INVALID;
}

static weir_status load_response(weir_tls_identity *self, const weir_tls_identity_options *options,
                                 weir_tls_why *why) {
    if (options->ocsp_file == NULL && options->ocsp.len == 0) return WEIR_OK;
    tls_text text;
    weir_status status =
        tls_text_open(&text, options->ocsp_file, options->ocsp, "the OCSP response in memory", why);
    if (status != WEIR_OK) return status;
    status = tls_ocsp_attach(self->leaf, &text, why);
    tls_text_close(&text);
    return status;
}

static weir_status load(weir_tls_identity *self, const weir_tls_identity_options *options,
                        weir_tls_why *why) {
    tls_text certs;
    weir_status status =
        tls_text_open(&certs, options->cert_file, options->cert, "the certificate in memory", why);
    if (status != WEIR_OK) return status;
    status = load_chain(self, &certs, why);
    if (status == WEIR_OK) status = load_key(self, options, &certs, why);
    if (status == WEIR_OK) status = check_pair(self, certs.name, why);
    if (status == WEIR_OK) status = load_response(self, options, why);
    if (status == WEIR_OK) status = add_names(self, options, why);
    tls_text_close(&certs);
    return status;
}

weir_status weir_tls_identity_load(weir_tls_identity **out, const weir_tls_identity_options *options,
                                   weir_tls_why *why) {
    *out = NULL;
    if (why != NULL) why->text[0] = '\0';
    if (options->cert_file == NULL && options->cert.len == 0) {
        tls_why_say(why, "an identity needs a certificate: cert_file or cert");
        return WEIR_E_INVALID;
    }
    weir_status status = tls_library_start(why);
    if (status != WEIR_OK) return status;
    weir_tls_identity *self = tls_identity_new();
    status = self == NULL ? WEIR_E_NO_MEMORY : load(self, options, why);
    if (status == WEIR_OK) {
        *out = self;
        return WEIR_OK;
    }
    if (why != NULL && why->text[0] == '\0') tls_why_say(why, "%s", weir_status_text(status));
    weir_tls_identity_release(self);
    return status;
}
