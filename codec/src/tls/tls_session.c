/* tls_session.c - a hash table in which the entries also stand in a row by age. */
#include "tls/tls_session.h"

#include <pthread.h>
#include <string.h>

#include <weir/core/alloc.h>
#include <weir/core/list.h>

enum {
    OF_ONE_PEER = 4, /* as many connections to it can begin at once with a session each */
    BUCKETS_MOST = 1 << 16
};

typedef struct entry {
    weir_list age;
    struct entry *next; /* in its bucket, newer ones first */
    SSL_SESSION *session;
    uint32_t hash;
    char peer[];
} entry;

struct tls_sessions {
    pthread_mutex_t lock;
    weir_list ages; /* the newest in front */
    unsigned count, most;
    uint32_t mask;
    entry *buckets[];
};

tls_sessions *tls_sessions_new(unsigned most) {
    uint32_t buckets = 1;
    while (buckets < most && buckets < BUCKETS_MOST) buckets *= 2;
    tls_sessions *self = weir_alloc_zeroed(NULL, 1, sizeof *self + buckets * sizeof(entry *));
    if (self == NULL) return NULL;
    pthread_mutex_init(&self->lock, NULL);
    weir_list_init(&self->ages);
    self->most = most;
    self->mask = buckets - 1;
    return self;
}

static uint32_t hash_of(const char *peer) {
    uint32_t hash = 2166136261u; /* FNV-1a: names are the program's own, nobody floods the table */
    for (; *peer != '\0'; peer++) hash = (hash ^ (uint8_t)*peer) * 16777619u;
    return hash;
}

static void remove_entry(tls_sessions *self, entry *gone) {
    entry **at = &self->buckets[gone->hash & self->mask];
    while (*at != gone) at = &(*at)->next;
    *at = gone->next;
    weir_list_remove(&gone->age);
    self->count--;
    SSL_SESSION_free(gone->session);
    weir_alloc_release(NULL, gone);
}

static entry *oldest(tls_sessions *self) {
    return WEIR_CONTAINER(self->ages.prev, entry, age);
}

void tls_sessions_free(tls_sessions *self) {
    if (self == NULL) return;
    while (!weir_list_is_empty(&self->ages)) remove_entry(self, oldest(self));
    pthread_mutex_destroy(&self->lock);
    weir_alloc_release(NULL, self);
}

/* Only those of TLS 1.3 are for one use, so that several of a peer are worth keeping. */
static bool is_for_one_use(const SSL_SESSION *session) {
    return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

static bool is_of(const entry *self, uint32_t hash, const char *peer) {
    return self->hash == hash && strcmp(self->peer, peer) == 0;
}

/* Leaves `keep` of a peer, the newest. */
static void thin_out(tls_sessions *self, uint32_t hash, const char *peer, unsigned keep) {
    entry *next;
    for (entry *at = self->buckets[hash & self->mask]; at != NULL; at = next) {
        next = at->next;
        if (!is_of(at, hash, peer)) continue;
        if (keep == 0) {
            remove_entry(self, at);
        } else {
            keep--;
        }
    }
}

static void insert(tls_sessions *self, entry *fresh) {
    thin_out(self, fresh->hash, fresh->peer, is_for_one_use(fresh->session) ? OF_ONE_PEER - 1 : 0);
    if (self->count == self->most) remove_entry(self, oldest(self));
    entry **bucket = &self->buckets[fresh->hash & self->mask];
    fresh->next = *bucket;
    *bucket = fresh;
    weir_list_push_front(&self->ages, &fresh->age);
    self->count++;
}

bool tls_sessions_put(tls_sessions *self, const char *peer, SSL_SESSION *session) {
    size_t room = strlen(peer) + 1;
    entry *fresh = weir_alloc_acquire(NULL, sizeof *fresh + room);
    if (fresh == NULL) {
        SSL_SESSION_free(session);
        return false;
    }
    fresh->session = session;
    fresh->hash = hash_of(peer);
    memcpy(fresh->peer, peer, room);
    pthread_mutex_lock(&self->lock);
    insert(self, fresh);
    pthread_mutex_unlock(&self->lock);
    return true;
}

/* OpenSSL marks a session that failed as not resumable. */
static bool is_good(const SSL_SESSION *session, int64_t now_s) {
    int64_t age = now_s - (int64_t)SSL_SESSION_get_time(session);
    unsigned long hint = SSL_SESSION_get_ticket_lifetime_hint(session);
    return SSL_SESSION_is_resumable(session) && age >= 0 && age < (int64_t)SSL_SESSION_get_timeout(session) &&
           (hint == 0 || age < (int64_t)hint);
}

static SSL_SESSION *take_from(tls_sessions *self, entry *found) {
    SSL_SESSION *session = found->session;
    SSL_SESSION_up_ref(session);
    if (is_for_one_use(session)) {
        remove_entry(self, found);
    } else {
        weir_list_remove(&found->age);
        weir_list_push_front(&self->ages, &found->age);
    }
    return session;
}

SSL_SESSION *tls_sessions_take(tls_sessions *self, const char *peer, int64_t now_s) {
    SSL_SESSION *session = NULL;
    uint32_t hash = hash_of(peer);
    pthread_mutex_lock(&self->lock);
    entry *next;
    for (entry *at = self->buckets[hash & self->mask]; at != NULL && session == NULL; at = next) {
        next = at->next;
        if (!is_of(at, hash, peer)) continue;
        if (is_good(at->session, now_s)) {
            session = take_from(self, at);
        } else {
            remove_entry(self, at);
        }
    }
    pthread_mutex_unlock(&self->lock);
    return session;
}

uint64_t tls_sessions_count(tls_sessions *self) {
    pthread_mutex_lock(&self->lock);
    uint64_t count = self->count;
    pthread_mutex_unlock(&self->lock);
    return count;
}
