/* tls_handler_write.c - what is written: gathered into records, in chunks when there is much; and our end.
 *
 * Small writes are gathered until a flush, the end of the turn, or a full record. What is larger than a chunk, and
 * regions, wait in line and are encrypted chunk by chunk; a few are under way at a time, whatever the watermarks.
 */
#include <errno.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/core/alloc.h>

#include "tls/tls_engine_state.h"
#include "tls/tls_handler_state.h"

#define CHUNKS_UNDER_WAY 2

void tls_handler_refuse(tls_handler *self, weir_obj *msg, weir_promise *promise, weir_status status) {
    weir_obj_release(msg);
    if (promise != NULL) {
        weir_promise_complete(promise, status);
    } else if (status != WEIR_E_CLOSED && weir_channel_is_active(weir_ctx_channel(self->ctx))) {
        weir_ctx_fail(self->ctx, status, "write");
    }
}

/* ---- records outward ---- */

/* Why a write that was just made was refused, or WEIR_OK. Takes: promise. */
static weir_status refusal_of(tls_handler *self, weir_promise *promise) {
    weir_status status = self->refused;
    if (promise != NULL && weir_promise_is_done(promise)) status = weir_promise_status(promise);
    weir_promise_release(promise);
    self->refused = WEIR_OK;
    return status;
}

/* A record that is not taken leaves a hole that the peer cannot read across. Takes: records, promise. */
static void send_records(tls_handler *self, void *records, weir_promise *promise) {
    weir_promise *kept = weir_promise_retain(promise);
    bool was_writing = self->writing;
    tls_handler_hold(self);
    self->writing = true;
    weir_ctx_write(self->ctx, records, promise);
    self->writing = was_writing;
    weir_status status = refusal_of(self, kept);
    if (status != WEIR_OK && weir_channel_is_active(weir_ctx_channel(self->ctx)))
        weir_ctx_abort(self->ctx, status);
    tls_handler_let_go(self);
}

void tls_handler_send(tls_handler *self, weir_promise *promise) {
    weir_buf *records = weir_tls_engine_take(self->engine);
    tls_handler_hold(self);
    if (records != NULL) {
        send_records(self, records, promise);
    } else {
        weir_promise_complete(promise, WEIR_OK);
    }
    weir_region *said = tls_kernel_take(self->kernel);
    for (; said != NULL; said = tls_kernel_take(self->kernel)) {
        if (tls_handler_is_alive(self)) {
            send_records(self, said, NULL);
        } else {
            weir_region_release(said);
        }
    }
    tls_handler_let_go(self);
}

/* Takes: plain, promise. */
static void encrypt(tls_handler *self, weir_buf *plain, weir_promise *promise) {
    weir_tls_engine_set_now(self->engine, weir_loop_now(weir_ctx_loop(self->ctx)));
    weir_status status = weir_tls_engine_write(self->engine, plain);
    if (status == WEIR_OK) {
        tls_handler_send(self, promise);
        return;
    }
    tls_handler_hold(self);
    weir_promise_complete(promise, status);
    const char *why = weir_tls_engine_why(self->engine);
    tls_handler_fail(self, status, why[0] != 0 ? why : "TLS write");
    tls_handler_let_go(self);
}

/* ---- gathering ---- */

void tls_handler_seal(tls_handler *self) {
    weir_buf *plain = self->gathered;
    weir_promise *promise = self->gathered_promise;
    if (plain == NULL) return;
    self->gathered = NULL;
    self->gathered_promise = NULL;
    self->gathered_is_own = false;
    encrypt(self, plain, promise);
}

/* What is gathered lies in a buf of ours, with room for a record. */
static bool own_gathered(tls_handler *self, size_t record) {
    if (self->gathered_is_own) return true;
    weir_buf *own = weir_ctx_get_buf(self->ctx, record);
    if (own == NULL) return false;
    size_t n = weir_buf_readable(self->gathered);
    weir_buf_write_buf(own, self->gathered, n);
    weir_buf_release(self->gathered);
    self->gathered = own;
    self->gathered_is_own = true;
    self->gather_copied += n;
    return true;
}

/* Takes: plain, promise. */
static void gather(tls_handler *self, weir_buf *plain, weir_promise *promise) {
    if (self->gathered == NULL) {
        self->gathered = plain;
        self->gathered_promise = promise;
        weir_ctx_flush_later(self->ctx);
        return;
    }
    size_t n = weir_buf_readable(plain);
    weir_buf_write_buf(self->gathered, plain, n);
    weir_buf_release(plain);
    self->gather_copied += n;
    weir_promise_join(&self->gathered_promise, promise);
}

/* So many bytes more are of the same record. */
static bool has_room(tls_handler *self, size_t n, size_t record) {
    return weir_buf_readable(self->gathered) + n <= record && own_gathered(self, record);
}

