/* http_client_rig.h - a client on an embedded channel, what it asks, and what came back of it as text.
 *
 * Seen: "200 ", bodies, ". " for an end, "[event]", "!error".
 */
#ifndef TEST_CODEC_HTTP_CLIENT_RIG_H
#define TEST_CODEC_HTTP_CLIENT_RIG_H

#include <weir/codec/http_client.h>
#include <weir/testing.h>
#include <weir/transport/channel.h>
#include <weir/transport/embedded.h>

typedef struct client_rig {
    weir_embedded *embedded;
    weir_ctx *ctx; /* of the handler */
    weir_http_client_options options;
    weir_status result;  /* of client_watch */
    unsigned upgrade_at; /* the status to leave HTTP at */
    char seen[4000], wrote[4000];
} client_rig;

extern client_rig client;

/* `options` may be NULL; the host is "h". */
void client_begin(const weir_http_client_options *options);
void client_end(void);
/* A build function, for a rig whose options are set. */
weir_status client_build(weir_pipeline *pipeline, void *arg);

void client_say(const char *format, ...) WEIR_PRINTF(1, 2);
/* A promise whose result is noted; 1 until then. */
weir_promise *client_watch(void);
weir_buf *client_text(const char *text);
weir_http_request *client_request_with(const char *method, weir_http_name name, const char *value);
/* A whole request; `body` may be NULL. */
void client_ask(const char *method, const char *target, const char *body);
/* The server sends this. */
void client_answer(const char *text);

/* What came since the last time is `expected`. */
bool client_saw(const char *expected);
/* What reached the server since the last time. Until: the next call. */
const char *client_wrote(void);

#define CLIENT_OK(n, body) "HTTP/1.1 200 OK\r\nContent-Length: " n "\r\n\r\n" body

#endif
