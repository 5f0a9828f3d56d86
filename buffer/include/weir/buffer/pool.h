/* <weir/buffer/pool.h> - where bufs come from: recycled blocks outside the malloc heap.
 *
 *     thread A: magazine  [64][128][192][256][320]...[1M]   <- get and release: a pop or a push, no atomics
 *                   |  refill, spill
 *               jemalloc arena of this magazine
 *     thread B releases a buf of A: pushed on A's return stack, reused by A
 *
 * In short: a get of any size up to 1 MiB (4 classes per doubling) takes a ready buf, header and block
 * together, from the calling thread's magazine; the last release puts it back. A magazine keeps at most
 * `cache_bytes` ready; beyond that the size it has most of goes back. Bigger bufs go to the arena each time.
 *
 * A thread's first get makes its magazine; when the thread ends, what it cached goes back and the
 * magazine waits for the next thread. Free blocks that are cached are poisoned under ASan and valgrind.
 * A pool made while leaks are tracked keeps released bufs aside for a while before it reuses them, and a
 * read or write through one faults.
 *
 * Layer: buffer. Needs buf.h. Any thread, unless a function says otherwise.
 */
#ifndef WEIR_BUFFER_POOL_H
#define WEIR_BUFFER_POOL_H

#include <stdio.h>

#include <weir/buffer/buf.h>
#include <weir/core/alloc.h>

WEIR_BEGIN_DECLS

typedef struct weir_pool weir_pool;

/* Where blocks come from. */
typedef enum weir_pool_backend {
    WEIR_POOL_BACKEND_DEFAULT, /* jemalloc; malloc under sanitizers and where jemalloc was left out */
    WEIR_POOL_BACKEND_JEMALLOC,
    WEIR_POOL_BACKEND_MALLOC, /* the process's malloc: what sanitizers and heap profilers see */
} weir_pool_backend;

/* Blocks from elsewhere: shared memory, registered memory, one mapping cut into pieces. Embed it in a struct
 * of your own. The pool caches over it, and calls it from any thread, also from several at once. */
typedef struct weir_pool_source weir_pool_source;

struct weir_pool_source {
    const char *name; /* what weir_pool_backend_name answers */
    /* `size` bytes, a multiple of `alignment`, at an address that is one too; NULL: no more. */
    void *(*acquire)(weir_pool_source *self, size_t size, size_t alignment);
    /* A block of `acquire` comes back, of the size it was asked for. */
    void (*release)(weir_pool_source *self, void *mem, size_t size);
    /* The pool is gone, and the last of its bufs: nothing is asked any more. NULL slot: never mind. */
    void (*closed)(weir_pool_source *self);
};

/* The memory of a buf comes back: `size` bytes at `mem` as the last holder left them, not wiped yet. On the
 * thread that released last, also for the memory a growing buf leaves, and also after weir_pool_free. It may
 * get and release bufs. */
typedef void weir_pool_release_fn(void *arg, const void *mem, size_t size);

/* Zero means the default, everywhere. */
typedef struct weir_pool_options {
    const char *name; /* for dumps and logs; "pool". Borrowed for the pool's life */
    weir_pool_backend backend;
    size_t limit;         /* most bytes taken from the system, in use and cached; 0: no limit */
    size_t cache_bytes;   /* most bytes one thread's magazine keeps ready; 0: 64 MiB;
                                      SIZE_MAX: none */
    size_t max_capacity;  /* largest buf, itself rounded up as a get is; 0: WEIR_BUF_MAX */
    size_t alignment;     /* of every block; a power of two up to 1 GiB; less than 64 counts as 64. 4096 suits
                             O_DIRECT; over a MiB no block is cached */
    bool zero_on_release; /* wipe a block before it is cached or freed: for secrets */
    weir_alloc *alloc;    /* headers and tables, not blocks; NULL: weir_alloc_default() */

    /* Free pages of jemalloc go back to the system after about so many milliseconds, looked at while the
     * thread takes and gives blocks: an idle one keeps them until weir_pool_trim. What magazines cache is
     * not free. 0: 10 000; -1: never. Shorter costs a system call and page faults more often; "at once"
     * cannot be asked for, it would cost them at every block. */
    int decay_ms;
    /* Ask the system for 2 MiB pages (MADV_HUGEPAGE): fewer TLB misses, more resident memory. Where it has
     * none a line is logged, `huge_pages` in the stats is false, and the pool works without. */
    bool huge_pages;
    /* Blocks are locked in memory, 2 MiB at a time where that may be: never swapped, no page faults. They
     * count against RLIMIT_MEMLOCK. Where nothing may be locked there is no pool; at the limit a get fails.
     * Either logs a line. With this or huge_pages jemalloc is the backend under sanitizers too. */
    bool lock_memory;
    /* Blocks come from here and not from a backend, and the three options above are its own business.
     * Borrowed until its `closed` is called. */
    weir_pool_source *source;
    /* Called for each buf whose memory comes back; NULL: nobody, which costs nothing. */
    weir_pool_release_fn *on_release;
    void *on_release_arg;
} weir_pool_options;

