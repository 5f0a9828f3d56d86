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

/* A file that is written beside its place, and then put there. */
typedef struct draft {
    const char *path;
    char *beside; /* NULL: nothing is there */
} draft;

static weir_status write_beside(const draft *self, mode_t mode, BIO *bio, int fd) {
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    weir_status status = write_all(fd, text, (size_t)len);
    if (status == WEIR_OK && fchmod(fd, mode) != 0) status = weir_status_from_errno(errno);
    if (close(fd) != 0 && status == WEIR_OK) status = weir_status_from_errno(errno);
    if (status != WEIR_OK) unlink(self->beside);
    return status;
}

/* mkostemp creates with O_EXCL and mode 0600. */
static weir_status write_draft(draft *self, mode_t mode, BIO *bio) {
    size_t room = strlen(self->path) + sizeof ".XXXXXX";
    self->beside = weir_alloc_acquire(NULL, room);
    if (self->beside == NULL) return WEIR_E_NO_MEMORY;
    snprintf(self->beside, room, "%s.XXXXXX", self->path);
    int fd = mkostemp(self->beside, O_CLOEXEC);
    weir_status status = fd < 0 ? weir_status_from_errno(errno) : write_beside(self, mode, bio, fd);
    if (status == WEIR_OK) return WEIR_OK;
    weir_alloc_release(NULL, self->beside);
    self->beside = NULL;
    return status;
}

static weir_status put(draft *self) {
    if (self->beside == NULL) return WEIR_OK;
    if (rename(self->beside, self->path) != 0) return weir_status_from_errno(errno);
    weir_alloc_release(NULL, self->beside);
    self->beside = NULL;
    return WEIR_OK;
}

static void drop(draft *self) {
    if (self->beside == NULL) return;
    unlink(self->beside);
    weir_alloc_release(NULL, self->beside);
}

static weir_status write_chain(draft *out, const weir_tls_identity *self) {
    if (out->path == NULL) return WEIR_OK;
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_written = bio != NULL && PEM_write_bio_X509(bio, self->leaf) == 1;
    for (int i = 0; is_written && i < sk_X509_num(self->chain); i++)
        is_written = PEM_write_bio_X509(bio, sk_X509_value(self->chain, i)) == 1;
    weir_status status = is_written ? write_draft(out, 0644, bio) : WEIR_E_NO_MEMORY;
    BIO_free(bio);
    return status;
}

/* BIO_s_secmem wipes what it held. */
static weir_status write_key(draft *out, const weir_tls_identity *self) {
    if (out->path == NULL) return WEIR_OK;
    BIO *bio = BIO_new(BIO_s_secmem());
    bool is_written =
        bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, self->key, NULL, NULL, 0, NULL, NULL) == 1;
    weir_status status = is_written ? write_draft(out, 0600, bio) : WEIR_E_NO_MEMORY;
    BIO_free(bio);
    return status;
}

/* Both are written before the first is put: a full disk leaves the pair that was there. */
weir_status weir_tls_identity_save(const weir_tls_identity *identity, const char *cert_file,
                                   const char *key_file) {
    if (cert_file != NULL && key_file != NULL && strcmp(cert_file, key_file) == 0) return WEIR_E_INVALID;
    draft key = {.path = key_file}, chain = {.path = cert_file};
    weir_status status = write_key(&key, identity);
    if (status == WEIR_OK) status = write_chain(&chain, identity);
    if (status == WEIR_OK) status = put(&key);
    if (status == WEIR_OK) status = put(&chain);
    drop(&key);
    drop(&chain);
    return status;
}
