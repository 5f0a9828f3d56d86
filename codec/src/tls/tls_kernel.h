/* tls_kernel.h - private: Linux's TLS, for sending: who has the keys of a connection encrypts what goes into the socket.
 *
 * Everything sent before must have left, in records of OpenSSL's; afterwards bytes become records of application data by
 * themselves. What OpenSSL still says (alerts, tickets, the end of a handshake of 1.2) is kept here as regions that are
 * only sent, each a record of its type.
 */
#ifndef WEIR_CODEC_TLS_KERNEL_H
#define WEIR_CODEC_TLS_KERNEL_H

#include <stdatomic.h>

#include <weir/transport/region.h>

typedef struct tls_kernel_record tls_kernel_record;

typedef struct tls_kernel {
    int fd;
    uint8_t record_type;     /* of what OpenSSL writes next; 0: application data */
    bool is_on;              /* it encrypts */
    bool (*push)(void *arg); /* sends what there is; whether all of it has left */
    void *arg;
    atomic_ullong *count;            /* of those that are on */
    tls_kernel_record *first, *last; /* said and not taken */
    uint64_t plain, regions;         /* bytes it was given, and those of regions of them */
} tls_kernel;

/* Gives: one for the TCP connection `fd`, or NULL when its kernel has no TLS or there is no memory. What a process was
 * told once is not asked again. */
tls_kernel *tls_kernel_new(int fd);

/* With what is not taken. Takes: kernel, or NULL. */
void tls_kernel_free(tls_kernel *kernel);

static inline bool tls_kernel_is_on(const tls_kernel *kernel) {
    return kernel != NULL && kernel->is_on;
}

/* Keys as OpenSSL tells them: <linux/tls.h>'s struct of the cipher. False: it goes on without. Borrows: both. */
bool tls_kernel_begin(tls_kernel *kernel, const void *keys);

/* A record of `record_type`. False when out of memory. Borrows: both. */
bool tls_kernel_say(tls_kernel *kernel, const void *bytes, size_t n);

/* A fatal alert; out of memory the peer sees the connection end. Borrows: kernel. */
void tls_kernel_alert(tls_kernel *kernel, uint8_t description);

/* What was said and not taken is not said. Borrows: kernel. */
void tls_kernel_take_back(tls_kernel *kernel);

/* Gives: what was said first, or NULL. Borrows: kernel, which may be NULL. */
weir_region *tls_kernel_take(tls_kernel *kernel);

#endif
