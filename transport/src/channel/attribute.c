/* attribute.c - a short list of keys and values that ends with its channel, or its loop. */
#include <weir/transport/attribute.h>

#include "channel/channel_internal.h"

struct attribute {
    attribute *next;
    const weir_attribute_key *key;
    void *value;
};

static void free_value(const weir_attribute_key *key, void *value) {
    if (value != NULL && key->free != NULL) key->free(value);
}

/* The link that points to the attribute of this key, or the last link. */
static attribute **find(attribute **link, const weir_attribute_key *key) {
    while (*link != NULL && (*link)->key != key) link = &(*link)->next;
    return link;
}

static void *value_of(attribute *list, const weir_attribute_key *key) {
    const attribute *found = *find(&list, key);
    return found != NULL ? found->value : NULL;
}

static weir_status add(weir_alloc *alloc, attribute **link, const weir_attribute_key *key, void *value,
                       bool is_over) {
    attribute *made = is_over ? NULL : weir_alloc_acquire(alloc, sizeof *made);
    if (made == NULL) {
        free_value(key, value);
        return is_over ? WEIR_E_CLOSED : WEIR_E_NO_MEMORY;
    }
    *made = (attribute){.key = key, .value = value};
    *link = made;
    return WEIR_OK;
}

static void unlink_and_free(weir_alloc *alloc, attribute **link) {
    attribute gone = **link;
    weir_alloc_release(alloc, *link);
    *link = gone.next;
    free_value(gone.key, gone.value);
}

/* `is_over`: nothing more is added. */
static weir_status set(weir_alloc *alloc, attribute **list, const weir_attribute_key *key, void *value,
                       bool is_over) {
    attribute **link = find(list, key);
    if (*link == NULL) return value == NULL ? WEIR_OK : add(alloc, link, key, value, is_over);
    if (value == NULL) {
        unlink_and_free(alloc, link);
        return WEIR_OK;
    }
    void *before = (*link)->value;
    (*link)->value = value;
    if (before != value) free_value(key, before);
    return WEIR_OK;
}

void attribute_free_all(attribute **list, weir_alloc *alloc) {
    while (*list != NULL) unlink_and_free(alloc, list);
}

/* ---- of a channel ---- */

weir_status weir_channel_set_attribute(weir_channel *channel, const weir_attribute_key *key, void *value) {
    loop_check_current(channel->loop, __func__);
    return set(channel->loop->alloc, &channel->attributes, key, value, channel_is_gone(channel));
}

void *weir_channel_attribute(const weir_channel *channel, const weir_attribute_key *key) {
    loop_check_current(channel->loop, __func__);
    return value_of(channel->attributes, key);
}

/* ---- of a loop ---- */

weir_status weir_loop_set_attribute(weir_loop *loop, const weir_attribute_key *key, void *value) {
    loop_check_current(loop, __func__);
    return set(loop->alloc, &loop->attributes, key, value, false);
}

void *weir_loop_attribute(const weir_loop *loop, const weir_attribute_key *key) {
    loop_check_current(loop, __func__);
    return value_of(loop->attributes, key);
}
