/* text_decoder.c - frames that are text, or are made so.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_text.h>
#include <weir/buffer/buf_view.h>
#include <weir/codec/text_decoder.h>
#include <weir/transport/ctx.h>

static void pass_text(weir_ctx *ctx, weir_obj *msg) {
    weir_buf *text = weir_buf_from(msg);
    if (text == NULL || weir_buf_is_utf8(text)) {
        weir_ctx_fire_read(ctx, msg);
        return;
    }
    weir_buf_release(text);
    weir_ctx_fail(ctx, WEIR_E_FRAME_CORRUPT, "text that is not UTF-8");
}

/* One piece, for a character may lie across two parts. Gives: a new buf, or NULL. */
static weir_buf *make_text_of(const weir_buf *text) {
    weir_buf *whole = weir_buf_copy(text), *repaired = weir_buf_new(weir_buf_readable(text));
    if (whole != NULL && repaired != NULL) weir_buf_write_utf8_lossy(repaired, weir_buf_peek(whole));
    bool is_done = whole != NULL && repaired != NULL && weir_buf_status(repaired) == WEIR_OK;
    weir_buf_release(whole);
    if (is_done) return repaired;
    weir_buf_release(repaired);
    return NULL;
}

static void repair_text(weir_ctx *ctx, weir_obj *msg) {
    weir_buf *text = weir_buf_from(msg);
    if (text == NULL || weir_buf_is_utf8(text)) {
        weir_ctx_fire_read(ctx, msg);
        return;
    }
    weir_buf *repaired = make_text_of(text);
    weir_buf_release(text);
    if (repaired == NULL) {
        weir_ctx_fail(ctx, WEIR_E_NO_MEMORY, "text");
    } else {
        weir_ctx_fire_read(ctx, &repaired->obj);
    }
}

const weir_handler weir_text_decoder = {.name = "text_decoder", .read = pass_text};
const weir_handler weir_text_repairer = {.name = "text_repairer", .read = repair_text};

weir_status weir_text_decoder_add(weir_pipeline *pipeline, bool repair) {
    return weir_pipeline_add_last(pipeline, repair ? &weir_text_repairer : &weir_text_decoder, NULL);
}
