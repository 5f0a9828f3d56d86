/* fuzz_websocket_handshake.c - the opening and closing words of WebSocket: requests, responses and extension offers of
 * any bytes. What a server agrees to a client must take, and close frames say what was put into them. The first byte
 * selects.
 */
#include <string.h>

#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/http_parser.h>
#include <weir/codec/websocket_close.h>
#include <weir/codec/websocket_handshake.h>
#include <weir/core/leak.h>

#include "fuzz/fuzz.h"

enum {
    SIZE_MOST = 4000
};

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static const char *const protocols[] = {"chat", "superchat", NULL};
static const char *const origins[] = {"https://a.example", NULL};

/* The first head in the bytes, or NULL. */
static weir_obj *head_of(weir_http_role role, weir_bytes text) {
    weir_http_parser parser;
    weir_cumulation bytes;
    weir_obj *out = NULL;
    weir_error error;
    weir_buf *buf = weir_buf_new(text.len);
    MUST(buf != NULL);
    weir_buf_write_view(buf, text);
    weir_http_parser_init(&parser, role, NULL);
    weir_cumulation_init(&bytes, NULL);
    MUST(weir_cumulation_add(&bytes, buf) == WEIR_OK);
    if (role == WEIR_HTTP_RESPONSES) weir_http_parser_next(&parser, WEIR_HTTP_METHOD_GET);
    (void)weir_cumulation_next(&bytes, weir_http_parser_decode, &parser, &out, &error);
    weir_cumulation_clear(&bytes);
    weir_http_parser_clear(&parser);
    return out;
}

static weir_websocket_handshake_options options_of(uint8_t how) {
    return (weir_websocket_handshake_options){
        .protocols = (how & 8) != 0 ? protocols : NULL,
        .protocol_needed = (how & 16) != 0 && (how & 8) != 0,
        .origins = (how & 32) != 0 ? origins : NULL,
        .deflate = {.on = (how & 64) != 0, .own_window_bits = (how & 128) != 0 ? 10 : 0},
    };
}

static void try_request(uint8_t how, weir_bytes text) {
    weir_obj *head = head_of(WEIR_HTTP_REQUESTS, text);
    weir_http_request *request = head == NULL ? NULL : weir_http_request_from(head);
    if (request != NULL && weir_websocket_handshake_is(request)) {
        weir_websocket_handshake_options options = options_of(how);
        weir_websocket_agreement agreement = {0};
        const char *why = NULL;
        unsigned status = weir_websocket_handshake_check(&agreement, request, &options, &why);
        MUST(status == 101 || status == 400 || status == 403 || status == 405 || status == 426);
        MUST(status == 101 || why != NULL);
        if (status == 101) MUST(strlen(agreement.accept) == 28);
        weir_http_response *response = weir_websocket_handshake_response(status, &agreement);
        MUST(response != NULL && response->status == status);
        weir_obj_release(response);
    }
    weir_obj_release(head);
}

static void try_response(uint8_t how, weir_bytes text) {
    weir_obj *head = head_of(WEIR_HTTP_RESPONSES, text);
    weir_http_response *response = head == NULL ? NULL : weir_http_response_from(head);
    if (response != NULL) {
        weir_websocket_handshake_options options = options_of(how);
        weir_websocket_agreement agreement = {0};
        const char *why = NULL;
        bool is_right = weir_websocket_handshake_confirm(&agreement, response, KEY, &options, &why);
        MUST(is_right || why != NULL);
        if (is_right) MUST(response->status == 101 && (options.deflate.on || !agreement.deflate.on));
    }
    weir_obj_release(head);
}

static void judge_params(const weir_websocket_deflate_params *params) {
    MUST(params->on && params->own_window_bits >= 9 && params->own_window_bits <= 15);
    MUST(params->peer_window_bits >= 8 && params->peer_window_bits <= 15);
}

static void try_extensions(uint8_t how, weir_bytes text) {
    weir_websocket_deflate_options server = {.on = true,
                                             .own_no_takeover = (how & 8) != 0,
                                             .own_window_bits = (how & 16) != 0 ? 11 : 0,
                                             .peer_window_bits = (how & 32) != 0 ? 9 : 0};
    weir_websocket_deflate_params params, again;
    weir_buf *answer = weir_buf_new(0);
    MUST(answer != NULL);
    if (weir_websocket_deflate_accept(&params, text, &server)) {
        judge_params(&params);
        weir_websocket_deflate_answer(&params, answer);
        MUST(weir_buf_status(answer) == WEIR_OK);
        weir_buf_clear(answer);
    }
    if (weir_websocket_deflate_confirm(&params, text, &server)) judge_params(&params);
    weir_websocket_deflate_offer(&server, answer); /* what a client like us offers, a server like us takes */
    MUST(weir_websocket_deflate_accept(&params, weir_buf_peek(answer), &server));
    weir_buf_clear(answer);
    weir_websocket_deflate_answer(&params, answer);
    MUST(weir_websocket_deflate_confirm(&again, weir_buf_peek(answer), &server));
    MUST(again.own_window_bits <= params.peer_window_bits &&
         again.peer_window_bits >= params.own_window_bits);
    weir_buf_release(answer);
}

static void try_close(uint8_t how, weir_bytes text) {
    (void)how;
    unsigned code = 0, same = 0;
    weir_bytes reason = {0}, again = {0};
    const char *wrong = weir_websocket_close_parse(text, &code, &reason);
    if (wrong != NULL) {
        MUST(weir_websocket_close_is_valid(code));
        return;
    }
    weir_buf *out = weir_buf_new(0);
    weir_websocket_close_write(out, code, reason);
    MUST(weir_buf_readable(out) <= 2 + WEIR_WEBSOCKET_REASON_MOST);
    MUST(weir_websocket_close_parse(weir_buf_peek(out), &same, &again) == NULL && same == code);
    MUST(weir_bytes_starts_with(reason, again));
    weir_buf_release(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const tries[])(uint8_t, weir_bytes) = {try_request, try_response, try_extensions,
                                                         try_close};
    if (size == 0 || size > SIZE_MOST) return 0;
    int64_t alive = weir_leak_report(NULL);
    tries[data[0] & 3](data[0], weir_bytes_of(data + 1, size - 1));
    MUST(weir_leak_report(NULL) == alive);
    return 0;
}
