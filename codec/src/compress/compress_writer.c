/* compress_writer.c - a line of what was written, and the compressor behind it.
 *
 * Rule: nothing of `self` is trusted across a call into the pipeline but that it exists: `depth` counts ours on the
 * stack, and the task that is posted. What comes in while one call is at work gets in line.
 */
#include <weir/codec/compress_writer.h>

#include <errno.h>

#include <weir/core/alloc.h>
#include <weir/core/list.h>
#include <weir/transport/channel.h>
#include <weir/transport/loop.h>
#include <weir/transport/promise.h>
#include <weir/transport/region_reader.h>

enum {
    REGION_A_TURN = 256 * 1024, /* then others have theirs: small output may be a lot of work */
    WAITING_MOST = 16 << 20
};

typedef enum kind {
    BEGIN,
    WRITE,
    PASS,
    FLUSH,
    END,
    SHUTDOWN,
    CLOSE,
} kind;

typedef struct entry {
    weir_list link;
    kind kind;
    weir_obj *msg;
    weir_promise *promise;
    weir_compressor *compressor;
    bool is_begun; /* a region that the reader has */
} entry;

/* A promise whose bytes the compressor may still hold. */
typedef struct owed {
    weir_list link;
    weir_promise *promise;
} owed;

struct weir_compress_writer {
    weir_ctx *ctx;
    weir_compressor *compressor;
    weir_list line;  /* entry */
    weir_list owing; /* owed */
    weir_region_reader reader;
    size_t waiting; /* bytes of bufs in the line */
    size_t budget;  /* of region bytes, in this turn */
    weir_task task;
    unsigned depth;
    weir_status refused; /* how the write under way failed at once */
    bool is_posted;
    bool is_writing;
    bool is_pumping;
    bool is_broken; /* the stream has a hole, or the channel has ended */
    bool is_freed;
};

/* ---- life ---- */

static void enter(weir_compress_writer *self) {
    self->depth++;
}

static void leave(weir_compress_writer *self) {
    if (--self->depth != 0 || !self->is_freed) return;
    weir_compressor_free(self->compressor);
    weir_alloc_release(NULL, self);
}

static bool is_alive(const weir_compress_writer *self) {
    return !self->is_freed && !self->is_broken;
}

static void run_task(weir_task *task);
static void region_ready(void *arg);

weir_compress_writer *weir_compress_writer_new(void) {
    weir_compress_writer *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    self->budget = REGION_A_TURN;
    self->task.run = run_task;
    weir_list_init(&self->line);
    weir_list_init(&self->owing);
    return self;
}

void weir_compress_writer_start(weir_compress_writer *self, weir_ctx *ctx) {
    self->ctx = ctx;
}

static entry *first_of(const weir_compress_writer *self) {
    return weir_list_is_empty(&self->line) ? NULL : WEIR_CONTAINER(self->line.next, entry, link);
}

static size_t memory_of(const entry *e) {
    return e->msg != NULL && weir_obj_is(e->msg, &weir_buf_type) ? (size_t)weir_obj_size(e->msg) : 0;
}

/* Takes: what `e` holds. */
static void drop(weir_compress_writer *self, const entry *e, weir_status why) {
    weir_obj_release(e->msg);
    weir_compressor_free(e->compressor);
    if (e->promise != NULL) {
        weir_promise_complete(e->promise, why);
    } else if (why != WEIR_E_CLOSED && why != WEIR_E_CANCELED && e->kind == WRITE) {
        weir_ctx_fail(self->ctx, why, "write");
    }
}

static entry pop(weir_compress_writer *self) {
    entry *first = first_of(self);
    entry taken = *first;
    weir_list_remove(&first->link);
    self->waiting -= memory_of(&taken);
    weir_alloc_release(NULL, first);
    return taken;
}

static weir_promise *pop_owed(weir_compress_writer *self) {
    owed *first = WEIR_CONTAINER(self->owing.next, owed, link);
    weir_promise *promise = first->promise;
    weir_list_remove(&first->link);
    weir_alloc_release(NULL, first);
    return promise;
}

