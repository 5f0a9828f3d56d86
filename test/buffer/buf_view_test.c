/* buf_view_test.c - who owns what: counts of views, foreign memory, and threads that share. */
#include <pthread.h>
#include <stdlib.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

static uint32_t count_of(const weir_buf *buf) {
    return __atomic_load_n(&buf->obj.count, __ATOMIC_ACQUIRE);
}

WEIR_TEST(buf_view, a_view_of_a_view_holds_the_root_once) {
    weir_buf *root = weir_buf_new(32);
    weir_buf_write_str(root, "0123456789");
    weir_buf *slice = weir_buf_slice(root, 2, 6), *inner = weir_buf_slice(slice, 1, 4);

    expect_eq(count_of(root), 3u);
    expect_eq(count_of(slice), 1u);
    expect(inner->root == root);

    weir_buf_release(slice);
    expect_eq(count_of(root), 2u);
    weir_buf_release(root);
    expect_bytes(weir_buf_peek(inner), "3456");
    expect(weir_buf_is_unshared(inner));
    weir_buf_release(inner);
}

WEIR_TEST(buf_view, writing_through_a_slice_is_seen_by_all_who_share) {
    weir_buf *root = weir_buf_new(32);
    weir_buf_write_str(root, "0123456789");
    weir_buf *slice = weir_buf_slice(root, 2, 6);

    expect(weir_buf_set_u8(slice, 0, 'x'));
    weir_buf_clear(slice);
    weir_buf_write_str(slice, "ABC");

    expect_bytes(weir_buf_peek(root), "01ABC56789");
    weir_buf_write_str(slice, "DEFG");
    expect_status(weir_buf_status(slice), WEIR_E_FULL);
    expect_bytes(weir_buf_peek(root), "01ABC56789");
    weir_buf_release(slice);
    weir_buf_release(root);
}

WEIR_TEST(buf_view, a_duplicate_grows_away_from_its_original) {
    weir_buf *root = weir_buf_new(4);
    weir_buf_write_str(root, "1234");
    weir_buf *twin = weir_buf_duplicate(root);

    weir_buf_write_str(twin, "5678");
    weir_buf_set_u8(twin, 0, 'x');

    expect_bytes(weir_buf_peek(twin), "x2345678");
    expect_bytes(weir_buf_peek(root), "1234");
    expect_eq(count_of(root), 1u);
    weir_buf_release(root);
    weir_buf_release(twin);
}

WEIR_TEST(buf_view, a_failure_stays_with_the_buf_that_was_written) {
    weir_buf *buf = weir_buf_new(8);
    weir_buf_write_str(buf, "good");
    weir_buf_fail(buf, WEIR_E_INVALID);
    weir_buf *slice = weir_buf_slice(buf, 0, 4), *twin = weir_buf_duplicate(buf);

    expect_status(weir_buf_status(slice), WEIR_OK);
    expect_status(weir_buf_status(twin), WEIR_OK);
    weir_buf_write_str(twin, "!");
    expect_bytes(weir_buf_peek(twin), "good!");
    weir_buf_release(slice);
    weir_buf_release(twin);
    weir_buf_release(buf);
}

/* ---- foreign memory --------------------------------------------------------------------------- */

struct foreign {
    int freed;
    void *ptr;
    size_t len;
};

static void note_freed(void *arg, void *ptr, size_t len) {
    struct foreign *self = arg;
    self->freed++;
    self->ptr = ptr;
    self->len = len;
}

WEIR_TEST(buf_view, wrapped_memory_is_freed_once_with_the_last_view) {
    struct foreign foreign = {0, NULL, 0};
    char memory[] = "foreign memory";
    weir_buf *buf = weir_buf_wrap(memory, 14, note_freed, &foreign);
    weir_buf *slice = weir_buf_slice(buf, 0, 7), *twin = weir_buf_duplicate(buf);

    weir_buf_release(buf);
    weir_buf_release(twin);
    expect_eq(foreign.freed, 0);
    expect(weir_buf_set_u8(slice, 0, 'F'));
    weir_buf_release(slice);

    expect_eq(foreign.freed, 1);
    expect(foreign.ptr == memory);
    expect_eq(foreign.len, 14u);
    expect_str(memory, "Foreign memory");
}

WEIR_TEST(buf_view, wrapped_memory_is_freed_when_wrapping_fails) {
    struct foreign foreign = {0, NULL, 0};
    char memory[4] = "abc";
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    weir_buf *buf = weir_buf_wrap(memory, 3, note_freed, &foreign);
    weir_tracking_alloc_fail_never(weir_test_alloc());

    expect(buf == NULL);
    expect_eq(foreign.freed, 1);
    expect(foreign.ptr == memory);
}

