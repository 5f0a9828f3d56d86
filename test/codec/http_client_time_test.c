/* http_client_time_test.c - how long a client waits for a response, and what that time is not. */
#include <weir/buffer.h>
#include <weir/codec/http_client.h>
#include <weir/testing.h>
#include <weir/transport/promise.h>

#include "codec/http_client_rig.h"

WEIR_TEST(http_client_time, times_out_while_a_response_is_due) {
    client_begin(&(weir_http_client_options){.response_timeout_ms = 5000});
    weir_embedded_advance(client.embedded, 60000);
    client_ask("GET", "/", NULL);
    weir_embedded_advance(client.embedded, 4000);
    client_answer("HTTP/1.1 200 OK\r\n");
    weir_embedded_advance(client.embedded, 4999);
    expect(client_saw(""));
    weir_embedded_advance(client.embedded, 1);
    expect(client_saw("!WEIR_E_TIMEOUT "));
    expect_status(weir_embedded_aborted(client.embedded), WEIR_E_TIMEOUT);
    client_end();
}

static weir_buf *big_body(void) {
    weir_buf *body = weir_buf_new(100000);
    require(body != NULL);
    weir_buf_write_fill(body, 0, 100000);
    return body;
}

static void ask_big(void) {
    weir_http_client_request(client.ctx, weir_http_request_new("POST", weir_bytes_str("/")), big_body(),
                             NULL);
    weir_embedded_run(client.embedded);
}

WEIR_TEST(http_client_time, begins_to_wait_when_the_request_was_taken) {
    client_begin(&(weir_http_client_options){.response_timeout_ms = 5000});
    weir_embedded_stall(client.embedded, true);
    ask_big();
    weir_embedded_advance(client.embedded, 4000);
    weir_embedded_stall(client.embedded, false);
    weir_embedded_advance(client.embedded, 4999);
    expect(client_saw(""));
    weir_embedded_advance(client.embedded, 1);
    expect(client_saw("!WEIR_E_TIMEOUT "));
    client_end();
}

static void stop_taking(void *arg, weir_status status) {
    (void)arg, (void)status;
    weir_embedded_stall(client.embedded, true);
}

/* A piece behind which the peer takes no more for a while. */
static void write_piece(void) {
    weir_promise *promise = weir_promise_new(weir_embedded_loop(client.embedded));
    expect_status(weir_promise_listen(promise, stop_taking, NULL), WEIR_OK);
    weir_ctx_write(client.ctx, client_text("abc"), promise);
}

WEIR_TEST(http_client_time, waits_for_a_peer_that_still_takes_the_request) {
    client_begin(&(weir_http_client_options){.response_timeout_ms = 5000});
    weir_embedded_stall(client.embedded, true);
    weir_ctx_write(client.ctx, client_request_with("PUT", WEIR_HTTP_TRANSFER_ENCODING, "chunked"), NULL);
    for (int i = 0; i < 4; i++) write_piece();
    weir_ctx_write(client.ctx, &weir_http_end_plain, NULL);
    for (int i = 0; i < 4; i++) {
        weir_embedded_advance(client.embedded, 4900);
        weir_embedded_stall(client.embedded, false);
        weir_embedded_run(client.embedded);
    }
    expect(client_saw(""));
    expect(weir_channel_pending_bytes(weir_embedded_channel(client.embedded)) != 0);
    weir_embedded_advance(client.embedded, 10000); /* nothing any more */
    expect(client_saw("!WEIR_E_TIMEOUT "));
    client_end();
}

WEIR_TEST(http_client_time, counts_no_time_in_which_it_reads_nothing) {
    client_begin(&(weir_http_client_options){.response_timeout_ms = 5000});
    weir_channel *channel = weir_embedded_channel(client.embedded);
    client_ask("GET", "/", NULL);
    weir_embedded_advance(client.embedded, 1000);
    weir_channel_hold_reading(channel);
    weir_embedded_advance(client.embedded, 60000);
    weir_channel_let_read(channel);
    weir_embedded_advance(client.embedded, 3999);
    expect(client_saw(""));
    weir_channel_set_reading(channel, false);
    weir_embedded_advance(client.embedded, 60000);
    expect(client_saw(""));
    weir_channel_set_reading(channel, true);
    expect(client_saw("[reading_on]"));
    weir_embedded_advance(client.embedded, 5000);
    expect(client_saw("!WEIR_E_TIMEOUT "));
    client_end();
}
