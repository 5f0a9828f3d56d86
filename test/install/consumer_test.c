/* A test of someone who builds on weir. */
#include <weir/buffer.h>
#include <weir/testing.h>

WEIR_TEST(consumer, a_buf_is_born_empty) {
    weir_buf *buf = weir_buf_new(16);
    require(buf != NULL);
    require(!weir_buf_is_readable(buf));
    weir_buf_release(buf);
}
