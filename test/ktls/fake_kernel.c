/* fake_kernel.c - see fake_kernel.h. */
#include "fake_kernel.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faults/fault_wrap.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

enum {
    MOST_SOCKETS = 1024,
    MOST_PLAIN = 16384,
    MOST_RECORD = MOST_PLAIN + 64,
    MOST_ARGUMENTS = 6,
    TAG = 16,
    EXPLICIT = 8, /* of the nonce of GCM in TLS 1.2 */
};

fake_kernel fake;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* A socket that has the protocol; with keys when there is a cipher. */
typedef struct fake_socket {
    bool has_tls, is_1_3, counts_in_records;
    const EVP_CIPHER *cipher;
    uint8_t key[32], nonce[12], sequence[8];
    uint8_t
        left[MOST_RECORD]; /* of a record that the socket took in part; its bytes are not told as sent yet */
    size_t left_at, left_end, left_plain;
} fake_socket;

static fake_socket *sockets[MOST_SOCKETS];

bool fake_is_real(void) {
    const char *word = getenv("WEIR_KTLS");
    return word != NULL && strcmp(word, "real") == 0;
}

static fake_socket *keyed_socket(int fd) {
    fake_socket *self = fd >= 0 && fd < MOST_SOCKETS ? sockets[fd] : NULL;
    return self != NULL && self->cipher != NULL ? self : NULL;
}

/* ---- keys ---- */

static void take_gcm(fake_socket *self, const EVP_CIPHER *cipher, const void *key, size_t n, const void *salt,
                     const void *iv, const void *sequence) {
    self->cipher = cipher;
    self->counts_in_records = !self->is_1_3;
    memcpy(self->key, key, n);
    memcpy(self->nonce, salt, 4);
    memcpy(self->nonce + 4, iv, EXPLICIT);
    memcpy(self->sequence, sequence, sizeof self->sequence);
}

static void take_keys(fake_socket *self, const struct tls_crypto_info *info) {
    const struct tls12_crypto_info_aes_gcm_128 *small = (const void *)info;
    const struct tls12_crypto_info_aes_gcm_256 *large = (const void *)info;
    const struct tls12_crypto_info_chacha20_poly1305 *chacha = (const void *)info;
    self->is_1_3 = info->version == TLS_1_3_VERSION;
    if (info->cipher_type == TLS_CIPHER_AES_GCM_128) {
        take_gcm(self, EVP_aes_128_gcm(), small->key, sizeof small->key, small->salt, small->iv,
                 small->rec_seq);
    } else if (info->cipher_type == TLS_CIPHER_AES_GCM_256) {
        take_gcm(self, EVP_aes_256_gcm(), large->key, sizeof large->key, large->salt, large->iv,
                 large->rec_seq);
    } else {
        self->cipher = EVP_chacha20_poly1305();
        memcpy(self->key, chacha->key, sizeof chacha->key);
        memcpy(self->nonce, chacha->iv, sizeof chacha->iv);
        memcpy(self->sequence, chacha->rec_seq, sizeof chacha->rec_seq);
    }
}

static int refuse(int number) {
    errno = number;
    return -1;
}

static int give_protocol(int fd) {
    if (fake.is_absent) return refuse(ENOENT);
    if (fd >= MOST_SOCKETS || sockets[fd] != NULL) return refuse(EEXIST);
    sockets[fd] = calloc(1, sizeof *sockets[fd]);
    return sockets[fd] != NULL ? 0 : refuse(ENOMEM);
}

static int give_keys(int fd, const void *keys) {
    if (sockets[fd] == NULL) return refuse(ENOPROTOOPT);
    if (sockets[fd]->cipher != NULL) return refuse(EBUSY);
    take_keys(sockets[fd], keys);
    return 0;
}

WRAP(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t len)) {
    if (level == IPPROTO_TCP && name == TCP_ULP) {
        fake.asked++;
        return fake_is_real() ? __real_setsockopt(fd, level, name, value, len) : give_protocol(fd);
    }
    if (level != SOL_TLS) return __real_setsockopt(fd, level, name, value, len);
    if (fake.knows_none || fake.has_no_room) return refuse(fake.knows_none ? EINVAL : ENOMEM);
    int answer = fake_is_real() ? __real_setsockopt(fd, level, name, value, len) : give_keys(fd, value);
    if (answer == 0) fake.keyed++;
    return answer;
}

WRAP(int, close, (int fd)) {
    if (fd >= 0 && fd < MOST_SOCKETS) {
        free(sockets[fd]);
        sockets[fd] = NULL;
    }
    return __real_close(fd);
}

/* ---- records ---- */

static void count_up(uint8_t number[8]) {
    for (int i = 7; i >= 0 && ++number[i] == 0;) i--;
}

