/* tls_kernel.c - see tls_kernel.h. */
#include "tls/tls_kernel.h"

#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <weir/core/alloc.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
/* Types of records, and the level of an alert. */
#define ALERT 21
#define APPLICATION_DATA 23
#define FATAL 2

struct tls_kernel_record {
    weir_region region;
    tls_kernel_record *next;
    uint8_t type;
    uint8_t bytes[];
};

/* ---- a record that is only sent ---- */

static ssize_t read_nothing(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    (void)region, (void)at, (void)dst, (void)n, (void)may_wait;
    return -EOPNOTSUPP;
}

static ssize_t send_record(weir_region *region, uint64_t at, size_t n, int fd) {
    tls_kernel_record *self = (tls_kernel_record *)region;
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(1)];
    } control = {.room = {0}};
    struct iovec vec = {self->bytes + at, n};
    struct msghdr header = {
        .msg_iov = &vec, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_LEN(1)};
    control.head.cmsg_level = SOL_TLS;
    control.head.cmsg_type = TLS_SET_RECORD_TYPE;
    control.head.cmsg_len = CMSG_LEN(1);
    *CMSG_DATA(&control.head) = self->type;
    ssize_t sent = sendmsg(fd, &header, MSG_NOSIGNAL);
    return sent >= 0 ? sent : -errno;
}

static void free_record(weir_region *region) {
    weir_alloc_release(NULL, region);
}

static const weir_region_ops record_ops = {
    .name = "tls record",
    .read = read_nothing,
    .send = send_record,
    .never_waits = true,
    .only_sent = true,
    .free = free_record,
};

bool tls_kernel_say(tls_kernel *kernel, const void *bytes, size_t n) {
    uint8_t type = kernel->record_type != 0 ? kernel->record_type : APPLICATION_DATA;
    kernel->record_type = 0;
    tls_kernel_record *record = weir_alloc_acquire(NULL, sizeof *record + n);
    if (record == NULL) return false;
    weir_region_init(&record->region, &record_ops, n);
    record->next = NULL;
    record->type = type;
    memcpy(record->bytes, bytes, n);
    if (kernel->first == NULL) {
        kernel->first = record;
    } else {
        kernel->last->next = record;
    }
    kernel->last = record;
    return true;
}

weir_region *tls_kernel_take(tls_kernel *kernel) {
    tls_kernel_record *record = kernel != NULL ? kernel->first : NULL;
    if (record == NULL) return NULL;
    kernel->first = record->next;
    return &record->region;
}

void tls_kernel_take_back(tls_kernel *kernel) {
    for (weir_region *said; (said = tls_kernel_take(kernel)) != NULL;) weir_region_release(said);
}

void tls_kernel_alert(tls_kernel *kernel, uint8_t description) {
    kernel->record_type = ALERT;
    tls_kernel_say(kernel, (const uint8_t[]){FATAL, description}, 2);
}

/* ---- the kernel ---- */

static atomic_bool is_absent;

tls_kernel *tls_kernel_new(int fd) {
    if (fd < 0 || atomic_load_explicit(&is_absent, memory_order_relaxed)) return NULL;
    if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls") != 0) {
        if (errno == ENOENT) atomic_store_explicit(&is_absent, true, memory_order_relaxed);
        return NULL;
    }
    tls_kernel *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self != NULL) self->fd = fd;
    return self;
}

void tls_kernel_free(tls_kernel *kernel) {
    if (kernel == NULL) return;
    tls_kernel_take_back(kernel);
    weir_alloc_release(NULL, kernel);
}

static socklen_t size_of_keys(const struct tls_crypto_info *keys) {
    switch (keys->cipher_type) {
    case TLS_CIPHER_AES_GCM_128: return sizeof(struct tls12_crypto_info_aes_gcm_128);
    case TLS_CIPHER_AES_GCM_256: return sizeof(struct tls12_crypto_info_aes_gcm_256);
    case TLS_CIPHER_CHACHA20_POLY1305: return sizeof(struct tls12_crypto_info_chacha20_poly1305);
    default: return 0;
    }
}

bool tls_kernel_begin(tls_kernel *kernel, const void *keys) {
    const struct tls_crypto_info *info = keys;
    socklen_t size = size_of_keys(info);
    if (kernel->is_on || size == 0 || !kernel->push(kernel->arg)) return false;
    if (setsockopt(kernel->fd, SOL_TLS, TLS_TX, keys, size) != 0) return false;
    kernel->is_on = true;
    atomic_fetch_add_explicit(kernel->count, 1, memory_order_relaxed);
    return true;
}
