/* <weir/transport/file_cache.h> - files that stay open, shared by their path, for who sends the same ones often.
 *
 *     get    path -> [ table ] -> a file, or "absent", or "not known: load it"      no system call
 *     load   path -> thread pool: open, look, compare -> table -> done(file)        a loop never waits
 *
 * In short: a hit costs a lock and a look-up. What was looked at longer than `revalidate_ms` ago is opened and
 * looked at again at the next question: a file that was replaced, renamed, cut or has grown is then a new
 * weir_file. Whoever still sends the old one goes on: its descriptor stays open until the last region of it is gone.
 *
 * Rules
 *   - Regular files only; opening a pipe or a device is refused and never waits.
 *   - Paths are compared as they are written: "a/b" and "a//b" are two entries.
 *   - With a `root`, paths are relative to it and cannot leave it, neither by ".." nor by a symbolic link. Where the
 *     kernel has no openat2(2) (before Linux 5.6) no symbolic link is followed at all.
 *   - What a file is said to be (its size and times) is up to revalidate_ms old. A file that is changed in
 *     place is sent as it is when it is sent; replace files by rename.
 *
 * Layer: transport. Needs region.h, loop.h. Any thread: one cache may serve all loops.
 */
#ifndef WEIR_TRANSPORT_FILE_CACHE_H
#define WEIR_TRANSPORT_FILE_CACHE_H

#include <weir/transport/loop.h>
#include <weir/transport/region.h>

WEIR_BEGIN_DECLS

typedef struct weir_file_cache weir_file_cache;

/* A file as it was when it was opened; counted, readable. Device, inode, size (region->length) and time together
 * name its contents: what an ETag is made of. */
typedef struct weir_file {
    weir_obj obj;
    weir_region *region; /* all of it, borrowed for the file's life: write it retained, or slices of it */
    uint64_t device, inode;
    int64_t modified_ns; /* since 1970 */
} weir_file;

/* Zero means the default, everywhere. */
typedef struct weir_file_cache_options {
    const char *root;       /* only files beneath this folder; NULL: any path. Borrowed for the call */
    unsigned max_open;      /* most files kept open, the least recently used goes; 1024 */
    unsigned max_absent;    /* most paths known not to exist; 1024 */
    unsigned revalidate_ms; /* a file is looked at again after so long; 1000 */
    unsigned absent_ms;     /* so long a missing file is taken to be missing; 1000 */
    /* Milliseconds that never go back, for tests; any thread. NULL: the system's */
    uint64_t (*clock)(void *arg);
    void *clock_arg;
    weir_alloc *alloc; /* for the table and its entries; NULL: weir_alloc_default() */
} weir_file_cache_options;

/* Counts since it was made, but for the last two. */
typedef struct weir_file_cache_stats {
    uint64_t hits;        /* answered with a file, without a system call */
    uint64_t absent_hits; /* answered with -ENOENT, without a system call */
    uint64_t misses;      /* not known, or too old */
    uint64_t revalidated; /* looked at again and found the same */
    uint64_t replaced;    /* looked at again and found another one */
    uint64_t evicted;     /* closed to make room */
    unsigned open, absent;
} weir_file_cache_stats;

/* Borrows: options, which may be NULL. Gives: a cache in `*out`, NULL on failure.
 * Fails: WEIR_E_NO_MEMORY, -errno of opening the root. */
WEIR_API weir_status weir_file_cache_new(weir_file_cache **out, const weir_file_cache_options *options);

/* Takes: cache, or NULL. Loads under way hold it until they are done; files that were given stay valid. */
WEIR_API void weir_file_cache_release(weir_file_cache *cache);

/* Gives: one more reference; returns its argument, which may be NULL. */
WEIR_API weir_file_cache *weir_file_cache_retain(weir_file_cache *cache);

/* What is known, without a system call. Borrows: cache, path. Gives: a file in `*out`, NULL on failure.
 * Fails: -ENOENT (known to be missing), -EAGAIN (not known, or looked at too long ago: load it). */
WEIR_API weir_status weir_file_cache_get(weir_file_cache *cache, const char *path, weir_file **out);

/* The same, and opens the file now when it must, which may wait for a disk. Borrows: cache, path. Gives: a file in
 * `*out`, NULL on failure. Fails: WEIR_E_UNSUPPORTED (not a regular file), -EXDEV (leads out of the root),
 * WEIR_E_NO_MEMORY, -errno of open(2). Only a missing file is remembered. */
WEIR_API weir_status weir_file_cache_open(weir_file_cache *cache, const char *path, weir_file **out);

/* The end of a load. Takes: file, which is NULL unless status is WEIR_OK. */
typedef void weir_file_fn(void *arg, weir_status status, weir_file *file);

/* weir_file_cache_open on the thread pool, then `done` on the loop, always; WEIR_E_CANCELED when it never ran.
 * Borrows: cache, loop, path. Fails: WEIR_E_NO_MEMORY, WEIR_E_STOPPED; then `done` is not called. On the loop only. */
WEIR_API weir_status weir_file_cache_load(weir_file_cache *cache, weir_loop *loop, const char *path,
                                          weir_file_fn *done, void *arg);

/* A descriptor of whatever is at `path`, that can be looked at and be the folder of an openat(2), not read (O_PATH):
 * for what a cache of files does not do, within the same root. Nothing is remembered; it may wait for a disk.
 * Borrows: cache, path. Gives: a descriptor in `*fd`, -1 on failure. Fails: -EXDEV, -errno of open(2). */
WEIR_API weir_status weir_file_cache_locate(weir_file_cache *cache, const char *path, int *fd);

/* Forgets what is known of `path`, or of all when it is NULL. Borrows: cache. */
WEIR_API void weir_file_cache_forget(weir_file_cache *cache, const char *path);

/* Borrows: cache. */
WEIR_API void weir_file_cache_get_stats(weir_file_cache *cache, weir_file_cache_stats *out);

/* Whether both are the same contents, as far as the system tells: device, inode, size and time. Borrows: both. */
WEIR_API bool weir_file_is_same(const weir_file *file, const weir_file *other);

/* Gives: one more reference; returns its argument, which may be NULL. Any thread. */
static inline weir_file *weir_file_retain(weir_file *file) {
    return (weir_file *)weir_obj_retain(file);
}

/* Takes: file, or NULL. Any thread. */
static inline void weir_file_release(weir_file *file) {
    weir_obj_release(file);
}

WEIR_END_DECLS

#endif