/* Plaintext that may go now. Takes: plain, promise. */
static void absorb(tls_handler *self, weir_buf *plain, weir_promise *promise) {
    size_t n = weir_buf_readable(plain), record = tls_engine_record_size(self->engine);
    if (self->gathered != NULL && !has_room(self, n, record)) tls_handler_seal(self);
    if (!tls_handler_is_alive(self)) {
        tls_handler_refuse(self, (weir_obj *)plain, promise,
                           weir_waiting_line_cause(self->ctx, WEIR_E_CLOSED));
    } else if (n >= record) {
        encrypt(self, plain, promise);
    } else if (n == 0 && self->gathered == NULL) {
        weir_ctx_write(self->ctx, plain, promise);
    } else {
        gather(self, plain, promise);
    }
}

/* ---- chunks ---- */

static void chunk_left(void *arg, weir_status status) {
    tls_handler *self = arg;
    self->under_way--;
    if (status == WEIR_OK && tls_handler_is_alive(self)) tls_handler_pump(self);
    tls_handler_let_go(self);
}

/* Takes: plain. */
static void encrypt_chunk(tls_handler *self, weir_buf *plain) {
    weir_promise *promise = weir_promise_new(weir_ctx_loop(self->ctx));
    if (promise == NULL) {
        weir_buf_release(plain);
        weir_ctx_abort(self->ctx, WEIR_E_NO_MEMORY);
        return;
    }
    tls_handler_hold(self);
    self->under_way++;
    weir_promise_listen(promise, chunk_left, self);
    encrypt(self, plain, promise);
}

/* The first of the line cannot be had: the peer was promised the rest. */
static void give_up_first(tls_handler *self, weir_status status) {
    weir_waiting first = weir_waiting_line_take(&self->line, self->ctx);
    tls_handler_refuse(self, first.msg, first.promise, status);
    weir_ctx_abort(self->ctx, status);
}

static void pump_to_kernel(tls_handler *self) {
    weir_waiting first = weir_waiting_line_take(&self->line, self->ctx);
    tls_handler_pass(self, first.msg, first.promise);
}

static void pump_buf(tls_handler *self, const weir_waiting *first) {
    weir_ctx *ctx = self->ctx;
    if (first->size <= self->chunk) {
        weir_waiting last = weir_waiting_line_take(&self->line, ctx);
        absorb(self, weir_buf_from(last.msg), last.promise);
    } else {
        weir_buf *part = weir_waiting_line_take_part(&self->line, ctx, self->chunk);
        if (part == NULL) {
            give_up_first(self, WEIR_E_NO_MEMORY);
            return;
        }
        tls_handler_seal(self);
        if (tls_handler_is_alive(self)) {
            encrypt_chunk(self, part);
        } else {
            weir_buf_release(part);
        }
    }
}

/* ---- regions ---- */

static void region_ready(void *arg) {
    tls_handler *self = tls_handler_hold(arg);
    if (tls_handler_is_alive(self)) tls_handler_pump(self);
    tls_handler_let_go(self);
}

static void free_reader(tls_handler *self) {
    if (self->reader == NULL) return;
    weir_region_reader_clear(self->reader);
    weir_alloc_release(NULL, self->reader);
    self->reader = NULL;
}

static bool begin_region(tls_handler *self, const weir_waiting *first) {
    if (self->reader != NULL) return true;
    self->reader = weir_alloc_acquire(NULL, sizeof *self->reader);
    if (self->reader == NULL) return false;
    weir_region_reader_init(
        self->reader, weir_ctx_loop(self->ctx), weir_region_retain(weir_region_from(first->msg)),
        &(weir_region_reader_options){.chunk = self->chunk, .ready = region_ready, .arg = self});
    return true;
}

/* Takes: chunk, the last one. */
static void end_region(tls_handler *self, weir_buf *chunk) {
    weir_waiting last = weir_waiting_line_take(&self->line, self->ctx);
    free_reader(self);
    weir_obj_release(last.msg);
    absorb(self, chunk, last.promise);
}

/* False when the disk has to be waited for, or it has failed. */
static bool pump_region(tls_handler *self, const weir_waiting *first) {
    weir_buf *chunk = NULL;
    weir_status status = begin_region(self, first) ? weir_region_reader_next(self->reader, &chunk)
                                                   : (weir_status)WEIR_E_NO_MEMORY;
    if (status != WEIR_OK) {
        if (status != -EAGAIN) give_up_first(self, status);
        return false;
    }
    if (chunk == NULL) chunk = weir_buf_empty();
    size_t n = weir_buf_readable(chunk);
    self->region_read += n;
    if (weir_region_reader_left(self->reader) == 0) {
        end_region(self, chunk);
        return true;
    }
    weir_waiting_line_took(&self->line, self->ctx, n);
    tls_handler_seal(self);
    if (tls_handler_is_alive(self)) {
        encrypt_chunk(self, chunk);
    } else {
        weir_buf_release(chunk);
    }
    return true;
}

/* ---- our end ---- */