WEIR_TEST(buf_view, nothing_at_all_can_be_wrapped) {
    struct foreign foreign = {0, &foreign, 1};
    weir_buf *buf = weir_buf_wrap(NULL, 0, note_freed, &foreign),
             *borrowed = weir_buf_wrap(NULL, 0, NULL, NULL);

    expect_eq(weir_buf_readable(buf), 0u);
    expect_eq(weir_buf_max_writable(buf), 0u);
    weir_buf_release(buf);
    weir_buf_release(borrowed);

    expect_eq(foreign.freed, 1);
    expect(foreign.ptr == NULL);
}

WEIR_TEST(buf_view, constant_memory_is_read_only_to_every_view) {
    weir_buf *buf = weir_buf_wrap_const("literal", 7), *composite = weir_buf_composite_new();
    weir_buf *slice = weir_buf_slice(buf, 1, 3), *twin = weir_buf_duplicate(buf);
    weir_buf_composite_append(composite, weir_buf_retain(slice));
    weir_buf_write_str(composite, "own");

    expect(weir_buf_is_read_only(slice));
    expect(weir_buf_is_read_only(twin));
    expect(!weir_buf_is_read_only(composite));
    expect(weir_buf_set_u8(composite, 3, 'O'));
    expect_abort(weir_buf_set_u8(composite, 2, 'x'), "part 0 of this composite is read-only");
    expect_abort(weir_buf_set_u16(composite, 2, 0), "part 0 of this composite is read-only");
    weir_buf *part = weir_buf_slice(composite, 0, 2);
    expect(weir_buf_is_read_only(part));

    weir_buf_release(part);
    weir_buf_release(composite);
    weir_buf_release(slice);
    weir_buf_release(twin);
    weir_buf_release(buf);
}

/* ---- threads ---------------------------------------------------------------------------------- */

enum {
    THREADS = 4,
    ROUNDS = 2000
};

struct sharer {
    pthread_t thread;
    weir_buf *buf;
    size_t sum;
};

/* Each thread has a buf of its own over memory they all share. */
static void *slice_and_release(void *arg) {
    struct sharer *self = arg;
    for (int i = 0; i < ROUNDS; i++) {
        weir_buf *slice = weir_buf_slice(self->buf, (size_t)i % 32, 8), *again = weir_buf_retain(slice);
        weir_buf_release(slice);
        uint64_t value = 0;
        if (weir_buf_read_u64(again, &value)) self->sum += (size_t)(value & 0xff);
        weir_buf_release(again);
    }
    weir_buf_release(self->buf);
    return NULL;
}

WEIR_TEST(buf_view, memory_is_shared_by_threads_and_freed_by_the_last) {
    struct foreign foreign = {0, NULL, 0};
    uint8_t memory[64];
    for (size_t i = 0; i < sizeof memory; i++) memory[i] = (uint8_t)i;
    weir_buf *buf = weir_buf_wrap(memory, sizeof memory, note_freed, &foreign);
    struct sharer sharers[THREADS];

    for (int i = 0; i < THREADS; i++) {
        sharers[i] = (struct sharer){.buf = weir_buf_duplicate(buf)};
        require(pthread_create(&sharers[i].thread, NULL, slice_and_release, &sharers[i]) == 0);
    }
    weir_buf_release(buf);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(sharers[i].thread, NULL);
        expect_eq(sharers[i].sum, sharers[0].sum);
    }

    expect(sharers[0].sum > 0);
    expect_eq(foreign.freed, 1);
}

static void *release_elsewhere(void *arg) {
    weir_buf_release(arg);
    return NULL;
}

WEIR_TEST(buf_view, the_last_release_may_be_on_another_thread) {
    weir_buf *parts[3] = {weir_buf_new(16), weir_buf_wrap_const("constant", 8), weir_buf_composite_new()};
    weir_buf_write_str(parts[0], "heap");
    weir_buf_composite_append(parts[2], weir_buf_slice(parts[0], 0, 2));
    weir_buf_composite_append(parts[2], weir_buf_retain(parts[1]));

    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        require(pthread_create(&thread, NULL, release_elsewhere, parts[i]) == 0);
        pthread_join(thread, NULL);
    }
    expect_eq(weir_leak_report(NULL), 0);
}
