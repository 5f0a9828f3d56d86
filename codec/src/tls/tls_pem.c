/* tls_pem.c - certificates and keys out of PEM. Memory that held a key is wiped. */
#include "tls/tls_pem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/core/alloc.h>

#include "tls/tls_why.h"

enum {
    TEXT_MOST = 64 << 20 /* lists of revoked certificates are the largest */
};

static weir_status read_all(int fd, tls_text *text, size_t size) {
    text->owned = weir_alloc_acquire(NULL, size);
    if (text->owned == NULL) return WEIR_E_NO_MEMORY;
    text->capacity = size;
    size_t n = 0;
    while (n < size) {
        ssize_t got = read(fd, text->owned + n, size - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return weir_status_from_errno(errno);
        if (got == 0) break;
        n += (size_t)got;
    }
    text->bytes = weir_bytes_of(text->owned, n);
    return WEIR_OK;
}

static weir_status read_open(int fd, tls_text *text) {
    struct stat status;
    if (fstat(fd, &status) != 0) return weir_status_from_errno(errno);
    if (S_ISDIR(status.st_mode)) return -EISDIR;
    if (!S_ISREG(status.st_mode)) return WEIR_E_UNSUPPORTED;
    if (status.st_size > TEXT_MOST) return WEIR_E_LIMIT;
    return read_all(fd, text, (size_t)status.st_size);
}

weir_status tls_text_open(tls_text *out, const char *path, weir_bytes memory, const char *what,
                          weir_tls_why *why) {
    *out = (tls_text){.name = path != NULL ? path : what, .bytes = memory};
    if (path == NULL) return WEIR_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    weir_status status = fd < 0 ? weir_status_from_errno(errno) : read_open(fd, out);
    if (fd >= 0) close(fd);
    if (status == WEIR_OK) return WEIR_OK;
    tls_text_close(out);
    return tls_why_from_file(why, path, status);
}

void tls_text_close(tls_text *self) {
    if (self->owned != NULL) OPENSSL_cleanse(self->owned, self->capacity);
    weir_alloc_release(NULL, self->owned);
    self->owned = NULL;
}

static BIO *open_bio(const tls_text *text) {
    if (text->bytes.len > INT32_MAX) return NULL;
    return BIO_new_mem_buf(text->bytes.len != 0 ? text->bytes.ptr : (const void *)"", (int)text->bytes.len);
}

/* PEM's readers end with "no start line" both behind the last one and when there was none. */
static bool is_at_end(void) {
    unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static weir_status read_certs(STACK_OF(X509) * certs, BIO *bio, const tls_text *text, weir_tls_why *why) {
    X509 *cert;
    while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (sk_X509_push(certs, cert) > 0) continue;
        X509_free(cert);
        return tls_why_from_queue(why, "%s", text->name);
    }
    if (!is_at_end()) return tls_why_from_queue(why, "%s: a certificate cannot be read", text->name);
    ERR_clear_error();
    if (sk_X509_num(certs) > 0) return WEIR_OK;
    tls_why_say(why, "%s: there is no certificate in it", text->name);
    return WEIR_E_INVALID;
}

weir_status tls_pem_certs(STACK_OF(X509) * *out, const tls_text *text, weir_tls_why *why) {
    ERR_clear_error();
    BIO *bio = open_bio(text);
    STACK_OF(X509) *certs = sk_X509_new_null();
    weir_status status = bio != NULL && certs != NULL ? read_certs(certs, bio, text, why)
                                                      : tls_why_from_queue(why, "%s", text->name);
    BIO_free(bio);
    *out = status == WEIR_OK ? certs : NULL;
    if (status != WEIR_OK) sk_X509_pop_free(certs, X509_free);
    return status;
}

static weir_status read_crls(X509_STORE *store, BIO *bio, const tls_text *text, weir_tls_why *why) {
    size_t count = 0;
    X509_CRL *crl;
    while ((crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
        bool is_added = X509_STORE_add_crl(store, crl) == 1;
        X509_CRL_free(crl);
        if (!is_added) return tls_why_from_queue(why, "%s", text->name);
        count++;
    }
    if (!is_at_end())
        return tls_why_from_queue(why, "%s: a list of revoked certificates cannot be read", text->name);
    ERR_clear_error();
    if (count > 0) return WEIR_OK;
    tls_why_say(why, "%s: there is no list of revoked certificates in it", text->name);
    return WEIR_E_INVALID;
}

weir_status tls_pem_crls(X509_STORE *store, const tls_text *text, weir_tls_why *why) {
    ERR_clear_error();
    BIO *bio = open_bio(text);
    weir_status status =
        bio != NULL ? read_crls(store, bio, text, why) : tls_why_from_queue(why, "%s", text->name);
    BIO_free(bio);
    return status;
}

typedef struct secret {
    const char *text;
    bool was_asked;
} secret;

static int tell_password(char *out, int room, int is_writing, void *arg) {
    (void)is_writing;
    secret *self = arg;
    self->was_asked = true;
    size_t n = self->text == NULL ? 0 : strlen(self->text);
    if (n == 0 || n > (size_t)room) return -1;
    memcpy(out, self->text, n);
    return (int)n;
}

static weir_status explain_no_key(const secret *asked, const tls_text *text, weir_tls_why *why) {
    if (ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE)
        return tls_why_from_queue(why, "%s", text->name);
    if (asked->was_asked) {
        const char *which = asked->text == NULL ? "and no password was given" : "and the password is wrong";
        tls_why_say(why, "%s: the private key is encrypted, %s", text->name, which);
    } else if (weir_bytes_find_bytes(text->bytes, weir_bytes_str("PRIVATE KEY-----")) == WEIR_NOT_FOUND) {
        tls_why_say(why, "%s: there is no private key in it", text->name);
    } else {
        return tls_why_from_queue(why, "%s: the private key cannot be read", text->name);
    }
    ERR_clear_error();
    return WEIR_E_INVALID;
}

weir_status tls_pem_key(EVP_PKEY **out, const tls_text *text, const char *password, weir_tls_why *why) {
    ERR_clear_error();
    secret asked = {.text = password};
    BIO *bio = open_bio(text);
    *out = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, tell_password, &asked);
    BIO_free(bio);
    if (*out == NULL) return explain_no_key(&asked, text, why);
    ERR_clear_error();
    return WEIR_OK;
}
