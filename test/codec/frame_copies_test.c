/* frame_copies_test.c - how often the bytes of a large frame are copied: never, or once when asked for in one
 * piece. Counted by the decoder. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/codec/length_field_decoder.h>
#include <weir/testing.h>
#include <weir/transport.h>

enum {
    SIZE = 1 << 20,
    PREFIX = 4,
    READ = 64 << 10
};

typedef struct receiver {
    bool contiguous;
    size_t length;
    bool is_whole, is_composite;
    uint64_t copied;
    weir_promise *done; /* NULL: nobody waits */
} receiver;

static uint8_t byte_at(size_t i) {
    return (uint8_t)(i * 131 >> 3);
}

static bool check_part(void *arg, weir_bytes part) {
    size_t *at = arg;
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] != byte_at((*at)++)) return false;
    }
    return true;
}

static void receive(weir_ctx *ctx, weir_obj *msg) {
    receiver *self = weir_ctx_state(ctx);
    weir_buf *frame = weir_buf_from(msg);
    size_t at = 0;
    self->length = weir_buf_readable(frame);
    self->is_whole = weir_buf_visit(frame, 0, self->length, check_part, &at);
    self->is_composite = weir_buf_is_composite(frame);
    weir_buf_release(frame);
    weir_decoder_stats stats;
    weir_decoder_get_stats(weir_pipeline_find(weir_ctx_pipeline(ctx), &weir_length_field_decoder.handler),
                           &stats);
    self->copied = stats.copied;
    if (self->done != NULL) weir_promise_complete(self->done, WEIR_OK);
}

static const weir_handler receiver_handler = {.name = "receiver", .read = receive};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    receiver *self = arg;
    weir_status status = weir_length_field_decoder_add(
        pipeline, &(weir_length_field_options){.max_frame_length = SIZE + PREFIX,
                                               .length_field_length = PREFIX,
                                               .initial_bytes_to_strip = PREFIX,
                                               .decoder.contiguous = self->contiguous});
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &receiver_handler, self) : status;
}

static uint8_t *make_frame(void) {
    uint8_t *frame = malloc(PREFIX + SIZE);
    require(frame != NULL);
    memcpy(frame, (uint8_t[]){0, SIZE >> 16, 0, 0}, PREFIX);
    for (size_t i = 0; i < SIZE; i++) frame[PREFIX + i] = byte_at(i);
    return frame;
}

static void expect_copies(const receiver *self, uint64_t most) {
    weir_test_context("contiguous %d", self->contiguous);
    expect_eq(self->length, SIZE);
    expect(self->is_whole);
    expect_eq(self->is_composite, !self->contiguous);
    expect(self->copied <= most);
    if (self->contiguous) expect(self->copied >= SIZE);
}

WEIR_TEST(frame_copies, are_none_or_one_of_a_frame_in_16_reads) {
    for (int contiguous = 0; contiguous < 2; contiguous++) {
        receiver self = {.contiguous = contiguous == 1};
        weir_embedded *embedded = weir_embedded_new(NULL, build, &self);
        require(embedded != NULL);
        uint8_t *frame = make_frame();
        for (size_t at = 0; at < PREFIX + SIZE; at += READ) {
            size_t n = PREFIX + SIZE - at < READ ? PREFIX + SIZE - at : READ;
            expect_status(weir_embedded_feed_bytes(embedded, frame + at, n), WEIR_OK);
        }
        expect_copies(&self,
                      contiguous ? SIZE + PREFIX : PREFIX); /* the last read is 4 bytes: copied behind */
        free(frame);
        weir_embedded_free(embedded);
    }
}

typedef struct sender {
    int fd;
    const uint8_t *frame;
} sender;

static void *send_all(void *arg) {
    sender *self = arg;
    for (size_t at = 0; at < PREFIX + SIZE;) {
        ssize_t n = send(self->fd, self->frame + at, PREFIX + SIZE - at, MSG_NOSIGNAL);
        if (n <= 0) break;
        at += (size_t)n;
    }
    return NULL;
}

WEIR_TEST(frame_copies, are_none_or_one_of_a_frame_from_a_socket) {
    for (int contiguous = 0; contiguous < 2; contiguous++) {
        int ends[2];
        pthread_t thread;
        require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        uint8_t *frame = make_frame();
        weir_loop_group *group = weir_loop_group_new(1);
        weir_loop *loop = weir_loop_group_at(group, 0);
        receiver self = {.contiguous = contiguous == 1, .done = weir_promise_new(loop)};
        weir_promise *done = weir_promise_retain(self.done);
        weir_channel *channel =
            weir_channel_adopt(loop, ends[0], &(weir_channel_options){.read_size = READ}, build, &self, NULL);
        require(channel != NULL);
        require(pthread_create(&thread, NULL, send_all, &(sender){ends[1], frame}) == 0);
        expect_status(weir_promise_wait(done, 20000), WEIR_OK);
        pthread_join(thread, NULL);
        weir_loop_group_free(group);
        /* Reads of less than 256 bytes are copied behind others; there may be a few of them. */
        expect_copies(&self, (contiguous ? SIZE : 0) + SIZE / 64);
        weir_promise_release(done);
        weir_channel_release(channel);
        free(frame);
        close(ends[1]);
    }
}
