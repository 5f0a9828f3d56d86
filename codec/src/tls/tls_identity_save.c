/* tls_identity_save.c - written beside its place and renamed into it: who reads finds the old or the new one, and a key
 * is never for a moment in a file that others can open. */
#include <weir/codec/tls_identity.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/core/alloc.h>

#include "tls/tls_identity_inside.h"

static weir_status write_all(int fd, const char *at, size_t left) {
    while (left != 0) {
        ssize_t n = write(fd, at, left);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return weir_status_from_errno(errno);
        at += n;
        left -= (size_t)n;
    }
    return WEIR_OK;
}

/* mkostemp creates with O_EXCL and mode 0600. */
static weir_status write_beside(char *beside, const char *path, mode_t mode, const char *text, size_t len) {
    int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0) return weir_status_from_errno(errno);
    weir_status status = write_all(fd, text, len);
    if (status == WEIR_OK && fchmod(fd, mode) != 0) status = weir_status_from_errno(errno);
    if (close(fd) != 0 && status == WEIR_OK) status = weir_status_from_errno(errno);
    if (status == WEIR_OK && rename(beside, path) != 0) status = weir_status_from_errno(errno);
    if (status != WEIR_OK) unlink(beside);
    return status;
}

static weir_status write_file(const char *path, mode_t mode, BIO *bio) {
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    size_t room = strlen(path) + sizeof ".XXXXXX";
    char *beside = weir_alloc_acquire(NULL, room);
    if (beside == NULL) return WEIR_E_NO_MEMORY;
    snprintf(beside, room, "%s.XXXXXX", path);
    weir_status status = write_beside(beside, path, mode, text, (size_t)len);
    weir_alloc_release(NULL, beside);
    return status;
}

static weir_status save_chain(const weir_tls_identity *self, const char *path) {
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_written = bio != NULL && PEM_write_bio_X509(bio, self->leaf) == 1;
    for (int i = 0; is_written && i < sk_X509_num(self->chain); i++)
        is_written = PEM_write_bio_X509(bio, sk_X509_value(self->chain, i)) == 1;
    weir_status status = is_written ? write_file(path, 0644, bio) : WEIR_E_NO_MEMORY;
    BIO_free(bio);
    return status;
}

/* BIO_s_secmem wipes what it held. */
static weir_status save_key(const weir_tls_identity *self, const char *path) {
    BIO *bio = BIO_new(BIO_s_secmem());
    bool is_written =
        bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, self->key, NULL, NULL, 0, NULL, NULL) == 1;
    weir_status status = is_written ? write_file(path, 0600, bio) : WEIR_E_NO_MEMORY;
    BIO_free(bio);
    return status;
}

weir_status weir_tls_identity_save(const weir_tls_identity *identity, const char *cert_file,
                                   const char *key_file) {
    weir_status status = key_file == NULL ? WEIR_OK : save_key(identity, key_file);
    if (status != WEIR_OK || cert_file == NULL) return status;
    return save_chain(identity, cert_file);
}
