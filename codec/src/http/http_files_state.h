/* http_files_state.h - private: what the files of http_files share.
 *
 *     http_files.c         what all channels share; the handler; which method does what
 *     http_files_find.c    the path of a request to a file, its index or its compressed sibling
 *     http_files_send.c    a file as an answer: conditions, ranges, fields
 *     http_files_answer.c  every other answer, and the end of a visit
 *     http_files_list.c    a folder read into rows, on the thread pool
 *     http_files_page.c    rows as a page
 *     http_files_put.c     uploads
 *
 * A visit is one request on its way to its answer. While `is_away` a job on the thread pool or the cache has it:
 * then the handler may go, and the visit is freed when it comes back.
 */
#ifndef WEIR_CODEC_HTTP_FILES_STATE_H
#define WEIR_CODEC_HTTP_FILES_STATE_H

#include <weir/codec/http_conditions.h>
#include <weir/codec/http_files.h>
#include <weir/codec/http_server.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/loop.h>

struct weir_http_files {
    weir_obj obj;
    weir_http_files_options options;
    weir_file_cache *cache;
};

typedef struct http_upload http_upload;
typedef struct http_visit http_visit;

/* One channel. */
typedef struct http_files_channel {
    weir_http_files *files; /* held */
    weir_ctx *ctx;
    http_visit *visit; /* or NULL: between requests */
} http_files_channel;

struct http_visit {
    weir_http_files *files;      /* the channel's; held once that has gone */
    http_files_channel *channel; /* NULL: gone */
    weir_http_request *request;
    bool is_away;
    bool is_parked;  /* until the channel is writable */
    bool is_folder;  /* the path ended in a slash */
    bool varies;     /* on Accept-Encoding */
    weir_file *file; /* to be sent */
    uint8_t coding;  /* of it; 0: identity */
    uint8_t trying;  /* the coding that is looked for */
    unsigned quality;
    weir_buf *page;   /* a listing */
    unsigned refusal; /* what became of a job: the status to answer */
    http_upload *upload;
    size_t folder_length, name_length; /* of `name`, without an index; without a coding's suffix */
    size_t room;
    char name[]; /* of the file, in the root */
};

/* ---- http_files.c ---- */

/* Takes: visit, which is not away. */
void http_visit_free(http_visit *visit);
/* `work` on the pool and `done` on the loop, both with the visit; false: it cannot be, and was answered. */
bool http_visit_offload(http_visit *visit, weir_task_fn *work, void (*done)(void *visit, weir_status status));
/* At the beginning of `done`: false when nobody waits any more, and the visit is freed. */
bool http_visit_returns(http_visit *visit);

/* ---- http_files_find.c ---- */

void http_visit_find(http_visit *visit);
/* "br" for a coding's number. */
const char *http_visit_coding(const http_visit *visit);

/* ---- http_files_send.c. Takes: visit ---- */

void http_visit_send(http_visit *visit);
/* What the If- fields make of a request, now that there is this (stat) or nothing. Any thread. Borrows: all */
weir_http_verdict http_visit_verdict(const http_visit *visit, const weir_http_validators *now_is);

/* ---- http_files_answer.c. Takes: visit ---- */

/* Adds a field; when that fails `*response` is released and NULL. */
void http_answer_add(weir_http_response **response, weir_http_name name, weir_bytes value);
/* The visit is over: it is told to the log and freed, before its answer is written. */
weir_ctx *http_visit_end(http_visit *visit, unsigned status, uint64_t body_size);
/* Takes: response (NULL: out of memory), body (may be NULL) too. */
void http_visit_respond(http_visit *visit, weir_http_response *response, void *body);
/* A status and a page that says so. */
void http_visit_refuse(http_visit *visit, unsigned status);
void http_visit_refuse_range(http_visit *visit, uint64_t length);
void http_visit_redirect(http_visit *visit);
void http_visit_options(http_visit *visit);
/* What a failed open or load is to the peer. */
unsigned http_status_of(weir_status status);

/* ---- http_files_list.c. Takes: visit ---- */

void http_visit_list(http_visit *visit);

/* ---- http_files_put.c ---- */

/* Takes: visit. */
void http_visit_put(http_visit *visit);
/* The rest of its request. Takes: piece. */
void http_upload_piece(http_visit *visit, weir_buf *piece);
void http_upload_end(http_visit *visit);
/* What a job under way holds. Requires: one is, and the channel is there still. */
void http_upload_let_read(const http_visit *visit);
/* Nobody waits for it any more. Takes: upload, or NULL. */
void http_upload_free(http_upload *upload);

#endif
