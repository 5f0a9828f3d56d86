/* tls_talk.h - a client and a server, each a channel by hand with TLS and a handler behind it that writes down what it
 * sees; the test carries the bytes and moves the clocks.
 *
 * The trail of an end: "active", "ready", "complete" (of reads), "peer_closed", "error NAME", "inactive", a space
 * between them; what was read is gathered apart. Layer: test (codec). One thread.
 */
#ifndef TEST_CODEC_TLS_TALK_H
#define TEST_CODEC_TLS_TALK_H

#include <weir/buffer.h>
#include <weir/codec/tls_handler.h>
#include <weir/testing.h>
#include <weir/transport.h>

#include "codec/tls_certs.h"

typedef struct tls_talk tls_talk;
typedef struct tls_end tls_end;
typedef void tls_end_fn(tls_end *self, const char *event);

struct tls_end {
    tls_talk *talk;
    weir_tls_context *context;
    weir_tls_handler_options options;
    weir_channel_options channel_options;
    weir_build_fn *build; /* NULL: TLS and the handler */
    weir_embedded *embedded;
    weir_channel *channel;
    weir_ctx *ctx;    /* of the handler */
    weir_buf *read;   /* all of it */
    tls_end_fn *on;   /* called with each event's name before it passes on; NULL: nobody */
    bool takes_end;   /* peer_closed goes no further */
    bool takes_error; /* nor do errors */
    bool end_told;
    char what[300]; /* of the last error */
    char trail[4000];
};

struct tls_talk {
    tls_certs *certs;
    tls_end client, server;
    size_t step;      /* bytes in a piece on the way; 0: as they come */
    bool out_of_wire; /* memory was refused to the way itself, and bytes are lost */
};

/* The contexts, and the ends set up but not open. */
void tls_talk_begin(tls_talk *self, const weir_tls_options *client, const weir_tls_options *server);
/* Opens both; each is its own loop. */
void tls_talk_open(tls_talk *self);
/* The same, and lets them shake hands; forgets the trails. */
void tls_talk_meet(tls_talk *self);
void tls_talk_close(tls_talk *self);
void tls_talk_end(tls_talk *self);

/* Carries bytes and ends both ways until nothing moves. */
void tls_talk_carry(tls_talk *self);

/* Adds the handler, behind what is there. A build function; arg is a tls_end. */
weir_status tls_end_build(weir_pipeline *pipeline, void *arg);
weir_status tls_end_build_handler(weir_pipeline *pipeline, void *arg);

void tls_end_write(tls_end *self, void *msg, weir_promise *promise);
void tls_end_say(tls_end *self, const char *text);
/* What was read since the last time is `text`. */
bool tls_end_heard(tls_end *self, const char *text);
/* What happened since the last time is `trail`. */
bool tls_end_saw(tls_end *self, const char *trail);

weir_buf *tls_text(const char *text);
weir_buf *tls_pattern(size_t n);
bool tls_is_pattern(weir_buf *buf, size_t n);

/* How a promise ended: its status, or 1 before that. */
typedef struct tls_result {
    weir_status status;
    unsigned times;
} tls_result;
weir_promise *tls_watch(tls_end *self, tls_result *result);

#endif
