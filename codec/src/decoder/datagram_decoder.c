/* datagram_decoder.c - decode functions of streams over datagrams, each a stream of its own.
 *
 * Rule: `depth` keeps `self` while somebody is told; removed meanwhile, the rest of the datagram is dropped.
 */
#include <weir/codec/cumulation.h>
#include <weir/codec/datagram_decoder.h>
#include <weir/core/alloc.h>
#include <weir/transport/ctx.h>

/* ---- the envelope ---- */

static void free_envelope(weir_obj *obj) {
    weir_envelope *self = (weir_envelope *)(void *)obj;
    weir_obj_release(self->object);
    weir_alloc_release(NULL, self);
}

const weir_obj_type weir_envelope_type = {.name = "envelope", .free = free_envelope};

weir_envelope *weir_envelope_new(weir_obj *object, const weir_addr *remote) {
    weir_envelope *self = object == NULL ? NULL : weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) {
        weir_obj_release(object);
        return NULL;
    }
    weir_obj_init(&self->obj, &weir_envelope_type);
    if (remote != NULL) self->remote = *remote;
    self->object = object;
    return self;
}

/* ---- the handler ---- */

typedef struct datagram_decoder {
    const weir_datagram_codec_ops *ops;
    void *state;
    weir_decoder_options options;
    unsigned depth;
    bool is_removed;
} datagram_decoder;

static void leave(datagram_decoder *self) {
    if (self->depth > 0 || !self->is_removed) return;
    if (self->ops->free != NULL) self->ops->free(self->state);
    weir_alloc_release(NULL, self);
}

static void pass_on(weir_ctx *ctx, weir_obj *object, const weir_addr *remote) {
    weir_envelope *envelope = weir_envelope_new(object, remote);
    if (envelope == NULL) {
        weir_ctx_fail(ctx, WEIR_E_NO_MEMORY, "datagram");
    } else {
        weir_ctx_fire_read(ctx, &envelope->obj);
    }
}

/* One step; false when there is no more. */
static bool step(weir_ctx *ctx, datagram_decoder *self, weir_cumulation *bytes, bool is_end,
                 const weir_addr *remote) {
    weir_obj *object;
    weir_error error;
    weir_decode answer =
        is_end ? weir_cumulation_end(bytes, self->ops->decode_last, self->state, &object, &error)
               : weir_cumulation_next(bytes, self->ops->decode, self->state, &object, &error);
    if (answer == WEIR_DECODE_MORE) return false;
    if (object != NULL) pass_on(ctx, object, remote);
    if (answer == WEIR_DECODE_SKIPPED || answer == WEIR_DECODE_FAILED) weir_ctx_fire_error(ctx, &error);
    return !self->is_removed;
}

static void decode_datagram(weir_ctx *ctx, weir_obj *msg) {
    datagram_decoder *self = weir_ctx_state(ctx);
    weir_datagram *datagram = weir_datagram_from(msg);
    if (datagram == NULL || self->ops->decode == NULL) {
        weir_ctx_fire_read(ctx, msg);
        return;
    }
    weir_cumulation bytes;
    weir_cumulation_init(&bytes, &self->options);
    weir_addr remote = datagram->remote;
    self->depth++;
    if (self->ops->reset != NULL) self->ops->reset(self->state);
    weir_status status = weir_cumulation_add(&bytes, weir_datagram_unwrap(datagram));
    if (status != WEIR_OK) weir_ctx_fail(ctx, status, "datagram");
    while (!self->is_removed && step(ctx, self, &bytes, false, &remote)) {
    }
    while (!self->is_removed && step(ctx, self, &bytes, true, &remote)) {
    }
    weir_cumulation_clear(&bytes);
    self->depth--;
    leave(self);
}

static void encode_envelope(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    datagram_decoder *self = weir_ctx_state(ctx);
    weir_envelope *envelope = weir_envelope_from(msg);
    if (envelope == NULL || self->ops->encode == NULL) {
        weir_ctx_write(ctx, msg, promise);
        return;
    }
    const weir_addr *remote = envelope->remote.len == 0 ? NULL : &envelope->remote;
    weir_buf *content = self->ops->encode(self->state, weir_obj_retain(envelope->object));
    weir_datagram *datagram = weir_datagram_new(weir_ctx_loop(ctx), content, remote);
    weir_obj_release(envelope);
    weir_ctx_write(ctx, datagram, promise);
}

static void datagram_decoder_removed(weir_ctx *ctx) {
    datagram_decoder *self = weir_ctx_state(ctx);
    self->is_removed = true;
    leave(self);
}

const weir_handler weir_datagram_decoder = {
    .name = "datagram_decoder",
    .removed = datagram_decoder_removed,
    .read = decode_datagram,
    .write = encode_envelope,
};

weir_status weir_datagram_decoder_add(weir_pipeline *pipeline, const weir_datagram_codec_ops *ops,
                                      void *state, const weir_decoder_options *options) {
    datagram_decoder *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    weir_status status = WEIR_E_NO_MEMORY;
    if (self != NULL) {
        self->ops = ops;
        self->state = state;
        if (options != NULL) self->options = *options;
        status = weir_pipeline_add_last(pipeline, &weir_datagram_decoder, self);
    }
    if (status == WEIR_OK) return WEIR_OK;
    weir_alloc_release(NULL, self);
    if (ops->free != NULL) ops->free(state);
    return status;
}
