/* http_server_shared.h - private: what the connections of a loop have in common that were added with the same options.
 *
 *     loop --attribute--> [ http_loop ] --> [ http_shared ] <-- connection, connection, ...
 *                               |
 *                               +--> http_reading, http_reading: to be lent
 *
 * A connection of which nothing is asked holds its options by reference, and no parser: it borrows one with the first byte
 * of a request and gives it back with the request's end, before it is answered. So there are about as many parsers as
 * requests that come in several reads, and one that came in one read has the parser of the one before it.
 */
#ifndef WEIR_CODEC_HTTP_SERVER_SHARED_H
#define WEIR_CODEC_HTTP_SERVER_SHARED_H

#include <weir/codec/http_server.h>

/* A request on its way in. */
typedef struct http_reading http_reading;
struct http_reading {
    weir_http_parser parser; /* while it is to be lent: ready for a request, with the limits of */
    uint64_t options;        /* these, which is their number */
    uint64_t length;         /* of the body; UINT64_MAX: not known */
    uint64_t drained;        /* bytes of it that came behind the answer */
    uint64_t body_since;     /* the body's bytes when what is waited for began */
    http_reading *next;      /* to be lent */
};

typedef struct http_loop http_loop;

typedef struct http_shared {
    weir_http_server_options options; /* with the defaults filled in, but for the limits */
    weir_bytes server_name;
    weir_pool *pool;
    http_loop *loop;
    uint64_t number; /* on its loop, and never again */
    size_t references;
} http_shared;

/* Options that a loop remembers: servers of several kinds find theirs, who comes with others each time has its own. */
#define HTTP_SHARED_KNOWN 4

struct http_loop {
    http_reading *spare;
    unsigned readings; /* lent, or to be lent */
    unsigned next;     /* of `known` to be replaced */
    uint64_t numbers;
    http_shared *known[HTTP_SHARED_KNOWN];
};

/* Those of the loop with these options, made if there are none. Borrows: options. Gives: one for http_shared_release, or
 * NULL when out of memory. On the loop, as all here. */
http_shared *http_shared_get(weir_loop *loop, const weir_http_server_options *options);
void http_shared_release(http_shared *self);

/* ---- parsers ---- */

/* None to be lent has the right limits. */
http_reading *http_shared_make_reading(const http_shared *self);
/* Its message is not over, or there are enough. Takes: reading. */
void http_shared_free_reading(http_reading *reading);

/* Kept to be lent: beyond, requests that come in several reads allocate theirs. */
#define HTTP_SHARED_SPARES 64

/* Gives: one that waits for the first byte of a request, or NULL when out of memory. */
static inline http_reading *http_shared_lend(const http_shared *self) {
    http_loop *loop = self->loop;
    http_reading *reading = loop->spare;
    if (WEIR_UNLIKELY(reading == NULL || reading->options != self->number))
        return http_shared_make_reading(self);
    loop->spare = reading->next;
    return reading;
}

/* Takes: reading. */
static inline void http_shared_take_back(const http_shared *self, http_reading *reading) {
    http_loop *loop = self->loop;
    if (WEIR_UNLIKELY(!reading->parser.between || loop->readings > HTTP_SHARED_SPARES)) {
        loop->readings--;
        http_shared_free_reading(reading);
        return;
    }
    weir_http_parser_next(&reading->parser, WEIR_HTTP_METHOD_OTHER);
    reading->next = loop->spare;
    loop->spare = reading;
}

#endif
