/* connection_limiter.c - a table of addresses with a connection; an attribute of the channel counts it out again.
 *
 * The hash begins with a secret of the process, so that nobody can choose addresses that all meet in one bucket.
 */
#include <weir/transport/connection_limiter.h>

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

#include <weir/core/alloc.h>
#include <weir/core/list.h>
#include <weir/transport/attribute.h>

#include "handlers/ip_key.h"

#define BUCKETS 1024

typedef struct counted_address {
    weir_list link; /* in its bucket */
    ip_key key;
    unsigned connections;
} counted_address;

struct weir_connection_limiter {
    weir_obj obj;
    weir_connection_limiter_options options;
    weir_attribute_key key; /* of a counted_connection */
    uint64_t secret;
    pthread_mutex_t lock; /* of all below */
    weir_connection_limiter_stats stats;
    weir_list buckets[BUCKETS];
};

/* What a channel keeps of being counted. */
typedef struct counted_connection {
    weir_connection_limiter *limiter; /* held */
    counted_address *address;
} counted_connection;

static void free_limiter(weir_obj *obj) {
    weir_connection_limiter *limiter = (weir_connection_limiter *)(void *)obj;
    pthread_mutex_destroy(&limiter->lock);
    weir_alloc_release(NULL, limiter);
}

static weir_leak_counter living = {.name = "connection_limiter"};
static const weir_obj_type limiter_type = {
    .name = "connection_limiter", .free = free_limiter, .live = &living};

static void count_out(void *value) {
    counted_connection gone = *(counted_connection *)value;
    weir_alloc_release(NULL, value);
    pthread_mutex_lock(&gone.limiter->lock);
    gone.limiter->stats.connections--;
    bool last = --gone.address->connections == 0;
    if (last) {
        weir_list_remove(&gone.address->link);
        gone.limiter->stats.addresses--;
    }
    pthread_mutex_unlock(&gone.limiter->lock);
    if (last) weir_alloc_release(NULL, gone.address);
    weir_connection_limiter_release(gone.limiter);
}

weir_connection_limiter *weir_connection_limiter_new(const weir_connection_limiter_options *options) {
    weir_connection_limiter_options chosen = {0};
    if (options != NULL) chosen = *options;
    if (chosen.per_address == 0) chosen.per_address = 100;
    if (chosen.v4_prefix == 0) chosen.v4_prefix = 32;
    if (chosen.v6_prefix == 0) chosen.v6_prefix = 64;
    if (chosen.most_addresses == 0) chosen.most_addresses = 65536;
    if (chosen.v4_prefix > 32 || chosen.v6_prefix > 128) return NULL;
    weir_connection_limiter *limiter = weir_alloc_zeroed(NULL, 1, sizeof *limiter);
    if (limiter == NULL) return NULL;
    limiter->options = chosen;
    limiter->key = (weir_attribute_key){.name = "connection_limiter", .free = count_out};
    if (getrandom(&limiter->secret, sizeof limiter->secret, GRND_NONBLOCK) < 0)
        limiter->secret = (uintptr_t)limiter;
    pthread_mutex_init(&limiter->lock, NULL);
    for (size_t i = 0; i < BUCKETS; i++) weir_list_init(&limiter->buckets[i]);
    weir_obj_init(&limiter->obj, &limiter_type);
    return limiter;
}

weir_connection_limiter *weir_connection_limiter_retain(weir_connection_limiter *limiter) {
    return weir_obj_retain(limiter);
}

void weir_connection_limiter_release(weir_connection_limiter *limiter) {
    weir_obj_release(limiter);
}

/* ---- the table; under the lock ---- */

static weir_list *bucket_of(weir_connection_limiter *limiter, const ip_key *key) {
    uint64_t words[2], hash = limiter->secret;
    memcpy(words, key->bytes, sizeof words);
    for (int i = 0; i < 2; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    return &limiter->buckets[hash % BUCKETS];
}

static counted_address *find(weir_list *bucket, const ip_key *key) {
    for (weir_list *link = bucket->next; link != bucket; link = link->next) {
        counted_address *address = WEIR_CONTAINER(link, counted_address, link);
        if (memcmp(&address->key, key, sizeof *key) == 0) return address;
    }
    return NULL;
}

/* One connection more of this address: in `*out`. */
static weir_status count_in(weir_connection_limiter *limiter, const ip_key *key, counted_address **out) {
    weir_list *bucket = bucket_of(limiter, key);
    counted_address *address = find(bucket, key);
    if (address == NULL) {
        if (limiter->stats.addresses >= limiter->options.most_addresses) return -EACCES;
        address = weir_alloc_zeroed(NULL, 1, sizeof *address);
        if (address == NULL) return WEIR_E_NO_MEMORY;
        address->key = *key;
        weir_list_push_back(bucket, &address->link);
        limiter->stats.addresses++;
    } else if (address->connections >= limiter->options.per_address) {
        return -EACCES;
    }
    address->connections++;
    limiter->stats.connections++;
    *out = address;
    return WEIR_OK;
}

/* ---- connections ---- */

static bool key_of_peer(const weir_connection_limiter *limiter, weir_channel *channel, ip_key *key) {
    weir_addr peer;
    weir_channel_remote_addr(channel, &peer);
    if (!ip_key_of(&peer, key)) return false;
    ip_key_cut(key, ip_key_is_v4(key) ? 96 + limiter->options.v4_prefix : limiter->options.v6_prefix);
    return true;
}

weir_status weir_connection_limiter_admit(weir_connection_limiter *limiter, weir_pipeline *pipeline) {
    weir_channel *channel = weir_pipeline_channel(pipeline);
    ip_key key;
    if (weir_channel_attribute(channel, &limiter->key) != NULL || !key_of_peer(limiter, channel, &key))
        return WEIR_OK;
    counted_connection *counted = weir_alloc_acquire(NULL, sizeof *counted);
    if (counted == NULL) return WEIR_E_NO_MEMORY;
    pthread_mutex_lock(&limiter->lock);
    weir_status status = count_in(limiter, &key, &counted->address);
    if (status == -EACCES) limiter->stats.refused++;
    pthread_mutex_unlock(&limiter->lock);
    if (status != WEIR_OK) {
        weir_alloc_release(NULL, counted);
        return status;
    }
    counted->limiter = weir_connection_limiter_retain(limiter);
    return weir_channel_set_attribute(channel, &limiter->key, counted);
}

void weir_connection_limiter_get_stats(weir_connection_limiter *limiter, weir_connection_limiter_stats *out) {
    pthread_mutex_lock(&limiter->lock);
    *out = limiter->stats;
    pthread_mutex_unlock(&limiter->lock);
}
