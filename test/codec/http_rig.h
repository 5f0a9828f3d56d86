/* http_rig.h - an HTTP server on an embedded channel, and a handler behind it that the test plays.
 *
 * What the handler sees is written down, a line a thing:
 *     GET /a      body 3 "abc"      end      error WEIR_E_TIMEOUT      stopping      peer_closed      inactive
 */
#ifndef TEST_CODEC_HTTP_RIG_H
#define TEST_CODEC_HTTP_RIG_H

#include <weir/codec/http_server.h>
#include <weir/testing.h>
#include <weir/transport/channel.h>
#include <weir/transport/embedded.h>

typedef struct http_rig http_rig;
typedef void http_rig_fn(http_rig *self, weir_obj *msg);

struct http_rig {
    weir_embedded *embedded;
    weir_channel *channel;
    weir_ctx *ctx;   /* of the handler */
    http_rig_fn *on; /* acts on what was read, Borrows: msg; NULL: the test answers by hand */
    weir_http_server_options options;
    weir_promise *promise; /* of http_rig_watch */
    weir_status result;
    unsigned results;
    size_t length;
    char seen[8000], wrote[200000];
};

/* `options` and `on` may be NULL; Date is off. */
void http_rig_begin(http_rig *self, const weir_http_server_options *options, http_rig_fn *on);
/* A build function; arg is an http_rig whose options are set. */
weir_status http_rig_build(weir_pipeline *pipeline, void *arg);
void http_rig_end(http_rig *self);

/* The peer sends this. */
void http_rig_send(http_rig *self, const char *text);

/* What reached the peer since the last time; until the next call. Regions and pieces in one. */
const char *http_rig_wrote(http_rig *self);
/* What the handler saw since the last time is `expected`; else both are printed. */
bool http_rig_saw(http_rig *self, const char *expected);

/* Answers of the handler: 200 with "ok PATH"; done at the head, or at the end. */
void http_rig_at_head(http_rig *self, weir_obj *msg);
void http_rig_at_end(http_rig *self, weir_obj *msg);

/* A promise whose result is noted in `result` and counted in `results`. */
weir_promise *http_rig_watch(http_rig *self);

/* Parts of an answer by hand. */
void http_rig_head(http_rig *self, unsigned status, const char *length);
void http_rig_piece(http_rig *self, const char *text);
void http_rig_finish(http_rig *self);
weir_buf *http_rig_text(const char *text);

#endif
