/* tls_ticket.h - private: the keys that seal a server's session tickets (RFC 5077 4, RFC 8446 4.6.1). */
#ifndef WEIR_CODEC_TLS_TICKET_H
#define WEIR_CODEC_TLS_TICKET_H

#include <openssl/ssl.h>
#include <stdint.h>

#include <weir/core/bytes.h>
#include <weir/core/status.h>

enum {
    TLS_TICKET_NAME = 16,
    TLS_TICKET_SECRET = 32,
    TLS_TICKET_KEY = TLS_TICKET_NAME + 2 * TLS_TICKET_SECRET,
    TLS_TICKET_KEYS_MOST = 8
};

typedef struct tls_tickets tls_tickets;

/* Seconds that never go back. */
typedef int64_t tls_ticket_clock(void *arg);

/* A key is used for `rotate_s` and opens for as long again. Gives: keys, or NULL when out of memory or random bytes. */
tls_tickets *tls_tickets_new(unsigned rotate_s);
void tls_tickets_free(tls_tickets *self);

/* Another clock than the system's, for tests; the age of keys counts from now. Before other threads. */
void tls_tickets_set_clock(tls_tickets *self, tls_ticket_clock *clock, void *arg);

/* From now on exactly these. Fails: WEIR_E_INVALID. Any thread. */
weir_status tls_tickets_set(tls_tickets *self, weir_bytes keys);

/* A callback of SSL_CTX_set_tlsext_ticket_key_evp_cb; finds its keys through the context. */
int tls_tickets_on_key(tls_tickets *self, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac, int is_sealing);

#endif
