/* <weir/codec/http_files.h> - the handler that answers HTTP requests with the files below one folder.
 *
 *     wire <-> [ http_server ] --request--> [ http_files ] --> cache of open files --> region, by sendfile
 *
 * In short: one weir_http_files for the program, shared by all loops; its handler behind the HTTP codec of each
 * channel. It answers every request.
 *
 *     Answers    GET and HEAD of a file: 200, 206 (one range, or several as multipart/byteranges), 304, 412, 416, with
 *                ETag, Last-Modified, a type and Accept-Ranges. A folder: 301 to its name with a slash, then its index
 *                file or, if allowed, a page that lists it. OPTIONS: 204 with Allow. Else 404, 405; 400 for a path that
 *                is none; 503 when threads or memory are short.
 *     Codings    FILE.br, FILE.zst and FILE.gz, when they lie beside FILE and are not older, are sent for it to who
 *                accepts them: for types that compress, and not when a range is asked for.
 *     Root       Nothing outside of it is opened, see file_cache.h, and nothing whose name begins with a dot.
 *     Uploads    With `put`: the body goes to a hidden file in the same folder, on the thread pool, while reading
 *                pauses; complete, it is renamed (201, or 204 when it replaced one). Whoever reads meanwhile gets the
 *                old file whole. If-Match, If-None-Match and If-Unmodified-Since hold. A body over `max_upload`: 413.
 *                Of one that does not end nothing is left. 409: there is a folder of that name, or none to put it in.
 *                400: a part of a file (Content-Range); 415: one that came compressed (Content-Encoding), see
 *                http_decompressor.h.
 *     Waiting    What is not in the cache is opened on the thread pool, and folders are read there. A peer that asks and
 *                does not take gets no further answers: weir_channel_is_writable. For one that takes nothing at all
 *                there is timeout_handler.h.
 *
 * Source: RFC 9110. Layer: codec. Needs http_server.h, file_cache.h.
 */
#ifndef WEIR_CODEC_HTTP_FILES_H
#define WEIR_CODEC_HTTP_FILES_H

#include <weir/codec/http_access_log.h>
#include <weir/codec/http_mime.h>
#include <weir/transport/file_cache.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

typedef struct weir_http_files weir_http_files;

/* A request was answered: on the loop, when its answer is decided; body_size is what will be sent. Borrows: entry. */
typedef void weir_http_files_log_fn(void *arg, const weir_http_access_log *entry);

/* Zero means the default, everywhere. Texts, mime and log_arg: borrowed until the last reference has gone. */
typedef struct weir_http_files_options {
    const char *root;           /* the folder; needed */
    const char *index;          /* of a folder: "index.html"; "": none */
    const char *cache_control;  /* the Cache-Control field of files; NULL: none */
    const weir_http_mime *mime; /* NULL: what is built in */
    bool listing;               /* folders without an index are listed; else they are not found */
    unsigned listing_max;       /* most entries of a page; 10 000 */
    bool show_hidden;           /* names that begin with a dot are names like others */
    bool no_precompressed;      /* FILE.br and so on are not looked for */
    bool put;                   /* uploads */
    bool put_sync;       /* an upload is on the disk before it is answered: fsync(2), of the folder too */
    uint64_t max_upload; /* bytes; 1 GiB */
    weir_file_cache_options cache; /* its root is set here */
    weir_http_files_log_fn *log;   /* NULL: none; any loop */
    void *log_arg;
} weir_http_files_options;

/* Borrows: options. Gives: one in `*out`, NULL on failure. Fails: WEIR_E_INVALID (no root; an index that is a path; a
 * cache_control that cannot be a field), WEIR_E_NO_MEMORY, -errno of opening the root. */
WEIR_API weir_status weir_http_files_new(weir_http_files **out, const weir_http_files_options *options);

/* Gives: one more reference; returns its argument, which may be NULL. Any thread. */
WEIR_API weir_http_files *weir_http_files_retain(weir_http_files *files);

/* Takes: files, or NULL. Channels that are open hold it until they close. Any thread. */
WEIR_API void weir_http_files_release(weir_http_files *files);

/* Its cache, for figures and to forget. Borrows: files, and the answer for its life. Any thread. */
WEIR_API weir_file_cache *weir_http_files_cache(weir_http_files *files);

/* Adds the handler next to the tail; behind weir_http_server_add. Borrows: pipeline, files (held).
 * Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_http_files_add(weir_pipeline *pipeline, weir_http_files *files);

WEIR_END_DECLS

#endif
