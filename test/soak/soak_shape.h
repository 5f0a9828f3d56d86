/* soak_shape.h - what one conversation says and must hear, as two streams of bytes.
 *
 *     [ prologue ] [ unit ] [ unit ] ... [ epilogue ]      out: what is sent      in: what must come, byte for byte
 *
 * A conversation is a shape and a number of units, so any offset of either stream is a stretch of memory: it is sent from
 * there and compared there. Shapes hold noise of their own, so bytes of another conversation are seen as wrong.
 */
#ifndef SOAK_SHAPE_H
#define SOAK_SHAPE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum soak_server {
    SOAK_ECHO,
    SOAK_FILE,
    SOAK_HTTP,
    SOAK_WEBSOCKET,
    SOAK_TLS, /* from here on over TLS */
    SOAK_HTTPS,
    SOAK_SERVERS
} soak_server;

typedef struct soak_part {
    const uint8_t *bytes;
    size_t length;
    size_t hole, hole_length; /* not compared: the value of Date */
} soak_part;

typedef struct soak_stream {
    soak_part prologue, unit, epilogue;
} soak_stream;

typedef struct soak_shape {
    soak_server server;
    soak_stream out, in;
} soak_shape;

extern const char *const soak_server_names[SOAK_SERVERS];

/* Some shapes of a server that listens at `where`; `root` is the folder of the servers of files. Dies when it does not
 * answer. */
enum {
    SOAK_SHAPES = 24
};
/* Answers how many connections that took; over HTTP and HTTPS with a request each. */
unsigned soak_shapes_make(soak_shape shapes[SOAK_SHAPES], soak_server server, const char *where,
                          const char *root, SSL_CTX *tls);

/* The part that `offset` lies in, and `*within` it; NULL at the end of `units` units. */
const soak_part *soak_stream_at(const soak_stream *stream, uint64_t units, uint64_t offset, size_t *within);

uint64_t soak_stream_length(const soak_stream *stream, uint64_t units);

/* True when `n` bytes are those at `within` of the part. */
bool soak_part_equals(const soak_part *part, size_t within, const uint8_t *bytes, size_t n);

/* The next number of a generator; `*state` is never 0. */
uint64_t soak_random(uint64_t *state);

#endif
