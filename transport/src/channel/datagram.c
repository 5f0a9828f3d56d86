/* datagram.c - the message of datagram channels.
 *
 * Its memory holds the loop, for as long as there is that memory: so a datagram may outlive its loop, and
 * recycling one costs no atomic operation.
 */
#include "channel/datagram_internal.h"

/* A loop keeps so many for use again: 72 KiB, and one turn's worth of reads by default. */
#define DATAGRAMS_KEPT 256

static void free_memory(weir_datagram *datagram) {
    weir_loop *loop = datagram->loop;
    weir_alloc_release(loop->alloc, datagram);
    loop_release(loop);
}

static void free_datagram(weir_obj *obj) {
    weir_datagram *datagram = (weir_datagram *)(void *)obj;
    weir_loop *loop = datagram->loop;
    weir_buf_release(datagram->content);
    if (!loop_is_current(loop) || loop->datagrams_kept >= DATAGRAMS_KEPT) {
        free_memory(datagram);
        return;
    }
    datagram->content = (weir_buf *)(void *)loop->datagrams; /* the next one */
    loop->datagrams = datagram;
    loop->datagrams_kept++;
}

static weir_datagram *take_kept(weir_loop *loop) {
    weir_datagram *datagram = loop->datagrams;
    loop->datagrams = (weir_datagram *)(void *)datagram->content;
    loop->datagrams_kept--;
    return datagram;
}

void datagrams_free(weir_loop *loop) {
    while (loop->datagrams != NULL) free_memory(take_kept(loop));
    loop->datagrams_kept = DATAGRAMS_KEPT; /* from now on none is kept */
}

static uint64_t datagram_size(const weir_obj *obj) {
    return weir_buf_readable(((const weir_datagram *)(const void *)obj)->content);
}

static weir_leak_counter living = {.name = "datagram"};
const weir_obj_type weir_datagram_type = {
    .name = "datagram", .free = free_datagram, .size = datagram_size, .live = &living};

static weir_datagram *get_memory(weir_loop *loop) {
    if (loop_is_current(loop) && loop->datagrams != NULL) return take_kept(loop);
    weir_datagram *datagram = weir_alloc_acquire(loop->alloc, sizeof *datagram);
    if (datagram == NULL) return NULL;
    loop_retain(loop);
    datagram->loop = loop;
    return datagram;
}

weir_datagram *datagram_get(weir_loop *loop, weir_buf *content) {
    weir_datagram *datagram = content != NULL ? get_memory(loop) : NULL;
    if (datagram == NULL) {
        weir_buf_release(content);
        return NULL;
    }
    weir_obj_init(&datagram->obj, &weir_datagram_type);
    datagram->content = content;
    datagram->remote.len = datagram->local.len = 0;
    datagram->interface = 0;
    datagram->segment_size = 0;
    datagram->ecn = 0;
    datagram->truncated = false;
    return datagram;
}

weir_datagram *weir_datagram_new(weir_loop *loop, weir_buf *content, const weir_addr *remote) {
    weir_datagram *datagram = datagram_get(loop, content);
    if (datagram != NULL && remote != NULL) datagram->remote = *remote;
    return datagram;
}

weir_datagram *weir_datagram_reply(const weir_datagram *to, weir_buf *content) {
    weir_datagram *datagram = weir_datagram_new(to->loop, content, &to->remote);
    if (datagram != NULL) datagram->local = to->local;
    return datagram;
}

weir_buf *weir_datagram_unwrap(weir_datagram *datagram) {
    weir_buf *content = weir_buf_retain(datagram->content);
    weir_datagram_release(datagram);
    return content;
}
