/* buf_memory_test.c - pinned memory, copies out of it, and changes that nobody else sees. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

/* ---- compacting ------------------------------------------------------------------------------- */

static weir_buf *block_of(size_t size) {
    weir_buf *block = weir_buf_new(size);
    require(block != NULL);
    weir_buf_write_fill(block, 'x', size);
    return block;
}

WEIR_TEST(buf_memory, a_small_view_lets_go_of_a_big_block) {
    weir_buf *block = block_of(65536);
    weir_buf *view = weir_buf_slice(block, 1000, 40);
    weir_buf_release(block);
    size_t blocks = weir_tracking_alloc_live(weir_test_alloc());
    expect_eq(weir_buf_pinned(view), 65536u);

    view = weir_buf_compact_if(view, 4);

    expect_eq(weir_buf_readable(view), 40u);
    expect_eq(weir_buf_pinned(view), 40u);
    expect(weir_tracking_alloc_live(weir_test_alloc()) <= blocks);
    weir_buf_release(view);
}

WEIR_TEST(buf_memory, a_view_of_a_fair_share_stays) {
    weir_buf *block = block_of(4000);
    weir_buf *quarter = weir_buf_slice(block, 0, 1000), *less = weir_buf_slice(block, 0, 999);
    const uint8_t *bytes = quarter->rp;

    weir_buf *same = weir_buf_compact_if(quarter, 4), *other = weir_buf_compact_if(less, 4);

    expect(same == quarter && same->rp == bytes);
    expect(other->rp != bytes);
    expect(weir_buf_is_unshared(other));
    expect_eq(weir_buf_pinned(other), 999u);
    weir_buf_release(same);
    weir_buf_release(other);
    weir_buf_release(block);
}

WEIR_TEST(buf_memory, a_copy_comes_from_the_pool_of_the_block) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *block = weir_pool_get(pool, 65536);
    weir_buf_write_fill(block, 'x', 60000);
    weir_buf *view = weir_buf_read_slice(block, 100);
    weir_buf_release(block);

    view = weir_buf_compact_if(view, 4);

    weir_pool_stats stats;
    weir_pool_get_stats(pool, &stats);
    expect(weir_buf_pinned(view) >= 100 && weir_buf_pinned(view) < 1000);
    expect_eq(stats.active, weir_buf_pinned(view));
    weir_buf_release(view);
    weir_pool_free(pool);
}

WEIR_TEST(buf_memory, neighbours_in_the_same_block_pin_it_once) {
    weir_buf *block = block_of(1000), *composite = weir_buf_composite_new();
    for (size_t i = 0; i < 10; i++) {
        expect_status(weir_buf_composite_append(composite, weir_buf_slice(block, i * 100, 50)), WEIR_OK);
    }
    weir_buf_release(block);
    expect_eq(weir_buf_pinned(composite), 1000u);

    weir_buf *same = weir_buf_compact_if(composite, 2);
    expect(same == composite);
    weir_buf *flat = weir_buf_compact_if(same, 1);

    expect(!weir_buf_is_composite(flat));
    expect_eq(weir_buf_pinned(flat), 500u);
    expect_eq(weir_buf_readable(flat), 500u);
    weir_buf_release(flat);
}

static void check_compacted(weir_buf *buf, weir_bytes content) {
    weir_buf *block = weir_buf_retain(buf);
    expect(weir_buf_skip(block, 2));
    weir_buf *compacted = weir_buf_compact_if(weir_buf_retain(buf), 1);
    expect(weir_buf_equal_bytes(compacted, weir_bytes_sub(content, 2, content.len)));
    expect_eq(weir_buf_is_read_only(compacted), weir_buf_is_read_only(buf));
    expect(compacted->max == buf->max);
    weir_buf_release(compacted);
    weir_buf_release(block);
}

WEIR_TEST(buf_memory, compacting_keeps_bytes_and_limits_of_every_kind) {
    static char text[300];
    memset(text, 'a', sizeof text - 1);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("short"), check_compacted);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str(text), check_compacted);
}

WEIR_TEST(buf_memory, nothing_is_done_to_a_failed_buf_or_to_none) {
    weir_buf *buf = weir_buf_new(10000);
    weir_buf_fail(buf, WEIR_E_INVALID);

    expect(weir_buf_compact_if(buf, 1) == buf);
    expect(weir_buf_compact_if(NULL, 1) == NULL);
    expect(weir_buf_unshare(NULL) == NULL);
    expect_abort(buf = weir_buf_compact_if(buf, 0), "ratio of 0");
    weir_buf_release(buf);
}

/* ---- unsharing -------------------------------------------------------------------------------- */

