/* session.h - one connection of the file server: lines in, answers and bodies out, in their order.
 *
 *     PATH LF  |  PATH TAB OFFSET LF          CR LF ends a line too
 *     OK BYTES LF, then so many bytes  |  ERR REASON LF
 *
 * It decodes no further than it can answer: while WINDOW bodies are on their way, or the channel is not
 * writable, what came stays as it came and reading pauses. So a peer that asks and does not read costs
 * one burst of reads and no open files beyond the window.
 */
#ifndef FILE_SERVER_SESSION_H
#define FILE_SERVER_SESSION_H

#include <stdatomic.h>

#include <weir/transport.h>

enum {
    SESSION_LINE_MAX = 4096,
};

/* How a body gets to the socket. */
enum mode {
    MODE_AUTO,     /* a region, and the transport picks: joined to its header, sendfile, filled when cold */
    MODE_SENDFILE, /* a region, always by sendfile */
    MODE_MMAP,     /* the file mapped, and slices of the map */
    MODE_COPY,     /* a region, always read and written */
};

/* What all sessions share. The counters are sums over all of them, touched from any loop. */
struct service {
    weir_file_root root;
    unsigned mode;
    _Atomic uint64_t files, refused, broken; /* answered OK, answered ERR, ended in the middle of a body */
    _Atomic uint64_t bytes, sendfile_bytes, sendfile_calls, copied_bytes, mapped_bytes; /* of bodies */
};

/* A weir_build_fn; `arg` is the service. */
weir_status session_build(weir_pipeline *pipeline, void *arg);

#endif
