/* soak_shape.c - shapes of each server. What HTTP answers is learned from one answer, but for its Date. */
#include "soak_shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/loopback.h"
#include "soak_learn.h"

enum {
    ECHO_MAX = 64 << 10,
    FILE_MAX = 512 << 10,
    MESSAGE_MAX = 70 << 10, /* frames of all three kinds of length */
    TLS_MAX = 40 << 10,
    HTTPS_MAX = 200 << 10
};

const char *const soak_server_names[SOAK_SERVERS] = {"echo", "file", "http", "websocket", "tls", "https"};

static uint64_t seed = 88172645463325252u;

uint64_t soak_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint8_t *take(size_t n) {
    uint8_t *bytes = malloc(n > 0 ? n : 1);
    if (bytes == NULL) die("malloc");
    return bytes;
}

static uint8_t *make_noise(size_t n) {
    uint8_t *bytes = take(n);
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(soak_random(&seed) >> 24);
    return bytes;
}

/* Small ones as often as large ones: as many in each doubling. */
static size_t pick_size(size_t most) {
    unsigned octaves = 0;
    while ((most >> octaves) > 1) octaves++;
    size_t size = (size_t)1 << (soak_random(&seed) % (octaves + 1));
    size += soak_random(&seed) % size;
    return size < most ? size : most;
}

static soak_part part_of(const void *bytes, size_t n) {
    return (soak_part){.bytes = bytes, .length = n};
}

static soak_part copy_text(const char *text) {
    size_t n = strlen(text);
    return part_of(memcpy(take(n), text, n), n);
}

static void write_file(const char *root, const char *name, const uint8_t *content, size_t n) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(content, 1, n, file) != n || fclose(file) != 0) die(path);
}

/* ---- shapes ---- */

static void make_echo(soak_shape *self, size_t most) {
    size_t n = pick_size(most);
    self->out.unit = self->in.unit = part_of(make_noise(n), n);
}

static void make_file(soak_shape *self, const char *root, unsigned number) {
    char name[32], line[64];
    size_t n = pick_size(FILE_MAX), from = soak_random(&seed) % 2 ? 0 : soak_random(&seed) % n;
    uint8_t *content = make_noise(n);
    snprintf(name, sizeof name, "file-%u", number);
    write_file(root, name, content, n);
    snprintf(line, sizeof line, "%s\t%zu\n", name, from);
    self->out.unit = copy_text(line);
    size_t head = (size_t)snprintf(line, sizeof line, "OK %zu\n", n - from);
    uint8_t *answer = take(head + n - from);
    memcpy(answer, line, head);
    memcpy(answer + head, content + from, n - from);
    self->in.unit = part_of(answer, head + n - from);
    free(content);
}

static void make_http(soak_shape *self, const char *where, unsigned number) {
    static const char *const paths[] = {"plaintext", "json", "nothing"};
    static soak_part answers[3];
    char request[128];
    unsigned kind = number % 3;
    snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: soak\r\nX-Number: %u\r\n\r\n", paths[kind],
             number);
    if (answers[kind].bytes == NULL) answers[kind] = soak_learn(where, request, NULL);
    self->out.unit = copy_text(request);
    self->in.unit = answers[kind];
}

/* The head is learned; the body is known. */
static void make_https(soak_shape *self, const char *where, const char *root, unsigned number, SSL_CTX *tls) {
    char name[32], request[128];
    size_t n = pick_size(HTTPS_MAX);
    uint8_t *content = make_noise(n);
    snprintf(name, sizeof name, "https-%u", number);
    write_file(root, name, content, n);
    snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: soak\r\n\r\n", name);
    soak_part head = soak_learn(where, request, tls);
    uint8_t *answer = take(head.length + n);
    memcpy(answer, head.bytes, head.length);
    free((void *)head.bytes);
    memcpy(answer + head.length, content, n);
    self->out.unit = copy_text(request);
    self->in.unit = head;
    self->in.unit.bytes = answer;
    self->in.unit.length += n;
    free(content);
}

static soak_part make_frame(uint8_t first, const uint8_t *key, const uint8_t *payload, size_t n) {
    uint8_t *frame = take(n + 14), *at = frame;
    uint8_t masked = key != NULL ? 0x80 : 0;
    *at++ = first;
    *at++ = masked | (uint8_t)(n < 126 ? n : n < 65536 ? 126 : 127);
    int length_bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;
    for (int i = length_bytes - 1; i >= 0; i--) *at++ = (uint8_t)(n >> (8 * i));
    if (key != NULL) at = (uint8_t *)memcpy(at, key, 4) + 4;
    for (size_t i = 0; i < n; i++) *at++ = key != NULL ? payload[i] ^ key[i % 4] : payload[i];
    return part_of(frame, (size_t)(at - frame));
}

static void make_websocket(soak_shape *self, const char *where) {
    static const char ask[] =
        "GET / HTTP/1.1\r\nHost: soak\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    static soak_part answer;
    static const uint8_t bye[] = {1000 >> 8, 1000 & 255};
    if (answer.bytes == NULL) answer = soak_learn(where, ask, NULL);
    size_t n = pick_size(MESSAGE_MAX);
    uint8_t *payload = make_noise(n), *key = make_noise(4);
    self->out.prologue = part_of(ask, sizeof ask - 1);
    self->in.prologue = answer;
    self->out.unit = make_frame(0x82, key, payload, n);
    self->in.unit = make_frame(0x82, NULL, payload, n);
    self->out.epilogue = make_frame(0x88, key, bye, sizeof bye);
    self->in.epilogue = make_frame(0x88, NULL, bye, sizeof bye);
    free(payload);
    free(key);
}

unsigned soak_shapes_make(soak_shape shapes[SOAK_SHAPES], soak_server server, const char *where,
                          const char *root, SSL_CTX *tls) {
    unsigned before = soak_learned();
    for (unsigned i = 0; i < SOAK_SHAPES; i++) {
        shapes[i] = (soak_shape){.server = server};
        switch (server) {
        case SOAK_FILE: make_file(&shapes[i], root, i); break;
        case SOAK_HTTP: make_http(&shapes[i], where, i); break;
        case SOAK_WEBSOCKET: make_websocket(&shapes[i], where); break;
        case SOAK_TLS: make_echo(&shapes[i], TLS_MAX); break;
        case SOAK_HTTPS: make_https(&shapes[i], where, root, i, tls); break;
        default: make_echo(&shapes[i], ECHO_MAX);
        }
    }
    return soak_learned() - before;
}

/* ---- streams ---- */

const soak_part *soak_stream_at(const soak_stream *stream, uint64_t units, uint64_t offset, size_t *within) {
    *within = (size_t)offset;
    if (offset < stream->prologue.length) return &stream->prologue;
    offset -= stream->prologue.length;
    *within = (size_t)(offset % stream->unit.length);
    if (offset < units * stream->unit.length) return &stream->unit;
    offset -= units * stream->unit.length;
    *within = (size_t)offset;
    return offset < stream->epilogue.length ? &stream->epilogue : NULL;
}

uint64_t soak_stream_length(const soak_stream *stream, uint64_t units) {
    return stream->prologue.length + units * stream->unit.length + stream->epilogue.length;
}

bool soak_part_equals(const soak_part *part, size_t within, const uint8_t *bytes, size_t n) {
    if (memcmp(part->bytes + within, bytes, n) == 0) return true;
    if (part->hole_length == 0) return false;
    for (size_t i = 0; i < n; i++) {
        if (part->bytes[within + i] != bytes[i] && within + i - part->hole >= part->hole_length) return false;
    }
    return true;
}
