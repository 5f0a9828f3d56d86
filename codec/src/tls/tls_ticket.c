/* tls_ticket.c - a ticket is the session itself, sealed: whoever gets the key can read all that was sealed with it, so
 * keys live short and are wiped. OpenSSL's own key lives as long as the process.
 */
#include "tls/tls_ticket.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <weir/core/alloc.h>

typedef struct ticket_key {
    uint8_t name[TLS_TICKET_NAME], cipher[TLS_TICKET_SECRET], mac[TLS_TICKET_SECRET];
} ticket_key;

_Static_assert(sizeof(ticket_key) == TLS_TICKET_KEY, "read as one run of bytes");

typedef struct slot {
    ticket_key key;
    int64_t opens_until;
} slot;

struct tls_tickets {
    pthread_mutex_t lock;
    slot slots[TLS_TICKET_KEYS_MOST]; /* the first seals */
    size_t count;
    bool is_fixed; /* given by the program: nothing changes by itself */
    int64_t rotate_s, seals_until;
    tls_ticket_clock *clock;
    void *clock_arg;
    EVP_CIPHER *aes;
};

static int64_t system_seconds(void *arg) {
    (void)arg;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* A fresh key in front; those that are too old to open anything go. */
static bool rotate(tls_tickets *self, int64_t now) {
    slot fresh = {.opens_until = now + 2 * self->rotate_s};
    if (RAND_priv_bytes((unsigned char *)&fresh.key, sizeof fresh.key) != 1) return false;
    slot before = self->slots[0];
    OPENSSL_cleanse(self->slots, sizeof self->slots);
    self->slots[0] = fresh;
    if (self->count != 0 && before.opens_until > now) self->slots[1] = before;
    self->count = self->slots[1].opens_until != 0 ? 2 : 1;
    self->seals_until = now + self->rotate_s;
    OPENSSL_cleanse(&fresh, sizeof fresh);
    OPENSSL_cleanse(&before, sizeof before);
    return true;
}

tls_tickets *tls_tickets_new(unsigned rotate_s) {
    tls_tickets *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    pthread_mutex_init(&self->lock, NULL);
    self->rotate_s = rotate_s;
    self->clock = system_seconds;
    self->aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (self->aes != NULL && rotate(self, self->clock(NULL))) return self;
    tls_tickets_free(self);
    return NULL;
}

void tls_tickets_free(tls_tickets *self) {
    if (self == NULL) return;
    EVP_CIPHER_free(self->aes);
    pthread_mutex_destroy(&self->lock);
    OPENSSL_cleanse(self, sizeof *self);
    weir_alloc_release(NULL, self);
}

void tls_tickets_set_clock(tls_tickets *self, tls_ticket_clock *clock, void *arg) {
    self->clock = clock;
    self->clock_arg = arg;
    int64_t now = clock(arg);
    self->seals_until = now + self->rotate_s;
    self->slots[0].opens_until = now + 2 * self->rotate_s;
}

weir_status tls_tickets_set(tls_tickets *self, weir_bytes keys) {
    size_t count = keys.len / TLS_TICKET_KEY;
    if (count == 0 || count > TLS_TICKET_KEYS_MOST || keys.len % TLS_TICKET_KEY != 0) return WEIR_E_INVALID;
    pthread_mutex_lock(&self->lock);
    OPENSSL_cleanse(self->slots, sizeof self->slots);
    for (size_t i = 0; i < count; i++)
        memcpy(&self->slots[i].key, keys.ptr + i * TLS_TICKET_KEY, TLS_TICKET_KEY);
    self->count = count;
    self->is_fixed = true;
    pthread_mutex_unlock(&self->lock);
    return WEIR_OK;
}

/* Without random bytes for a new key the old one goes on. */
static void rotate_when_due(tls_tickets *self) {
    if (self->is_fixed) return;
    int64_t now = self->clock(self->clock_arg);
    if (now >= self->seals_until) rotate(self, now);
}

static void get_sealing(tls_tickets *self, ticket_key *out) {
    pthread_mutex_lock(&self->lock);
    rotate_when_due(self);
    *out = self->slots[0].key;
    pthread_mutex_unlock(&self->lock);
}

/* Where the key of that name stands, or -1. */
static int get_opening(tls_tickets *self, const unsigned char *name, ticket_key *out) {
    int at = -1;
    pthread_mutex_lock(&self->lock);
    rotate_when_due(self);
    int64_t now = self->is_fixed ? 0 : self->clock(self->clock_arg);
    for (size_t i = 0; i < self->count && at < 0; i++) {
        const slot *at_hand = &self->slots[i];
        bool opens = self->is_fixed || at_hand->opens_until > now;
        if (opens && memcmp(at_hand->key.name, name, TLS_TICKET_NAME) == 0) at = (int)i;
    }
    if (at >= 0) *out = self->slots[at].key;
    pthread_mutex_unlock(&self->lock);
    return at;
}

static bool set_mac(EVP_MAC_CTX *mac, ticket_key *key) {
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

enum answer {
    FAILED = -1,
    UNKNOWN = 0,
    GOOD = 1,
    GOOD_BUT_OLD = 2 /* the client gets a new ticket */
};

static int seal(tls_tickets *self, ticket_key *key, unsigned char *name, unsigned char *iv,
                EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac) {
    get_sealing(self, key);
    memcpy(name, key->name, TLS_TICKET_NAME);
    bool is_ready = RAND_bytes(iv, EVP_CIPHER_get_iv_length(self->aes)) == 1 &&
                    EVP_EncryptInit_ex2(cipher, self->aes, key->cipher, iv, NULL) == 1 && set_mac(mac, key);
    return is_ready ? GOOD : FAILED;
}

static int unseal(tls_tickets *self, ticket_key *key, const unsigned char *name, const unsigned char *iv,
                  EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac) {
    int at = get_opening(self, name, key);
    if (at < 0) return UNKNOWN;
    bool is_ready = set_mac(mac, key) && EVP_DecryptInit_ex2(cipher, self->aes, key->cipher, iv, NULL) == 1;
    return !is_ready ? FAILED : at == 0 ? GOOD : GOOD_BUT_OLD;
}

int tls_tickets_on_key(tls_tickets *self, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                       EVP_MAC_CTX *mac, int is_sealing) {
    ticket_key key;
    int answer =
        is_sealing ? seal(self, &key, name, iv, cipher, mac) : unseal(self, &key, name, iv, cipher, mac);
    OPENSSL_cleanse(&key, sizeof key);
    return answer;
}