void weir_compress_writer_fail(weir_compress_writer *self, weir_status why) {
    enter(self);
    self->is_broken = true;
    weir_region_reader_clear(&self->reader);
    while (!weir_list_is_empty(&self->owing)) weir_promise_complete(pop_owed(self), why);
    while (first_of(self) != NULL) {
        entry e = pop(self);
        drop(self, &e, why);
    }
    leave(self);
}

void weir_compress_writer_free(weir_compress_writer *self) {
    if (self == NULL) return;
    enter(self);
    self->is_freed = true;
    weir_compress_writer_fail(self, WEIR_E_CANCELED);
    leave(self);
}

/* ---- out ---- */

/* A hole: nothing of this stream may be believed any more. */
static void break_off(weir_compress_writer *self, weir_status why) {
    if (!is_alive(self)) return;
    self->is_broken = true;
    weir_ctx_abort(self->ctx, why);
}

/* What is refused while nothing is compressed leaves no hole of ours. Takes: msg, promise. */
static void emit(weir_compress_writer *self, void *msg, weir_promise *promise) {
    self->is_writing = true;
    self->refused = WEIR_OK;
    weir_ctx_write(self->ctx, msg, promise);
    self->is_writing = false;
    if (self->refused != WEIR_OK && self->compressor != NULL) break_off(self, self->refused);
}

void weir_compress_writer_error(weir_compress_writer *self, const weir_error *error) {
    if (self->is_writing && self->refused == WEIR_OK) self->refused = error->status;
}

/* All that comes out of `in`, which may be NULL, and of the flush. */
static weir_status compress(weir_compress_writer *self, weir_buf *in, weir_compress_flush flush) {
    weir_status status;
    weir_buf *out;
    do {
        status = weir_compressor_step(self->compressor, in, flush, &out);
        if (out != NULL) emit(self, out, NULL);
    } while (out != NULL && is_alive(self));
    return status;
}

static void settle(weir_compress_writer *self, weir_compress_flush flush) {
    weir_status status = self->compressor == NULL ? WEIR_OK : compress(self, NULL, flush);
    if (status != WEIR_OK) break_off(self, status);
    while (is_alive(self) && !weir_list_is_empty(&self->owing)) emit(self, weir_buf_empty(), pop_owed(self));
}

/* ---- the end of the turn ---- */

static bool post(weir_compress_writer *self) {
    if (self->is_posted) return true;
    self->is_posted = weir_loop_post_task(weir_ctx_loop(self->ctx), &self->task) == WEIR_OK;
    if (self->is_posted) enter(self);
    return self->is_posted;
}

static void sync_later(weir_compress_writer *self) {
    if (is_alive(self) && !post(self)) settle(self, WEIR_COMPRESS_SYNC);
}

/* ---- bytes ---- */

/* Takes: promise. False when out of memory. */
static bool owe(weir_compress_writer *self, weir_promise *promise) {
    if (promise == NULL) return true;
    owed *made = weir_alloc_acquire(NULL, sizeof *made);
    if (made == NULL) {
        weir_promise_complete(promise, WEIR_E_NO_MEMORY);
        return false;
    }
    made->promise = promise;
    weir_list_push_back(&self->owing, &made->link);
    return true;
}

/* Takes: buf, promise. */
static void write_buf(weir_compress_writer *self, weir_buf *buf, weir_promise *promise) {
    weir_status status = weir_buf_status(buf);
    if (status != WEIR_OK) {
        drop(self, &(entry){.kind = WRITE, .promise = promise}, status);
    } else if (!owe(self, promise)) {
        status = WEIR_E_NO_MEMORY;
    } else {
        status = compress(self, buf, WEIR_COMPRESS_MORE);
    }
    weir_buf_release(buf);
    if (status != WEIR_OK) break_off(self, status);
    sync_later(self);
}