/* All in bytes unless they say otherwise. Sums over all threads; exact when they are at rest. */
typedef struct weir_pool_stats {
    uint64_t gets, releases; /* counts since the pool was made */
    uint64_t foreign;        /* of the releases: by another thread than the one that got it */
    uint64_t refills;        /* times a magazine had to ask the backend for a block */
    uint64_t failures;       /* gets answered with NULL */
    uint64_t live;           /* bufs out now */
    uint64_t active;         /* capacity of the bufs out now */
    uint64_t cached;         /* capacity waiting in magazines and return stacks */
    uint64_t requested;      /* what the bufs out now were asked for, at the time of the get */
    uint64_t peak;           /* most of active + cached ever */
    uint64_t resident;       /* what the backend holds from the system; 0 where it does not tell */
    uint64_t limit;
    uint32_t magazines; /* threads that have one, or had */
    bool huge_pages;    /* asked for, and the system has them */
    bool locked;        /* blocks are locked in memory */
} weir_pool_stats;

/* What happened to the bufs of one size. */
typedef struct weir_pool_class {
    size_t size;   /* their capacity; 0: the larger ones, each of its own size */
    uint64_t gets; /* counts since the pool was made */
    uint64_t releases, foreign, refills;
    uint64_t live;   /* bufs out now */
    uint64_t cached; /* waiting in magazines and return stacks */
} weir_pool_class;

/* A pool. Borrows: options, which may be NULL. Gives: a pool for weir_pool_free, or NULL when out of
 * memory, or when the options make no sense or cannot be honoured (a line is logged). */
WEIR_API WEIR_MUST_USE weir_pool *weir_pool_new(const weir_pool_options *options);

/* Takes: pool, or NULL. Everything cached goes back to the system. Bufs still out are reported by a log line,
 * and in a pool made while leaks are tracked one by one: size, age, acquired where. They stay valid, may
 * grow, and give their memory back at their last release, whenever that is. During the call no other thread
 * may get from the pool, and of the threads that ever did none but the caller may release a buf of it. */
WEIR_API void weir_pool_free(weir_pool *pool);

/* A buf with room for `capacity` bytes (rounded up to the class) and no limit but max_capacity. It grows
 * from this pool. Borrows: pool. Gives: a buf, or NULL: out of memory, over the limit, over max_capacity. */
WEIR_API WEIR_MUST_USE weir_buf *weir_pool_get(weir_pool *pool, size_t capacity);

/* The capacity a get of `n` bytes really has; 0 when n is over max_capacity. Borrows: pool. */
WEIR_API size_t weir_pool_good_size(const weir_pool *pool, size_t n);

/* Gives what the calling thread's magazine has cached back to the backend, and asks that to return its free
 * pages, of all threads, to the system. Magazines without a thread hold nothing ready. Borrows: pool. */
WEIR_API void weir_pool_trim(weir_pool *pool);

/* What the pool has done and holds. Costs tens of microseconds: `resident` is asked of the backend.
 * Borrows: pool. */
WEIR_API void weir_pool_get_stats(weir_pool *pool, weir_pool_stats *out);

/* The same for one size: `index` counts from 0, the smallest; the last is the larger ones. False when there
 * is no such index. Borrows: pool. */
WEIR_API bool weir_pool_class_stats(weir_pool *pool, unsigned index, weir_pool_class *out);

/* The stats as a few lines for people. Borrows: pool, out. */
WEIR_API void weir_pool_dump(weir_pool *pool, FILE *out);

/* The stats as one JSON object on a line: their names and those of `weir_pool_class`, in "classes" the sizes
 * that were ever asked for. Borrows: pool, out. */
WEIR_API void weir_pool_dump_json(weir_pool *pool, FILE *out);

/* The name of the backend in use: "jemalloc" or "malloc", or the source's. Borrows: pool. Until: the pool is
 * freed. */
WEIR_API const char *weir_pool_backend_name(const weir_pool *pool);

WEIR_END_DECLS

#endif
