/* exchange.h - one request and its answer over one connection: the handler behind the HTTP codec.
 *
 * A redirect ends it with its Location; weir_get.c goes there with the next exchange.
 */
#ifndef WEIR_GET_EXCHANGE_H
#define WEIR_GET_EXCHANGE_H

#include <weir/codec.h>
#include <weir/transport.h>

#include "common/args.h"
#include "common/progress.h"
#include "origin.h"
#include "sink.h"

enum {
    EXCHANGE_HTTP_FAILED = 22, /* an exit code, as of curl -f */
};

struct exchange {
    /* ---- what to do ---- */
    weir_loop *loop;
    struct origin *origin;
    weir_tls_context *tls; /* of an https origin */
    const char *method;
    weir_region *post; /* NULL: no body */
    const args_list *headers;
    /* not the server that the headers were meant for: Authorization, Cookie and Host stay away */
    bool keeps_secrets;
    const char *range; /* "0-99", or NULL */
    uint64_t have;     /* continue behind so many bytes, of the version of have_date */
    int64_t have_date;
    uint64_t max_bytes;
    bool checks_sum;
    uint32_t sum; /* the CRC-32C that it must have */
    uint64_t patience_ms;
    FILE *out; /* what a person is told */
    struct sink *sink;

    /* ---- where it is ---- */
    weir_channel *channel;
    bool asked;
    bool interim;                       /* the message that comes is not the answer */
    bool in_body, ended, gone, settled; /* settled: it is decided how it went */
    uint64_t size;                      /* of the whole file; PROGRESS_UNKNOWN */
    uint64_t received;
    struct progress progress;
    weir_timer timer;

    /* ---- how it went ---- */
    int code;                          /* an exit code */
    bool redirected;                   /* to where `location` says */
    unsigned status;                   /* of the answer */
    char location[ORIGIN_URL_MAX + 1]; /* as it came */
};

/* A weir_build_fn; `arg` is the exchange. The loop is stopped when the channel is gone and the disk is done. */
weir_status exchange_build(weir_pipeline *pipeline, void *arg);

/* A weir_promise_fn for the connection; `arg` is the exchange. */
void exchange_connected(void *arg, weir_status status);

/* The sink's `written`; `arg` is the exchange. */
void exchange_written(void *arg, weir_status status);

/* Ends it with one sentence on stderr and an exit code; the first one counts. */
void exchange_fail(struct exchange *self, int code, const char *format, ...) WEIR_PRINTF(3, 4);

/* The fields and the body of its request, sent. Fails, after saying why: false. */
bool exchange_ask(struct exchange *self, weir_ctx *ctx);

/* Decides by the head of the answer what becomes of it. Borrows: response. */
void exchange_take_head(struct exchange *self, const weir_http_response *response);

#endif
