/* pcap_handler.c - a channel's events as the segments of a TCP connection: handshake, data both ways, end. */
#include <weir/transport/pcap_handler.h>

#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/event.h>

#include "handlers/pcap_file.h"

typedef struct captured {
    weir_pcap *pcap; /* held */
    pcap_end here, there;
    bool begun, here_ended, there_ended;
} captured;

/* A channel without an IP address gets one that tells it from others. */
static void name_end(pcap_end *end, const weir_addr *addr, uint64_t id, uint8_t last) {
    end->port = (uint16_t)weir_addr_port(addr);
    if (ip_key_of(addr, &end->ip)) return;
    weir_addr made_up;
    if (weir_addr_parse(&made_up, "127.1.0.0", 0) == WEIR_OK) ip_key_of(&made_up, &end->ip);
    end->ip.bytes[14] = (uint8_t)(id >> 16);
    end->ip.bytes[15] = last;
    end->port = (uint16_t)id;
}

static void shake_hands(captured *self, weir_channel *channel) {
    weir_addr here, there;
    weir_channel_local_addr(channel, &here);
    weir_channel_remote_addr(channel, &there);
    name_end(&self->here, &here, weir_channel_id(channel), 1);
    name_end(&self->there, &there, weir_channel_id(channel), 2);
    pcap_file_segment(self->pcap, &self->there, &self->here, PCAP_SYN, NULL, 0);
    pcap_file_segment(self->pcap, &self->here, &self->there, PCAP_SYN | PCAP_ACK, NULL, 0);
    pcap_file_segment(self->pcap, &self->there, &self->here, PCAP_ACK, NULL, 0);
    self->begun = true;
}

static void note_message(captured *self, pcap_end *from, const pcap_end *to, weir_obj *msg) {
    uint64_t n = weir_obj_size(msg);
    if (self->begun && n != 0)
        pcap_file_segment(self->pcap, from, to, PCAP_PSH | PCAP_ACK, weir_buf_from(msg), n);
}

static void end_here(captured *self) {
    if (!self->begun || self->here_ended) return;
    self->here_ended = true;
    pcap_file_segment(self->pcap, &self->here, &self->there, PCAP_FIN | PCAP_ACK, NULL, 0);
}

static void end_there(captured *self) {
    if (!self->begun || self->there_ended) return;
    self->there_ended = true;
    pcap_file_segment(self->pcap, &self->there, &self->here, PCAP_FIN | PCAP_ACK, NULL, 0);
}

static void reset(captured *self, pcap_end *from, const pcap_end *to) {
    if (!self->begun || (self->here_ended && self->there_ended)) return;
    self->here_ended = self->there_ended = true;
    pcap_file_segment(self->pcap, from, to, PCAP_RST | PCAP_ACK, NULL, 0);
}

/* ---- the handler ---- */

static void pcap_removed(weir_ctx *ctx) {
    captured *self = weir_ctx_state(ctx);
    weir_pcap_release(self->pcap);
    weir_alloc_release(NULL, self);
}

static void pcap_active(weir_ctx *ctx) {
    shake_hands(weir_ctx_state(ctx), weir_ctx_channel(ctx));
    weir_ctx_fire_active(ctx);
}

static void pcap_read(weir_ctx *ctx, weir_obj *msg) {
    captured *self = weir_ctx_state(ctx);
    if (!self->begun) shake_hands(self, weir_ctx_channel(ctx)); /* added to a channel that was active */
    note_message(self, &self->there, &self->here, msg);
    weir_ctx_fire_read(ctx, msg);
}

static void pcap_event(weir_ctx *ctx, weir_obj *event) {
    if (event == &weir_event_peer_closed.obj) end_there(weir_ctx_state(ctx));
    weir_ctx_fire_event(ctx, event);
}

static void pcap_error(weir_ctx *ctx, const weir_error *error) {
    captured *self = weir_ctx_state(ctx);
    if (!weir_channel_is_active(weir_ctx_channel(ctx))) reset(self, &self->there, &self->here);
    weir_ctx_fire_error(ctx, error);
}

static void pcap_inactive(weir_ctx *ctx) {
    captured *self = weir_ctx_state(ctx);
    end_here(self);
    weir_ctx_fire_inactive(ctx);
}

static void pcap_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    captured *self = weir_ctx_state(ctx);
    if (!self->begun && weir_channel_is_active(weir_ctx_channel(ctx)))
        shake_hands(self, weir_ctx_channel(ctx));
    note_message(self, &self->here, &self->there, msg);
    weir_ctx_write(ctx, msg, promise);
}

static void pcap_shutdown(weir_ctx *ctx, weir_promise *promise) {
    end_here(weir_ctx_state(ctx));
    weir_ctx_shutdown(ctx, promise);
}

static void pcap_abort(weir_ctx *ctx, weir_status why) {
    captured *self = weir_ctx_state(ctx);
    reset(self, &self->here, &self->there);
    weir_ctx_abort(ctx, why);
}

const weir_handler weir_pcap_handler = {
    .name = "pcap",
    .removed = pcap_removed,
    .active = pcap_active,
    .read = pcap_read,
    .event = pcap_event,
    .error = pcap_error,
    .inactive = pcap_inactive,
    .write = pcap_write,
    .shutdown = pcap_shutdown,
    .abort = pcap_abort,
};

weir_status weir_pcap_handler_add(weir_pipeline *pipeline, weir_pcap *pcap) {
    captured *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->pcap = weir_pcap_retain(pcap);
    weir_status status = weir_pipeline_add_first(pipeline, &weir_pcap_handler, self);
    if (status == WEIR_OK) return WEIR_OK;
    weir_pcap_release(pcap);
    weir_alloc_release(NULL, self);
    return status;
}
