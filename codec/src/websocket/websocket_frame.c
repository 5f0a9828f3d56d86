/* websocket_frame.c - a payload with its header in front, and the keys of masks. */
#include <errno.h>
#include <sys/random.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_memory.h>
#include <weir/codec/websocket_frame.h>

#include "websocket/frame_out.h"
#include "websocket/mask.h"

/* ---- masks ---- */

void weir_websocket_mask(uint8_t *bytes, size_t n, const uint8_t *mask, size_t at) {
    uint8_t turned[4];
    uint32_t key;
    for (size_t i = 0; i < sizeof turned; i++) turned[i] = mask[(at + i) & 3];
    memcpy(&key, turned, sizeof key);
    websocket_mask(bytes, n, key);
}

void weir_websocket_mask_buf(weir_buf *buf, const uint8_t *mask) {
    if (!weir_buf_is_composite(buf)) {
        weir_websocket_mask(buf->rp, (size_t)(buf->wp - buf->rp), mask, 0);
        return;
    }
    size_t reader = weir_buf_reader_index(buf);
    for (size_t i = 0; i < weir_buf_composite_count(buf); i++) {
        size_t at;
        weir_bytes part = weir_buf_composite_part(buf, i, &at);
        size_t read = at >= reader ? 0 : reader - at < part.len ? reader - at : part.len;
        weir_websocket_mask((uint8_t *)(uintptr_t)part.ptr + read, part.len - read, mask, at + read - reader);
    }
}

weir_status weir_websocket_keys_next(weir_websocket_keys *keys, uint8_t *out) {
    if (keys->left == 0) {
        ssize_t got = getrandom(keys->bytes, sizeof keys->bytes, 0);
        if (got != (ssize_t)sizeof keys->bytes) return weir_status_from_errno(got < 0 ? errno : EIO);
        keys->left = sizeof keys->bytes;
    }
    keys->left -= 4;
    memcpy(out, keys->bytes + keys->left, 4);
    return WEIR_OK;
}

/* ---- frames ---- */

weir_buf *websocket_get_buf(weir_pool *pool, size_t capacity) {
    return pool == NULL ? weir_buf_new(capacity) : weir_pool_get(pool, capacity);
}

weir_buf *websocket_get_payload(weir_pool *pool, size_t capacity) {
    weir_buf *buf = websocket_get_buf(pool, WEIR_WEBSOCKET_HEADER_MOST + capacity);
    if (buf != NULL) weir_buf_reserve_headroom(buf, WEIR_WEBSOCKET_HEADER_MOST);
    return buf;
}

static bool has_own_headroom(const weir_buf *buf) {
    return !weir_buf_is_composite(buf) && !weir_buf_is_read_only(buf) && weir_buf_is_unshared(buf);
}

/* Takes: payload. */
static weir_buf *join(const uint8_t *header, size_t size, weir_buf *payload, weir_pool *pool) {
    weir_buf *both = weir_buf_composite_new();
    if (both == NULL) {
        weir_buf_release(payload);
        return NULL;
    }
    weir_buf *front = websocket_get_buf(pool, size);
    if (front != NULL) weir_buf_write_bytes(front, header, size);
    weir_status status = weir_buf_composite_append(both, front);
    if (weir_buf_composite_append(both, payload) == WEIR_OK && status == WEIR_OK) return both;
    weir_buf_release(both);
    return NULL;
}

weir_buf *websocket_frame_in_headroom(const weir_websocket_header *header, weir_buf *payload, bool headroom,
                                      weir_pool *pool) {
    uint8_t bytes[WEIR_WEBSOCKET_HEADER_MOST];
    size_t size = weir_websocket_header_write(header, bytes);
    if (!headroom || !weir_buf_prepend(payload, size)) return join(bytes, size, payload, pool);
    memcpy(payload->rp, bytes, size);
    return payload;
}

weir_buf *weir_websocket_frame(const weir_websocket_header *header, weir_buf *payload, weir_pool *pool) {
    if (payload == NULL) return NULL;
    weir_websocket_header whole = *header;
    whole.length = weir_buf_readable(payload);
    if (header->masked && whole.length != 0) {
        payload = weir_buf_unshare(payload);
        if (payload == NULL) return NULL;
        weir_websocket_mask_buf(payload, header->mask);
    }
    return websocket_frame_in_headroom(&whole, payload, has_own_headroom(payload), pool);
}