/* Whoever else looks at the bytes, however, sees none of the changes. */
static void check_unshared(weir_buf *buf, weir_bytes content) {
    weir_buf *others[] = {weir_buf_retain(buf), weir_buf_duplicate(buf), weir_buf_slice(buf, 0, content.len)};
    size_t reader = weir_buf_reader_index(buf);

    weir_buf *own = weir_buf_unshare(weir_buf_retain(buf));

    require(own != NULL);
    expect(weir_buf_is_unshared(own) && !weir_buf_is_read_only(own));
    expect_eq(weir_buf_reader_index(own), reader);
    expect(weir_buf_equal_bytes(own, content));
    for (size_t i = 0; i < content.len; i++) expect(weir_buf_set_u8(own, reader + i, '*'));
    for (size_t i = 0; i < 3; i++) {
        expect(weir_buf_equal_bytes(others[i], content));
        weir_buf_release(others[i]);
    }
    uint8_t byte = 0;
    while (weir_buf_read_u8(own, &byte)) expect_eq(byte, '*');
    weir_buf_release(own);
}

WEIR_TEST(buf_memory, a_change_after_unsharing_is_seen_by_nobody_else) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("in place"), check_unshared);
}

WEIR_TEST(buf_memory, what_is_ones_own_already_is_not_copied) {
    weir_buf *heap = block_of(10), *composite = weir_buf_composite_new(), *shared = block_of(10);
    weir_buf *view = weir_buf_slice(shared, 2, 4);
    const uint8_t *bytes = heap->rp;
    expect(weir_buf_unshare(heap) == heap);
    weir_buf_composite_append(composite, heap);
    weir_buf_composite_append(composite, shared);
    weir_buf_write_str(composite, "written");
    const uint8_t *written = weir_buf_composite_part(composite, 2, NULL).ptr;

    weir_buf *own = weir_buf_unshare(composite);

    expect(own == composite && weir_buf_is_unshared(own));
    expect(weir_buf_composite_part(own, 0, NULL).ptr == bytes);
    expect(weir_buf_composite_part(own, 1, NULL).ptr != view->rp - 2);
    expect(weir_buf_composite_part(own, 2, NULL).ptr == written);
    expect_eq(weir_buf_readable(own), 27u);
    weir_buf_write_str(own, " more");
    expect_eq(weir_buf_readable(own), 32u);
    weir_buf_release(view);
    weir_buf_release(own);
}

WEIR_TEST(buf_memory, constant_bytes_are_copied_though_nobody_shares_them) {
    weir_buf *composite = weir_buf_composite_new();
    weir_buf_composite_append(composite, block_of(2));
    weir_buf_composite_append(composite, weir_buf_wrap_const("constant", 8));

    weir_buf *own = weir_buf_unshare(composite);

    expect(own == composite);
    expect(weir_buf_set_u8(own, 2, 'C'));
    expect(weir_buf_equal_bytes(own, weir_bytes_str("xxConstant")));
    weir_buf_release(own);
}

WEIR_TEST(buf_memory, a_view_that_outlived_its_root_owns_it) {
    weir_buf *root = block_of(10);
    weir_buf *view = weir_buf_slice(root, 0, 5);
    weir_buf_release(root);

    expect(weir_buf_unshare(view) == view);
    weir_buf_release(view);
}

WEIR_TEST(buf_memory, a_failure_stays_with_the_copy) {
    weir_buf *buf = weir_buf_new_limited(4, 4);
    weir_buf_write_str(buf, "full");
    weir_buf_write_str(buf, "!");
    weir_buf *other = weir_buf_retain(buf);

    weir_buf *own = weir_buf_unshare(buf);

    expect(own != other);
    expect_status(weir_buf_status(own), WEIR_E_FULL);
    weir_buf_release(other);
    weir_buf_release(own);
}

/* ---- out of memory ---------------------------------------------------------------------------- */

static bool unshares(void *arg) {
    weir_buf *buf = *(bool *)arg ? weir_buf_composite_new() : weir_buf_new(0);
    if (buf == NULL) return false;
    for (int i = 0; i < 12; i++) {
        if (weir_buf_is_composite(buf)) weir_buf_composite_append(buf, weir_buf_wrap_const("constant", 8));
        weir_buf_write_str(buf, "written");
    }
    bool did_all = weir_buf_status(buf) == WEIR_OK;
    weir_buf *other = weir_buf_retain(buf);
    buf = weir_buf_unshare(buf);
    did_all = did_all && buf != NULL;
    if (buf != NULL) expect(weir_buf_equal(buf, other));
    weir_buf_release(other);
    weir_buf_release(buf);
    return did_all;
}

WEIR_TEST(buf_memory, unsharing_without_memory_answers_null_and_leaves_others_alone) {
    bool is_composite = false;
    weir_oom_sweep(unshares, &is_composite);
    is_composite = true;
    weir_oom_sweep(unshares, &is_composite);
}

static bool compacts(void *arg) {
    (void)arg;
    weir_buf *block = weir_buf_new(10000);
    if (block == NULL) return false;
    weir_buf_write_str(block, "0123456789");
    weir_buf *compacted = weir_buf_compact_if(weir_buf_retain(block), 4);
    bool did_all = compacted != block;
    expect(weir_buf_equal_bytes(compacted, weir_bytes_str("0123456789")));
    weir_buf_release(compacted);
    weir_buf_release(block);
    return did_all;
}

WEIR_TEST(buf_memory, compacting_without_memory_keeps_the_block) {
    weir_oom_sweep(compacts, NULL);
}
