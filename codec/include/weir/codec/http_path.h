/* <weir/codec/http_path.h> - the path of a request: split off, made safe for a file server, dots removed.
 *
 *     /a/./b/../c%20d/?x=1      path /a/./b/../c%20d/   query x=1      file "a/c d", a folder
 *
 * What names a file is decoded once, segment by segment, and looked at after that: ".." and a slash are found however
 * they were written, and nothing above the root has a name.
 *
 * Source: RFC 3986 3.3, 5.2.4. Layer: codec, pure. Any thread.
 */
#ifndef WEIR_CODEC_HTTP_PATH_H
#define WEIR_CODEC_HTTP_PATH_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

/* The target of a request (origin or absolute form) as path and query, both still encoded; a query that is not there
 * has ptr NULL, a fragment is left out. False for a target without a path: `*`, `host:port`. Borrows: path, query. */
WEIR_API bool weir_http_path_split(weir_bytes target, weir_bytes *path, weir_bytes *query);

/* What is refused beyond what must be. */
typedef struct weir_http_path_options {
    /* a backslash is a byte like others; false: refused, some systems take it for a slash */
    bool allow_backslash;
    bool allow_control; /* so are control bytes, except NUL; false: refused */
    bool refuse_hidden; /* no segment begins with a dot */
} weir_http_path_options;

/* Writes the relative file name that `path` stands for to `out`: decoded, "." and ".." and empty segments resolved, no
 * slash in front or behind, NUL-terminated; the root is ".". `*is_folder` (may be NULL): a slash or dots stood at its
 * end. Borrows: options (may be NULL), out. Fails: WEIR_E_INVALID when the path does not begin with a slash, goes above
 * the root, or has an escape that is none, NUL, an escaped slash, or what the options refuse; WEIR_E_LIMIT when name
 * and NUL are more than `room` bytes. `out` is then of no use. */
WEIR_API weir_status weir_http_path_to_file(weir_bytes path, const weir_http_path_options *options, char *out,
                                            size_t room, bool *is_folder);

/* Appends an encoded path with its dot segments removed as RFC 3986 5.2.4 does: those above the root vanish.
 * Borrows: out. */
WEIR_API void weir_http_path_remove_dots(weir_bytes path, weir_buf *out);

/* The last part of a file name from a form, behind every slash and backslash; empty for "." and "..", and when there is
 * a NUL or control byte in it: what a browser on another system sent is no path here. */
WEIR_API weir_bytes weir_http_path_last(weir_bytes file_name);

WEIR_END_DECLS

#endif