/* Some of the region in front. False: it has to wait, for the peer, the disk, or the next turn. */
static bool read_some(weir_compress_writer *self, weir_status *status) {
    weir_buf *chunk;
    if (!weir_channel_is_writable(weir_ctx_channel(self->ctx))) return false;
    if (self->budget == 0 && post(self)) return false;
    *status = weir_region_reader_next(&self->reader, &chunk);
    if (chunk == NULL) return *status != -EAGAIN;
    size_t n = weir_buf_readable(chunk);
    self->budget = n < self->budget ? self->budget - n : 0;
    *status = compress(self, chunk, WEIR_COMPRESS_MORE);
    weir_buf_release(chunk);
    return true;
}

/* False: the rest of it later. */
static bool write_region(weir_compress_writer *self, entry *e) {
    weir_status status = WEIR_OK;
    if (!e->is_begun) {
        weir_region_reader_options options = {.ready = region_ready, .arg = self};
        weir_region_reader_init(&self->reader, weir_ctx_loop(self->ctx), weir_region_from(e->msg), &options);
        e->msg = NULL;
        e->is_begun = true;
    }
    while (status == WEIR_OK && is_alive(self) && weir_region_reader_left(&self->reader) != 0) {
        if (!read_some(self, &status)) return false;
    }
    if (!is_alive(self)) return true;
    weir_region_reader_clear(&self->reader);
    weir_promise *promise = e->promise;
    e->promise = NULL;
    if (status != WEIR_OK) {
        drop(self, &(entry){.kind = WRITE, .promise = promise}, status);
    } else if (!owe(self, promise)) {
        status = WEIR_E_NO_MEMORY;
    }
    if (status != WEIR_OK) break_off(self, status);
    sync_later(self);
    return true;
}

/* ---- the line ---- */

static bool is_region(const entry *e) {
    return e->kind == WRITE && (e->is_begun || weir_obj_is(e->msg, &weir_region_type));
}

static void process_write(weir_compress_writer *self, const entry *e) {
    weir_buf *buf = weir_buf_from(e->msg);
    if (buf != NULL && self->compressor != NULL) {
        write_buf(self, buf, e->promise);
        return;
    }
    settle(self, WEIR_COMPRESS_SYNC);
    if (is_alive(self)) {
        emit(self, e->msg, e->promise);
    } else {
        drop(self, e, WEIR_E_CLOSED);
    }
}

/* Takes: compressor, or NULL. */
static void use(weir_compress_writer *self, weir_compressor *compressor) {
    weir_compressor_free(self->compressor);
    self->compressor = compressor;
}

static void process_end(weir_compress_writer *self, const entry *e) {
    settle(self, WEIR_COMPRESS_FINISH);
    use(self, NULL);
    if (is_alive(self)) {
        emit(self, e->msg, e->promise);
    } else {
        drop(self, e, WEIR_E_CLOSED);
    }
}

/* Takes: what `e` holds. */
static void process(weir_compress_writer *self, const entry *e) {
    switch (e->kind) {
    case BEGIN: use(self, e->compressor); break;
    case WRITE: process_write(self, e); break;
    case PASS: emit(self, e->msg, e->promise); break;
    case FLUSH:
        settle(self, WEIR_COMPRESS_SYNC);
        if (is_alive(self)) weir_ctx_flush(self->ctx);
        break;
    case END: process_end(self, e); break;
    case SHUTDOWN:
        settle(self, WEIR_COMPRESS_FINISH);
        weir_ctx_shutdown(self->ctx, e->promise);
        break;
    case CLOSE:
        settle(self, WEIR_COMPRESS_FINISH);
        weir_ctx_close(self->ctx, e->promise);
        break;
    }
}

/* True: the one in front is through, or the line has ended. */
static bool advance(weir_compress_writer *self) {
    entry *first = first_of(self);
    if (is_region(first) && self->compressor != NULL) {
        if (!write_region(self, first)) return false;
        if (!is_alive(self)) return true;
        pop(self);
        return true;
    }
    entry e = pop(self);
    process(self, &e);
    return true;
}

static void pump(weir_compress_writer *self) {
    if (self->is_pumping) return;
    self->is_pumping = true;
    while (is_alive(self) && first_of(self) != NULL && advance(self)) continue;
    self->is_pumping = false;
}

