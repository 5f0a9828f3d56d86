/* pool_reuse_test.c - what comes off a shelf is as new, whatever was done to the buf before. */
#include <weir/buffer.h>
#include <weir/testing.h>

static weir_pool_stats stats_of(weir_pool *pool) {
    weir_pool_stats stats;
    weir_pool_get_stats(pool, &stats);
    return stats;
}

/* ---- what is done to bufs --------------------------------------------------------------------- */

static weir_buf *fill(weir_buf *buf) {
    weir_buf_write_u64(buf, 1);
    (void)weir_buf_skip(buf, 3);
    return buf;
}

static weir_buf *fail_and_bar(weir_buf *buf) {
    weir_buf_fail(fill(buf), WEIR_E_FULL);
    weir_buf_set_read_only(buf);
    return buf;
}

static weir_buf *shrink(weir_buf *buf) {
    expect_status(weir_buf_set_capacity(fill(buf), 20), WEIR_OK);
    return buf;
}

static weir_buf *grow(weir_buf *buf) {
    weir_buf_write_fill(buf, 0, 1000);
    return buf;
}

/* Its window then shows another's memory. */
static weir_buf *grow_shared(weir_buf *buf) {
    weir_buf *view = weir_buf_duplicate(fill(buf));
    weir_buf_release(grow(buf));
    return view;
}

static weir_buf *grow_and_look_on(weir_buf *buf) {
    weir_buf *view = weir_buf_duplicate(fill(buf));
    grow(buf);
    weir_buf_release(view);
    return buf;
}

/* A copy that may not grow, of the same pool. */
static weir_buf *take_a_copy(weir_buf *buf) {
    weir_buf_write_fill(buf, 0, 100);
    weir_buf *view = weir_buf_slice(buf, 0, 100);
    weir_buf_release(buf);
    weir_buf *twin = weir_buf_retain(view);
    view = weir_buf_unshare(view);
    weir_buf_release(twin);
    return view;
}

WEIR_TEST(pool_reuse, a_reused_buf_is_as_new_whatever_was_done_to_it) {
    weir_buf *(*const uses[])(weir_buf * buf) = {fill,        fail_and_bar,     shrink,     grow,
                                                 grow_shared, grow_and_look_on, take_a_copy};
    bool was_on = weir_leak_is_tracking();
    weir_leak_track(false); /* or no buf goes the short way back */
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        for (int generic = 0; generic < 2; generic++) {
            weir_test_context("use %zu, released as %s", i, generic ? "an object" : "a buf");
            weir_pool *pool = weir_pool_new(NULL);
            weir_buf *used = uses[i](weir_pool_get(pool, 100));
            require(used != NULL);
            generic ? weir_obj_release(used) : weir_buf_release(used);
            expect_eq(stats_of(pool).live, 0u);
            weir_buf *bufs[3]; /* more than were used, of the size asked for first */
            for (int k = 0; k < 3; k++) {
                weir_buf *buf = bufs[k] = weir_pool_get(pool, 100);
                expect_eq(weir_buf_readable(buf) + weir_buf_reader_index(buf), 0u);
                expect_eq(weir_buf_writable(buf), 128u);
                expect_eq(weir_buf_capacity(buf), 128u);
                expect_eq(weir_buf_max_writable(buf), WEIR_BUF_MAX);
                expect_eq((const void *)buf->root, (const void *)buf);
                expect_status(weir_buf_status(buf), WEIR_OK);
                expect(!weir_buf_is_read_only(buf));
            }
            for (int k = 0; k < 3; k++) weir_buf_release(bufs[k]);
            weir_pool_stats stats = stats_of(pool);
            expect_eq(stats.gets, stats.releases);
            expect_eq(stats.requested + stats.active, 0u);
            weir_pool_free(pool);
        }
    }
    weir_leak_track(was_on);
}

WEIR_TEST(pool_reuse, a_buf_of_a_pool_made_before_tracking_began_is_tracked) {
    bool was_on = weir_leak_is_tracking();
    weir_leak_track(false);
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf_release(weir_pool_get(pool, 100));
    weir_leak_track(true);
    weir_buf *buf = weir_pool_get(pool, 100);
    expect(weir_leak_touched(buf, "this test"));
    weir_buf_release(buf);
    expect(!weir_leak_touched(buf, "this test"));
    weir_leak_track(false);
    weir_pool_free(pool);
    weir_leak_track(was_on);
}
