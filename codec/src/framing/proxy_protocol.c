/* proxy_protocol.c - the handler that waits for the header, keeps it, and makes way. */
#include <errno.h>
#include <string.h>

#include <weir/codec/proxy_protocol.h>
#include <weir/core/alloc.h>
#include <weir/transport/attribute.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>

#include "framing/first_bytes.h"

enum {
    LENGTH_DEFAULT = 2048,
    LENGTH_MOST = 4096,
    TIMEOUT_MS = 10000
};

typedef struct waiter {
    first_bytes first;
    weir_proxy_protocol_options options;
} waiter;

/* ---- what is kept ---- */

typedef struct kept_header {
    weir_proxy_header header;
    uint8_t tlvs[];
} kept_header;

static void free_kept(void *value) {
    weir_alloc_release(NULL, value);
}

static const weir_attribute_key header_key = {.name = "proxy_header", .free = free_kept};

static weir_status keep(weir_channel *channel, const weir_proxy_header *header) {
    kept_header *kept = weir_alloc_acquire(NULL, sizeof *kept + header->tlvs.len);
    if (kept == NULL) return WEIR_E_NO_MEMORY;
    kept->header = *header;
    if (header->tlvs.len != 0) memcpy(kept->tlvs, header->tlvs.ptr, header->tlvs.len);
    kept->header.tlvs = weir_bytes_of(kept->tlvs, header->tlvs.len);
    return weir_channel_set_attribute(channel, &header_key, kept);
}

const weir_proxy_header *weir_proxy_protocol_header(const weir_channel *channel) {
    const kept_header *kept = weir_channel_attribute(channel, &header_key);
    return kept != NULL ? &kept->header : NULL;
}

void weir_proxy_protocol_remote_addr(const weir_channel *channel, weir_addr *out) {
    const weir_proxy_header *header = weir_proxy_protocol_header(channel);
    if (header != NULL && header->source.len != 0) {
        *out = header->source;
    } else {
        weir_channel_remote_addr(channel, out);
    }
}

/* ---- deciding ---- */

static weir_decode parse(const waiter *self, weir_bytes start, size_t *used, weir_error *error) {
    weir_proxy_header header;
    weir_decode answer = weir_proxy_header_parse(start, self->options.max_length, &header, used, error);
    if (answer != WEIR_DECODE_AGAIN) return answer;
    weir_status status = keep(weir_ctx_channel(self->first.ctx), &header);
    return status == WEIR_OK ? answer : weir_decode_fail(error, status, "PROXY header", 0, 0);
}

static void decide(first_bytes *first) {
    uint8_t room[LENGTH_MOST];
    size_t used;
    weir_error error = {.offset = 0};
    weir_decode answer = parse((waiter *)first, first_bytes_copy(first, room), &used, &error);
    if (answer == WEIR_DECODE_FAILED) {
        first_bytes_fail(first, &error);
    } else if (answer == WEIR_DECODE_AGAIN) {
        weir_buf_skip(first->bytes.in, used);
        first_bytes_make_way(first);
    }
}

static bool is_trusted(const waiter *self) {
    weir_addr peer;
    if (self->options.trusted == NULL) return true;
    weir_channel_remote_addr(weir_ctx_channel(self->first.ctx), &peer);
    return weir_ip_filter_allows(self->options.trusted, &peer);
}

static void start(first_bytes *first) {
    const waiter *self = (waiter *)first;
    if (is_trusted(self)) {
        first_bytes_wait(first);
    } else if (self->options.others_pass) {
        first_bytes_make_way(first);
    } else {
        first_bytes_fail(first,
                         &(weir_error){.status = -EACCES, .what = "PROXY header of somebody not trusted"});
    }
}

static const first_bytes_ops waiting = {.what = "PROXY header", .start = start, .decide = decide};

/* ---- the handler ---- */

const weir_handler weir_proxy_protocol = {
    .name = "proxy_protocol",
    .added = first_bytes_added,
    .removed = first_bytes_removed,
    .active = first_bytes_active,
    .read = first_bytes_read,
    .read_complete = first_bytes_read_complete,
    .inactive = first_bytes_inactive,
};

weir_status weir_proxy_protocol_add(weir_pipeline *pipeline, const weir_proxy_protocol_options *options) {
    if (options->max_length > LENGTH_MOST) return WEIR_E_INVALID;
    waiter *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->options = *options;
    self->first.ops = &waiting;
    if (options->max_length == 0) self->options.max_length = LENGTH_DEFAULT;
    self->first.most = LENGTH_MOST;
    self->first.timeout_ms = options->timeout_ms == 0 ? TIMEOUT_MS : options->timeout_ms;
    if (options->no_timeout) self->first.timeout_ms = 0;
    return first_bytes_add(pipeline, &weir_proxy_protocol, &self->first);
}