void weir_compress_writer_pump(weir_compress_writer *self) {
    enter(self);
    pump(self);
    leave(self);
}

static void region_ready(void *arg) {
    weir_compress_writer_pump(arg);
}

static void run_task(weir_task *task) {
    weir_compress_writer *self = WEIR_CONTAINER(task, weir_compress_writer, task);
    self->is_posted = false;
    self->budget = REGION_A_TURN;
    if (!self->is_pumping) {
        self->is_pumping = true;
        if (is_alive(self)) settle(self, WEIR_COMPRESS_SYNC);
        self->is_pumping = false;
        pump(self);
    }
    leave(self);
}

/* ---- in ---- */

static weir_status refusal(const weir_compress_writer *self, const entry *e) {
    if (!is_alive(self)) return WEIR_E_CLOSED;
    return self->waiting + memory_of(e) > WAITING_MOST ? (weir_status)WEIR_E_BACKPRESSURE : WEIR_OK;
}

/* Behind the others. Takes: what `e` holds, also on failure. */
static bool wait_in_line(weir_compress_writer *self, const entry *e) {
    weir_status status = refusal(self, e);
    entry *made = status == WEIR_OK ? weir_alloc_acquire(NULL, sizeof *made) : NULL;
    if (made != NULL) {
        *made = *e;
        weir_list_push_back(&self->line, &made->link);
        self->waiting += memory_of(e);
        return true;
    }
    bool was_alive = is_alive(self);
    if (status == WEIR_OK) status = WEIR_E_NO_MEMORY;
    drop(self, e, status);
    if (was_alive && e->kind != WRITE) break_off(self, status);
    return false;
}

/* Takes: what `e` holds. */
static bool submit(weir_compress_writer *self, entry e) {
    bool is_free = !self->is_pumping && first_of(self) == NULL && is_alive(self);
    bool is_taken = true;
    enter(self);
    if (is_free && !(is_region(&e) && self->compressor != NULL)) {
        self->is_pumping = true;
        process(self, &e);
        self->is_pumping = false;
    } else {
        is_taken = wait_in_line(self, &e);
    }
    pump(self);
    leave(self);
    return is_taken;
}

void weir_compress_writer_begin(weir_compress_writer *self, weir_compressor *compressor) {
    if (!self->is_pumping && first_of(self) == NULL) {
        use(self, compressor);
    } else {
        (void)wait_in_line(self, &(entry){.kind = BEGIN, .compressor = compressor});
    }
}

bool weir_compress_writer_write(weir_compress_writer *self, weir_obj *msg, weir_promise *promise) {
    return submit(self, (entry){.kind = WRITE, .msg = msg, .promise = promise});
}

bool weir_compress_writer_pass(weir_compress_writer *self, weir_obj *msg, weir_promise *promise) {
    return submit(self, (entry){.kind = PASS, .msg = msg, .promise = promise});
}

/* One flush behind the line is as good as many. */
void weir_compress_writer_flush(weir_compress_writer *self) {
    bool is_last = first_of(self) != NULL && WEIR_CONTAINER(self->line.prev, entry, link)->kind == FLUSH;
    if (!is_last) submit(self, (entry){.kind = FLUSH});
}

bool weir_compress_writer_end(weir_compress_writer *self, weir_obj *msg, weir_promise *promise) {
    return submit(self, (entry){.kind = END, .msg = msg, .promise = promise});
}

void weir_compress_writer_shutdown(weir_compress_writer *self, weir_promise *promise) {
    if (is_alive(self)) {
        submit(self, (entry){.kind = SHUTDOWN, .promise = promise});
    } else {
        weir_ctx_shutdown(self->ctx, promise);
    }
}

void weir_compress_writer_close(weir_compress_writer *self, weir_promise *promise) {
    if (is_alive(self)) {
        submit(self, (entry){.kind = CLOSE, .promise = promise});
    } else {
        weir_ctx_close(self->ctx, promise);
    }
}
