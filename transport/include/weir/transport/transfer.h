/* <weir/transport/transfer.h> - bytes from one descriptor to another by the cheapest way these two allow.
 *
 *     file   -> file      copy_file_range, else sendfile
 *     file   -> any       sendfile
 *     pipe   -> any       splice, and the other way round
 *     socket -> any       splice through a pipe of the transfer's own
 *     any    -> any       one buffer of the transfer's own, also where the kernel refuses the above
 *
 * In short: for programs with their own I/O and for threads of a pool, not for channels. A transfer owns one pipe
 * and one buffer, both made when first needed, and can be started again and again. Descriptors may block or not:
 * when one that does not has to be waited for, run answers -EAGAIN and says which; run it again and it goes
 * on where it was, with the bytes it holds. Sockets have to be streams.
 *
 * SIGPIPE is blocked in the calling thread while it runs: a reader that went away is -EPIPE.
 *
 * Layer: transport. Needs status.h. Any thread, one at a time.
 */
#ifndef WEIR_TRANSPORT_TRANSFER_H
#define WEIR_TRANSPORT_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/core/compiler.h>
#include <weir/core/status.h>

WEIR_BEGIN_DECLS

typedef struct weir_transfer weir_transfer;

/* The ways, cheapest first; also the bits of a set. */
typedef enum weir_transfer_path {
    WEIR_TRANSFER_NONE = 0, /* nothing was moved yet */
    WEIR_TRANSFER_COPY_FILE_RANGE = 1,
    WEIR_TRANSFER_SENDFILE = 2,
    WEIR_TRANSFER_SPLICE = 4,
    WEIR_TRANSFER_BUFFER = 8,
} weir_transfer_path;

/* How far a transfer is, since its start. */
typedef struct weir_transfer_result {
    uint64_t bytes;          /* the destination has taken */
    uint64_t calls;          /* system calls made to move them */
    weir_transfer_path path; /* the way the last of them went */
    int waits_for; /* after -EAGAIN: poll this one, source for reading or destination for writing; else -1 */
} weir_transfer_result;

/* Called after bytes have arrived, every 4 MiB at the latest. False stops: run answers WEIR_E_CANCELED, and can be
 * run on. Borrows: result. */
typedef bool weir_transfer_progress_fn(void *arg, const weir_transfer_result *result);

/* Zero means the default, everywhere. */
typedef struct weir_transfer_options {
    size_t buffer_size; /* 128 KiB */
    size_t pipe_size;   /* 256 KiB, or what the system grants */
    unsigned forbid;    /* ways not to take, a set of weir_transfer_path */
    weir_transfer_progress_fn *progress;
    void *progress_arg; /* Borrowed for the transfer's life */
} weir_transfer_options;

/* For `offset`: from where the source stands, which moves on. For `count`: until the source ends. */
#define WEIR_TRANSFER_CURRENT UINT64_MAX
#define WEIR_TRANSFER_TO_END UINT64_MAX

/* Borrows: options, which may be NULL. Gives: a transfer for weir_transfer_free, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_transfer *weir_transfer_new(const weir_transfer_options *options);

/* Takes: transfer, or NULL. The descriptors are not closed. */
WEIR_API void weir_transfer_free(weir_transfer *transfer);

/* What to move: `count` bytes of `src` from `offset` on to where `dst` stands. Nothing moves yet. What an earlier
 * transfer still held is dropped. Borrows: transfer; dst and src until they are done with. */
WEIR_API void weir_transfer_start(weir_transfer *transfer, int dst, int src, uint64_t offset, uint64_t count);

/* Moves until all is done, or until it cannot go on; `*result` says how far it is either way. After -EAGAIN,
 * -EINTR and WEIR_E_CANCELED, and once an -ENOSPC is mended, run it again: no byte is lost or doubled. What was
 * read and not taken by the destination stays with the transfer. Borrows: transfer.
 * Fails: -errno of the call that failed (-EPIPE, -ECONNRESET, -ENOSPC, -EIO, ...), WEIR_E_TRUNCATED when the source
 * ended before `count`, WEIR_E_UNSUPPORTED when every way is forbidden, WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_transfer_run(weir_transfer *transfer, weir_transfer_result *result);

WEIR_END_DECLS

#endif
