/* http_server_shared_test.c - connections share options that are the same, and none that differ in anything. */
#include <string.h>

#include <weir/testing.h>
#include <weir/transport/channel.h>
#include <weir/transport/embedded.h>

#include "http/http_server_shared.h"

enum {
    /* What has to be compared: sizes of all members but server_name. Who adds one adds it here and to are_same. */
    COMPARED = 6 * sizeof(size_t) + sizeof(unsigned)    /* limits */
               + 6 * sizeof(unsigned) + sizeof(size_t)  /* times, rates, counts; drain_max */
               + 2 * sizeof(bool) + 2 * sizeof(void *), /* no_date, manual_continue; the refusal */
};

static bool is_shared(weir_loop *loop, const weir_http_server_options *a, const weir_http_server_options *b) {
    http_shared *of_a = http_shared_get(loop, a), *of_b = http_shared_get(loop, b);
    require(of_a != NULL && of_b != NULL);
    bool is_same = of_a == of_b;
    http_shared_release(of_a);
    http_shared_release(of_b);
    return is_same;
}

WEIR_TEST(http_server_shared, tells_options_apart_by_every_byte_of_every_member) {
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    require(embedded != NULL);
    weir_loop *loop = weir_channel_loop(weir_embedded_channel(embedded));
    weir_http_server_options plain, other;
    memset(&plain, 0, sizeof plain);
    plain.drain_max = 3; /* so that no byte makes its default, which is a power of two */
    expect(is_shared(loop, &plain, &plain));
    size_t apart = 0, name = offsetof(weir_http_server_options, server_name);
    for (size_t at = 0; at < sizeof plain; at++) {
        if (at >= name && at < name + sizeof plain.server_name) continue;
        other = plain;
        ((uint8_t *)&other)[at] ^= 1;
        apart += !is_shared(loop, &plain, &other);
    }
    expect_eq(apart, COMPARED);
    other = plain;
    other.server_name = "weir";
    expect(!is_shared(loop, &plain, &other));
    weir_embedded_free(embedded);
}
