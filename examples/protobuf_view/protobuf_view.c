/* protobuf_view.c - protobuf in and out of bufs, and which copies protobuf-c makes of its own.
 *
 * Out: it hands over pointers, so what is big and lies in a buf goes by reference. In: it copies every
 * string and bytes field, always; we choose the place: blocks of a pool, released all at once.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/buffer.h>

#include "note.h"

enum {
    BODY = 64 << 10,
    THRESHOLD = 512, /* below it a copy costs less than a part */
    ALIGNMENT = 16,
};

/* ---- out: a ProtobufCBuffer that appends to a composite ---- */

typedef struct out {
    ProtobufCBuffer base;
    weir_buf *buf;
    weir_buf *source; /* bytes in it go by reference */
} out;

static void append(ProtobufCBuffer *base, size_t len, const uint8_t *bytes) {
    out *self = (out *)base;
    weir_buf_write_ref(self->buf, self->source, weir_bytes_of(bytes, len), THRESHOLD);
}

/* ---- in: a ProtobufCAllocator over a pool; the arena goes as a whole ---- */

typedef struct arena {
    weir_buf_output blocks;
    weir_buf *all; /* a composite of what was given out */
    size_t bytes;
} arena;

static void *give(void *data, size_t size) {
    arena *self = data;
    size_t room = 0, need = (size / ALIGNMENT + 1) * ALIGNMENT;
    if (need > self->blocks.block_size) return NULL;
    uint8_t *start = weir_buf_output_next(&self->blocks, &room);
    while (start != NULL && room < need) start = weir_buf_output_next(&self->blocks, &room);
    if (start == NULL) return NULL;
    weir_buf_output_back_up(&self->blocks, room - need);
    self->bytes += size;
    return start;
}

static void keep(void *data, void *pointer) {
    (void)data, (void)pointer;
}

static void check(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "protobuf_view: not true: %s\n", what);
    exit(1);
}

/* Decodes `buf` with all memory from `from`. protobuf-c wants one piece: coalesce copies only across seams. */
static const note *unpack(weir_buf *buf, weir_pool *pool, arena *from) {
    ProtobufCAllocator allocator = {.alloc = give, .free = keep, .allocator_data = from};
    weir_bytes bytes = weir_buf_coalesce(buf, weir_buf_readable(buf));
    *from = (arena){.all = weir_buf_composite_new()};
    check(from->all != NULL && bytes.ptr != NULL, "there is memory");
    weir_buf_output_init(&from->blocks, from->all, pool, 4096 + bytes.len); /* room for any field */
    return (const note *)protobuf_c_message_unpack(&note_descriptor, &allocator, bytes.len, bytes.ptr);
}

int main(void) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *body = weir_pool_get(pool, BODY), *sent = weir_buf_composite_new();
    check(body != NULL && sent != NULL, "there is memory");
    weir_buf_write_fill(body, 'x', BODY);
    weir_bytes bytes = weir_buf_peek(body);

    char title[] = "zero copies, nearly";
    note message = {
        .base = {.descriptor = &note_descriptor}, .id = 7, .title = title, .body = {bytes.len, body->rp}};
    out to = {.base = {.append = append}, .buf = sent, .source = body};
    size_t size = protobuf_c_message_pack_to_buffer(&message.base, &to.base);
    check(weir_buf_status(sent) == WEIR_OK && size == weir_buf_readable(sent), "the note was packed");
    check(weir_buf_composite_part(sent, 1, NULL).ptr == bytes.ptr, "the body went by reference");
    printf("packed %zu bytes: %zu copied, %d referred to\n", size, size - BODY, BODY);

    arena memory;
    const note *received = unpack(sent, pool, &memory);
    check(received != NULL && received->id == 7 && strcmp(received->title, title) == 0,
          "the note is unpacked");
    check(weir_bytes_equal(weir_bytes_of(received->body.data, received->body.len), bytes),
          "the body is right");
    check(memory.bytes > BODY, "protobuf-c copied the body, into the arena");
    check(weir_buf_output_finish(&memory.blocks) == WEIR_OK, "the arena is whole");
    printf("unpacked: protobuf-c copied %zu bytes into pool memory, released at once\n", memory.bytes);

    weir_buf_release(memory.all);
    weir_buf_release(sent);
    weir_buf_release(body);
    weir_pool_free(pool);
    return weir_leak_report(stderr) == 0 ? 0 : 1;
}
