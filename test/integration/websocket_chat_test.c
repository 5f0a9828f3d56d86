/* websocket_chat_test.c - the WebSocket examples over real sockets, with clients that speak by hand. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/codec/websocket_frame.h>
#include <weir/testing.h>

#include "place.h"
#include "program.h"

#define ASK(path)                                                                                            \
    "GET " path " HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                   \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void send_all(int fd, const void *bytes, size_t n) {
    while (n > 0) {
        ssize_t sent = write(fd, bytes, n);
        require(sent > 0);
        bytes = (const char *)bytes + sent;
        n -= (size_t)sent;
    }
}

static void receive(int fd, void *to, size_t n) {
    for (size_t got = 0; got < n;) {
        ssize_t more = read(fd, (char *)to + got, n - got);
        require(more > 0);
        got += (size_t)more;
    }
}

/* Opens a WebSocket; the answer is read to its empty line. */
static int open_socket(unsigned port, const char *request) {
    int fd = dial(port);
    char end[4] = "";
    send_all(fd, request, strlen(request));
    while (memcmp(end, "\r\n\r\n", 4) != 0) {
        memmove(end, end + 1, 3);
        receive(fd, end + 3, 1);
    }
    return fd;
}

static void send_message(int fd, unsigned opcode, const void *bytes, size_t n) {
    weir_websocket_header header = {
        .opcode = (uint8_t)opcode, .final = true, .masked = true, .mask = {1, 2, 3, 4}};
    weir_buf *payload = weir_buf_new(n);
    weir_buf_write_bytes(payload, bytes, n);
    weir_buf *frame = weir_websocket_frame(&header, payload, NULL);
    size_t all = weir_buf_readable(frame);
    send_all(fd, weir_buf_coalesce(frame, all).ptr, all);
    weir_buf_release(frame);
}

/* The next message. Gives: a buf with its payload. */
static weir_buf *receive_message(int fd, unsigned opcode) {
    uint8_t raw[WEIR_WEBSOCKET_HEADER_MOST];
    weir_websocket_header header;
    size_t n = 0;
    do {
        require(n < sizeof raw);
        receive(fd, raw + n++, 1);
    } while (weir_websocket_header_read(&header, weir_bytes_of(raw, n)) == 0);
    expect_eq(header.opcode, opcode);
    weir_buf *payload = weir_buf_new(0);
    receive(fd, weir_buf_reserve(payload, (size_t)header.length), (size_t)header.length);
    weir_buf_commit(payload, (size_t)header.length);
    return payload;
}

static void expect_line(int fd, const char *line) {
    weir_buf *payload = receive_message(fd, WEIR_WEBSOCKET_TEXT);
    expect_same_bytes(weir_buf_peek(payload), weir_bytes_str(line));
    weir_buf_release(payload);
}

WEIR_TEST(websocket_chat, tells_those_in_a_room_and_shows_newcomers_what_was_said) {
    struct program server;
    program_start(&server, "websocket_chat", "--port", "0", "--loops", "2", "--history", "3", NULL);
    unsigned port = program_port(&server);
    int ann = open_socket(port, ASK("/room/tea")), else_where = open_socket(port, ASK("/room/coffee"));
    send_message(ann, WEIR_WEBSOCKET_TEXT, "Ann", 3);
    expect_line(ann, "{\"type\":\"join\",\"nick\":\"Ann\",\"text\":\"\"}");
    send_message(else_where, WEIR_WEBSOCKET_TEXT, "Eve", 3);
    expect_line(else_where, "{\"type\":\"join\",\"nick\":\"Eve\",\"text\":\"\"}");
    send_message(ann, WEIR_WEBSOCKET_TEXT, "one \"two\"\n", 10);
    send_message(ann, WEIR_WEBSOCKET_TEXT, "three", 5);
    expect_line(ann, "{\"type\":\"say\",\"nick\":\"Ann\",\"text\":\"one \\\"two\\\"\\u000a\"}");
    expect_line(ann, "{\"type\":\"say\",\"nick\":\"Ann\",\"text\":\"three\"}");
    int bob = open_socket(port, ASK("/room/tea"));
    send_message(bob, WEIR_WEBSOCKET_TEXT, "Bob", 3);
    expect_line(bob, "{\"type\":\"join\",\"nick\":\"Ann\",\"text\":\"\"}");
    expect_line(bob, "{\"type\":\"say\",\"nick\":\"Ann\",\"text\":\"one \\\"two\\\"\\u000a\"}");
    expect_line(bob, "{\"type\":\"say\",\"nick\":\"Ann\",\"text\":\"three\"}");
    expect_line(bob, "{\"type\":\"join\",\"nick\":\"Bob\",\"text\":\"\"}");
    expect_line(ann, "{\"type\":\"join\",\"nick\":\"Bob\",\"text\":\"\"}");
    close(bob);
    expect_line(ann, "{\"type\":\"leave\",\"nick\":\"Bob\",\"text\":\"\"}");
    expect_eq(program_stop(&server), 0);
    weir_buf *goodbye = receive_message(ann, WEIR_WEBSOCKET_CLOSE);
    expect_bytes(weir_buf_peek(goodbye), "\x03\xe9");
    weir_buf_release(goodbye);
    close(ann);
    close(else_where);
    program_end(&server);
}

WEIR_TEST(websocket_chat, serves_its_page) {
    struct program server;
    program_start(&server, "websocket_chat", "--port", "0", NULL);
    static char reply[16384];
    const char *request = "GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    expect(converse(dial(program_port(&server)), request, strlen(request), reply, sizeof reply) > 0);
    expect(strncmp(reply, "HTTP/1.1 200 OK\r\n", 17) == 0);
    expect(strstr(reply, "new WebSocket(") != NULL);
    expect_eq(program_stop(&server), 0);
    program_end(&server);
}

WEIR_TEST(websocket_chat, echo_sends_back_a_message_of_16_mib) {
    struct program server;
    enum {
        SIZE = 1 << 20,
        LARGEST = 16 << 20
    };
    program_start(&server, "websocket_echo", "--port", "0", NULL);
    int fd = open_socket(program_port(&server), ASK("/"));
    static char big[LARGEST];
    for (size_t i = 0; i < LARGEST; i++) big[i] = (char)(i * 7 + i / 251);
    for (size_t n = SIZE; n <= LARGEST; n *= 16) {
        send_message(fd, WEIR_WEBSOCKET_BINARY, big, n);
        weir_buf *echoed = receive_message(fd, WEIR_WEBSOCKET_BINARY);
        expect(weir_buf_readable(echoed) == n && memcmp(echoed->rp, big, n) == 0);
        weir_buf_release(echoed);
    }
    close(fd);
    expect_eq(program_stop(&server), 0);
    program_end(&server);
}
