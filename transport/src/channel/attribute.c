/* attribute.c - a short list of keys and values that ends with its channel. */
#include <weir/transport/attribute.h>

#include "channel/channel_internal.h"

struct channel_attribute {
    channel_attribute *next;
    const weir_attribute_key *key;
    void *value;
};

static void free_value(const weir_attribute_key *key, void *value) {
    if (value != NULL && key->free != NULL) key->free(value);
}

/* The link that points to the attribute of this key, or the last link. */
static channel_attribute **find(channel_attribute **link, const weir_attribute_key *key) {
    while (*link != NULL && (*link)->key != key) link = &(*link)->next;
    return link;
}

static weir_status add(weir_channel *channel, channel_attribute **link, const weir_attribute_key *key,
                       void *value) {
    channel_attribute *made = NULL;
    if (!channel_is_gone(channel)) made = weir_alloc_acquire(channel->loop->alloc, sizeof *made);
    if (made == NULL) {
        free_value(key, value);
        return channel_is_gone(channel) ? WEIR_E_CLOSED : WEIR_E_NO_MEMORY;
    }
    *made = (channel_attribute){.key = key, .value = value};
    *link = made;
    return WEIR_OK;
}

static void unlink_and_free(weir_channel *channel, channel_attribute **link) {
    channel_attribute attribute = **link;
    weir_alloc_release(channel->loop->alloc, *link);
    *link = attribute.next;
    free_value(attribute.key, attribute.value);
}

weir_status weir_channel_set_attribute(weir_channel *channel, const weir_attribute_key *key, void *value) {
    loop_check_current(channel->loop, __func__);
    channel_attribute **link = find(&channel->attributes, key);
    if (*link == NULL) return value == NULL ? WEIR_OK : add(channel, link, key, value);
    if (value == NULL) {
        unlink_and_free(channel, link);
        return WEIR_OK;
    }
    void *before = (*link)->value;
    (*link)->value = value;
    if (before != value) free_value(key, before);
    return WEIR_OK;
}

void *weir_channel_attribute(const weir_channel *channel, const weir_attribute_key *key) {
    loop_check_current(channel->loop, __func__);
    channel_attribute *attributes = channel->attributes;
    const channel_attribute *found = *find(&attributes, key);
    return found != NULL ? found->value : NULL;
}

void channel_free_attributes(weir_channel *channel) {
    while (channel->attributes != NULL) unlink_and_free(channel, &channel->attributes);
}