/* One record into `left` (RFC 8446, 5.2; RFC 5288, 3; RFC 7905, 2). */
static void seal(fake_socket *self, uint8_t type, const uint8_t *plain, size_t n) {
    uint8_t *to = self->left + 5, nonce[12], head[13];
    size_t inside = n + (self->is_1_3 ? 1 : 0), length = inside + TAG;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int done, head_size = 13;
    memcpy(nonce, self->nonce, sizeof nonce);
    if (self->counts_in_records) {
        memcpy(to, self->nonce + 4, EXPLICIT);
        to += EXPLICIT;
        length += EXPLICIT;
        count_up(self->nonce + 4);
    } else {
        for (int i = 0; i < 8; i++) nonce[4 + i] ^= self->sequence[i];
    }
    memcpy(self->left, (uint8_t[]){self->is_1_3 ? 23 : type, 3, 3, (uint8_t)(length >> 8), (uint8_t)length},
           5);
    memcpy(head, self->sequence, 8);
    memcpy(head + 8, (uint8_t[]){type, 3, 3, (uint8_t)(n >> 8), (uint8_t)n}, 5);
    if (self->is_1_3) memcpy(head, self->left, (size_t)(head_size = 5));
    EVP_EncryptInit_ex(ctx, self->cipher, NULL, self->key, nonce);
    EVP_EncryptUpdate(ctx, NULL, &done, head, head_size);
    EVP_EncryptUpdate(ctx, to, &done, plain, (int)n);
    if (self->is_1_3) EVP_EncryptUpdate(ctx, to + n, &done, &type, 1);
    EVP_EncryptFinal_ex(ctx, to + inside, &done);
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, to + inside);
    EVP_CIPHER_CTX_free(ctx);
    count_up(self->sequence);
    self->left_at = 0;
    self->left_end = 5 + length;
    self->left_plain = n;
}

/* False when the socket does not take all of the record; errno says why. */
static bool push_record(fake_socket *self, int fd) {
    size_t n = self->left_end - self->left_at;
    ssize_t sent =
        n == 0 ? 0 : __real_syscall(SYS_sendto, fd, self->left + self->left_at, n, MSG_NOSIGNAL, 0, 0);
    if (sent < 0) return false;
    self->left_at += (size_t)sent;
    errno = EAGAIN;
    return self->left_at == self->left_end;
}

/* Who was not told that bytes are sent comes with them again. */
static ssize_t send_records(int fd, uint8_t type, const uint8_t *bytes, size_t n) {
    fake_socket *self = sockets[fd];
    size_t sent = 0;
    do {
        size_t part = n - sent < MOST_PLAIN ? n - sent : MOST_PLAIN;
        if (self->left_plain == 0) seal(self, type, bytes + sent, part);
        if (!push_record(self, fd)) return sent > 0 ? (ssize_t)sent : -1;
        sent += self->left_plain;
        self->left_plain = 0;
    } while (sent < n);
    return (ssize_t)sent;
}

/* ---- the calls ---- */

static ssize_t send_message(int fd, const struct msghdr *header) {
    struct cmsghdr *control = CMSG_FIRSTHDR(header);
    uint8_t type = control != NULL && control->cmsg_level == SOL_TLS ? *CMSG_DATA(control) : 23, *all;
    size_t n = 0;
    for (size_t i = 0; i < header->msg_iovlen; i++) n += header->msg_iov[i].iov_len;
    all = malloc(n + 1);
    if (all == NULL) return refuse(ENOMEM);
    n = 0;
    for (size_t i = 0; i < header->msg_iovlen; i++) {
        memcpy(all + n, header->msg_iov[i].iov_base, header->msg_iov[i].iov_len);
        n += header->msg_iov[i].iov_len;
    }
    ssize_t sent = send_records(fd, type, all, n);
    free(all);
    return sent;
}

WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *header, int flags)) {
    return keyed_socket(fd) != NULL ? send_message(fd, header) : __real_sendmsg(fd, header, flags);
}

WRAP(ssize_t, sendfile, (int to, int from, off_t *at, size_t n)) {
    uint8_t piece[4 * MOST_PLAIN];
    if (keyed_socket(to) == NULL) return __real_sendfile(to, from, at, n);
    ssize_t got = pread(from, piece, n < sizeof piece ? n : sizeof piece, *at);
    ssize_t sent = got <= 0 ? got : send_records(to, 23, piece, (size_t)got);
    if (sent > 0) *at += sent;
    return sent;
}

long __wrap_syscall(long number, ...) {
    long args[MOST_ARGUMENTS];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < MOST_ARGUMENTS; i++) args[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_sendto && keyed_socket((int)args[0]) != NULL)
        return send_records((int)args[0], 23, (const uint8_t *)args[1], (size_t)args[2]);
    if (number == SYS_sendmsg && keyed_socket((int)args[0]) != NULL)
        return send_message((int)args[0], (const struct msghdr *)args[1]);
    return __real_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}
