/* msgpack_view.c - MessagePack in and out of bufs: what is big is neither copied coming in nor going out.
 *
 * Objects of msgpack-c point into the bytes they were decoded from. So they hold the buf: a finalizer in
 * their zone releases it. Going out, the packer hands us pointers: those into a buf we have become slices.
 */
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/buffer.h>

enum {
    BLOB = 64 << 10,
    THRESHOLD = 512, /* below it a copy costs less than a part */
};

/* Where the packer writes. */
typedef struct out {
    weir_buf *buf;    /* a composite */
    weir_buf *source; /* what was received; bytes in it go by reference */
} out;

static int write_out(void *arg, const char *bytes, size_t len) {
    out *self = arg;
    weir_buf_write_ref(self->buf, self->source, weir_bytes_of(bytes, len), THRESHOLD);
    return weir_buf_status(self->buf) == WEIR_OK ? 0 : -1;
}

static void release_buf(void *buf) {
    weir_buf_release(buf);
}

/* {"name": text, "blob": bytes} */
static void pack_record(out *to, weir_bytes name, weir_bytes blob) {
    msgpack_packer packer;
    msgpack_packer_init(&packer, to, write_out);
    msgpack_pack_map(&packer, 2);
    msgpack_pack_str_with_body(&packer, "name", 4);
    msgpack_pack_str_with_body(&packer, name.ptr, name.len);
    msgpack_pack_str_with_body(&packer, "blob", 4);
    msgpack_pack_bin_with_body(&packer, blob.ptr, blob.len);
}

/* Decodes the message that `buf` begins with. The objects hold its bytes; so does the slice this answers,
 * which is borrowed from them, NULL when there is no whole message. msgpack-c wants one piece: coalesce
 * copies only what crosses a seam. */
static weir_buf *unpack_record(weir_buf *buf, msgpack_unpacked *record) {
    size_t end = 0;
    weir_bytes bytes = weir_buf_coalesce(buf, weir_buf_readable(buf));
    msgpack_unpacked_init(record);
    if (msgpack_unpack_next(record, (const char *)bytes.ptr, bytes.len, &end) != MSGPACK_UNPACK_SUCCESS)
        return NULL;
    weir_buf *held = weir_buf_read_slice(buf, end);
    if (held != NULL && msgpack_zone_push_finalizer(record->zone, release_buf, held)) return held;
    weir_buf_release(held);
    return NULL;
}

/* The `i`-th value of the map, which is a str or a bin: both are a pointer and a length. */
static weir_bytes value_of(const msgpack_unpacked *record, uint32_t i) {
    const msgpack_object *value = &record->data.via.map.ptr[i].val;
    return value->type == MSGPACK_OBJECT_STR ? weir_bytes_of(value->via.str.ptr, value->via.str.size)
                                             : weir_bytes_of(value->via.bin.ptr, value->via.bin.size);
}

static bool is_within(weir_bytes outer, weir_bytes inner) {
    return (uintptr_t)inner.ptr - (uintptr_t)outer.ptr <= outer.len - inner.len;
}

static void check(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "msgpack_view: not true: %s\n", what);
    exit(1);
}

int main(void) {
    weir_buf *blob = weir_buf_new(BLOB), *sent = weir_buf_composite_new(), *again = weir_buf_composite_new();
    check(blob != NULL && sent != NULL && again != NULL, "there is memory");
    weir_buf_write_fill(blob, 'x', BLOB);
    weir_bytes bytes = weir_buf_peek(blob);

    pack_record(&(out){sent, blob}, weir_bytes_str("weir"), bytes);
    check(weir_buf_status(sent) == WEIR_OK, "the record was packed");
    check(weir_buf_composite_part(sent, 1, NULL).ptr == bytes.ptr, "the blob went by reference");
    printf("packed %zu bytes: %zu copied, %d referred to\n", weir_buf_readable(sent),
           weir_buf_readable(sent) - BLOB, BLOB);

    weir_buf *received = weir_buf_copy(sent); /* as if it had come from a socket, in one piece */
    check(received != NULL, "there is memory");
    msgpack_unpacked record;
    weir_buf *held = unpack_record(received, &record);
    check(held != NULL && !weir_buf_is_readable(received), "the record is unpacked");
    weir_buf_release(received);
    check(weir_bytes_equal(value_of(&record, 0), weir_bytes_str("weir")), "the name is right");
    check(weir_bytes_equal(value_of(&record, 1), bytes), "the blob is right, and the objects keep the buf");
    check(is_within(weir_buf_peek(held), value_of(&record, 0)), "the name points into the buf");
    check(is_within(weir_buf_peek(held), value_of(&record, 1)), "the blob points into the buf");

    pack_record(&(out){again, held}, weir_bytes_str("again"), value_of(&record, 1));
    weir_bytes resent = weir_buf_composite_part(again, 1, NULL);
    check(resent.ptr == value_of(&record, 1).ptr, "the blob goes on by reference");
    msgpack_unpacked_destroy(&record);
    check(weir_bytes_equal(resent, bytes), "and is held by what is sent");
    printf("unpacked, and sent on, without a copy of the %d byte blob\n", BLOB);
    weir_buf_release(again);
    weir_buf_release(sent);
    weir_buf_release(blob);
    return weir_leak_report(stderr) == 0 ? 0 : 1;
}