/* Takes nothing: close_promise goes with it. */
void tls_handler_finish_close(tls_handler *self) {
    weir_promise *promise = self->close_promise;
    self->close_done = true;
    self->close_promise = NULL;
    weir_timer_stop(&self->timer, weir_ctx_loop(self->ctx));
    weir_ctx_close(self->ctx, promise);
}

static void send_close_notify(tls_handler *self) {
    tls_handler_seal(self);
    if (tls_handler_is_alive(self) && !self->shut_done) {
        weir_tls_engine_end(self->engine);
        tls_handler_send(self, NULL);
    }
}

static void shut_down(tls_handler *self) {
    weir_promise *promise = self->shut_promise;
    self->shut_promise = NULL;
    send_close_notify(self);
    self->shut_done = true;
    weir_ctx_shutdown(self->ctx, promise);
    if (tls_handler_is_alive(self) && self->peer_ended && !self->close_wanted) tls_handler_finish_close(self);
}

/* Ours is sent once; then the peer's is waited for, as long as that may take. */
static void close_down(tls_handler *self) {
    bool is_first = !self->shut_done;
    send_close_notify(self);
    if (!tls_handler_is_alive(self)) return;
    self->shut_done = true;
    if (self->peer_ended) {
        tls_handler_finish_close(self);
        return;
    }
    if (is_first) weir_ctx_flush(self->ctx);
    if (!tls_handler_is_alive(self)) return; /* whoever hears that it left may have removed us */
    weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), self->close_ms);
    weir_ctx_pull(self->ctx);
}

void tls_handler_drop(tls_handler *self, weir_status why) {
    weir_buf *plain = self->gathered;
    weir_promise *gathered = self->gathered_promise, *shut = self->shut_promise;
    why = weir_waiting_line_cause(self->ctx, why);
    self->gathered = NULL;
    self->gathered_promise = self->shut_promise = NULL;
    tls_handler_hold(self);
    free_reader(self);
    weir_waiting_line_fail(&self->line, self->ctx, why);
    weir_buf_release(plain);
    weir_promise_complete(gathered, why);
    weir_promise_complete(shut, why);
    tls_handler_let_go(self);
}

/* ---- the line ---- */

static bool may_pump(const tls_handler *self) {
    return tls_handler_is_alive(self) && self->under_way < CHUNKS_UNDER_WAY &&
           weir_waiting_line_first(&self->line) != NULL;
}

/* What is written meanwhile goes behind what waits. */
static void pump_line(tls_handler *self) {
    self->pumping = true;
    for (bool goes_on = true; goes_on && may_pump(self);) {
        const weir_waiting *first = weir_waiting_line_first(&self->line);
        if (tls_kernel_is_on(self->kernel)) {
            pump_to_kernel(self);
        } else if (weir_region_from(first->msg) != NULL) {
            goes_on = pump_region(self, first);
        } else {
            pump_buf(self, first);
        }
        weir_waiting_line_note(self->ctx);
    }
    self->pumping = false;
}

void tls_handler_pump(tls_handler *self) {
    if (self->pumping || !self->done) return;
    tls_handler_hold(self);
    if (may_pump(self)) pump_line(self);
    bool is_through = tls_handler_is_alive(self) && weir_waiting_line_first(&self->line) == NULL;
    if (is_through && self->shut_wanted && !self->shut_done) shut_down(self);
    if (is_through && tls_handler_is_alive(self) && self->close_wanted && !self->close_done) close_down(self);
    tls_handler_let_go(self);
}

/* Takes: plain, promise. */
static void write_now(tls_handler *self, weir_buf *plain, weir_promise *promise) {
    self->pumping = true;
    absorb(self, plain, promise);
    self->pumping = false;
    tls_handler_pump(self);
}

void tls_handler_write(tls_handler *self, weir_obj *msg, weir_promise *promise) {
    weir_ctx *ctx = self->ctx;
    weir_buf *buf = weir_buf_from(msg);
    bool is_open = !self->failed && !self->shut_wanted && !self->close_wanted;
    weir_status status = is_open ? weir_waiting_line_admits(ctx, msg) : (weir_status)WEIR_E_CLOSED;
    if (status == WEIR_OK && buf != NULL) status = weir_buf_status(buf);
    if (status == WEIR_OK && buf == NULL && weir_region_from(msg) == NULL) status = WEIR_E_UNSUPPORTED;
    tls_handler_hold(self);
    if (status != WEIR_OK) {
        tls_handler_refuse(self, msg, promise, status);
    } else if (self->done && tls_kernel_is_on(self->kernel) && weir_waiting_line_first(&self->line) == NULL) {
        tls_handler_pass(self, msg, promise);
    } else if (self->done && !self->pumping && buf != NULL && weir_buf_readable(buf) <= self->chunk &&
               weir_waiting_line_first(&self->line) == NULL) {
        write_now(self, buf, promise);
    } else if (weir_waiting_line_push(&self->line, ctx, WEIR_WAITING_WRITE, msg, promise)) {
        tls_handler_pump(self);
    }
    tls_handler_let_go(self);
}
