/* <weir/buffer/buf_map.h> - a file in memory as a buf.
 *
 *     file     | page | page | page | page |
 *     buf          [ offset ... length )          any offset: the pages around the range are mapped
 *
 * In short: the bytes of a file, read when they are touched and never copied to a buffer of ours. The
 * map is a buf like any other: slices of it keep it, and the last of them unmaps it, on whichever thread
 * that is. The descriptor may be closed at once. Map a big file once and give away slices.
 *
 * Rules
 *   - A buf mapped to read only is a read-only buf: writing to it is a bug and stops the program.
 *   - A map cannot grow. A file that grows later is mapped again.
 *   - SIGBUS: if somebody truncates the file, touching a page behind its new end kills the program with
 *     that signal; so does an I/O error. No check beforehand helps. Map only files that nobody cuts: your
 *     own, or those that are replaced by rename. For all others send a region (weir_region_file) or read
 *     the file (weir_buf_read_fd): there a file that became shorter is a short count or a status.
 *
 * Layer: buffer. Needs buf.h. One buf, one thread at a time; the last release on any thread.
 */
#ifndef WEIR_BUFFER_BUF_MAP_H
#define WEIR_BUFFER_BUF_MAP_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

typedef enum weir_buf_map_access {
    WEIR_BUF_MAP_READ_ONLY = 0, /* what others write to the file is seen */
    WEIR_BUF_MAP_PRIVATE = 1,   /* writes stay with this map: a page is copied when it is first written */
    WEIR_BUF_MAP_SHARED = 2,    /* writes go to the file, which must be open for reading and writing */
} weir_buf_map_access;

/* How the bytes will be read, for the page cache. */
typedef enum weir_buf_map_advice {
    WEIR_BUF_MAP_NORMAL = 0,
    WEIR_BUF_MAP_SEQUENTIAL = 1, /* read far ahead, drop behind */
    WEIR_BUF_MAP_RANDOM = 2,     /* read nothing ahead */
    WEIR_BUF_MAP_WILLNEED = 3,   /* begin to read it all now, without waiting */
} weir_buf_map_advice;

/* Zero is the default of each. What is asked for is done, or mapping fails. */
typedef struct weir_buf_map_options {
    weir_buf_map_access access;
    weir_buf_map_advice advice;
    bool populate; /* have all pages at hand before answering, so that reading faults no more (Linux 5.14) */
    bool lock;     /* the same, and keep them in memory (mlock); counts against RLIMIT_MEMLOCK */
    /* Wish for huge pages (MADV_HUGEPAGE). WEIR_E_UNSUPPORTED where the kernel has none or they are switched
     * off. Where it has them it remains a wish: most file systems are mapped with small pages all the same. */
    bool huge_pages;
} weir_buf_map_options;

/* As a length: all that follows the offset. */
#define WEIR_BUF_MAP_REST SIZE_MAX

/* All of the regular file `fd`, which stays the caller's and may be closed; an empty file is an empty buf.
 * `*out` is NULL on failure. Borrows: options, which may be NULL. Gives: a new buf in `*out`.
 * Fails: WEIR_E_NO_MEMORY, WEIR_E_UNSUPPORTED (not a regular file, or the kernel
 * knows no such option), -EACCES (not open for
 * that access), -EAGAIN or -ENOMEM or -EPERM (too much to lock), other -errno. */
WEIR_API weir_status weir_buf_map_file(weir_buf **out, int fd, const weir_buf_map_options *options);

/* The same for `length` bytes from `offset`, neither of which need be aligned. Gives: a new buf in `*out`.
 * Borrows: options, which may be NULL. Fails: also WEIR_E_TRUNCATED when the file ends before the range. */
WEIR_API weir_status weir_buf_map_range(weir_buf **out, int fd, uint64_t offset, size_t length,
                                        const weir_buf_map_options *options);

/* The same for a file by its path, opened as the access needs. Gives: a new buf in `*out`.
 * Borrows: path, and options, which may be NULL. Fails: also -ENOENT and what else open(2) says. */
WEIR_API weir_status weir_buf_map_path(weir_buf **out, const char *path, uint64_t offset, size_t length,
                                       const weir_buf_map_options *options);

/* Whether reading `buf` may have to wait for a disk: any of its memory, or of its parts, is a map.
 * Borrows: buf. */
WEIR_API bool weir_buf_is_mapped(const weir_buf *buf);

/* Advice on the pages under `buf`, a map or a slice of one: WILLNEED a little ahead of the reader.
 * Borrows: buf. Fails: WEIR_E_UNSUPPORTED when its memory is no map, or it is a composite; -errno. */
WEIR_API weir_status weir_buf_map_advise(const weir_buf *buf, weir_buf_map_advice advice);

/* Waits until what was written to the pages under `buf`, a shared map or a slice of one, is in the file on
 * its disk. Without it the kernel writes when it sees fit, also after the end of the program.
 * Borrows: buf. Fails: WEIR_E_UNSUPPORTED when its memory is no shared map, or it is a composite; -errno. */
WEIR_API weir_status weir_buf_map_sync(const weir_buf *buf);

WEIR_END_DECLS

#endif
