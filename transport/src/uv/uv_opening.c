/* uv_opening.c - see uv_opening.h. One task serves for the beginning and for the end: the second is posted only
 * when the first has run. */
#include "uv/uv_opening.h"

static void end(uv_opening *self) {
    uv_channel *uv = self->uv;
    self->settle(uv);
    channel_wire_closed(&uv->channel);
}

static void run_end(weir_task *task) {
    end(WEIR_CONTAINER(task, uv_opening, task));
}

static void run_begin(weir_task *task) {
    uv_opening *self = WEIR_CONTAINER(task, uv_opening, task);
    weir_channel *channel = &self->uv->channel;
    self->begun = true;
    if (channel_is_open(channel)) {
        self->begin(self->uv);
    } else {
        (void)channel_open(channel, NULL, NULL); /* it ends as one of the loop's */
        end(self);
    }
}

weir_status uv_opening_post(uv_opening *self, uv_channel *uv) {
    self->uv = uv;
    self->task.run = run_begin;
    return weir_loop_post_task(uv->channel.loop, &self->task);
}

void uv_opening_close(uv_opening *self) {
    if (!self->begun) return;
    self->task.run = run_end;
    if (loop_post_own(self->uv->channel.loop, &self->task) != WEIR_OK) WEIR_UNREACHABLE();
}
