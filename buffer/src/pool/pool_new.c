/* pool_new.c - a pool is made: its options are understood, or refused with a line. */
#include "pool_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/core/log.h>

#include "guard.h"

#define CACHE_BYTES ((size_t)64 << 20)
#define ALIGNMENT_MAX ((size_t)1 << 30)

enum {
    DECAY_MS = 10000,
    PAGE = 4096
};

/* ---- which backend ---------------------------------------------------------------------------- */

static const pool_backend *choose_backend(const weir_pool_options *options) {
    weir_pool_backend wanted = options->backend;
    bool pages = options->huge_pages || options->lock_memory;
    if (options->source != NULL) return &backend_source;
    if (wanted == WEIR_POOL_BACKEND_MALLOC) return &backend_malloc;
#ifdef WEIR_NO_JEMALLOC
    return wanted == WEIR_POOL_BACKEND_DEFAULT && !pages ? &backend_malloc : NULL;
#else
    if (wanted == WEIR_POOL_BACKEND_JEMALLOC) return &backend_jemalloc;
    if (wanted != WEIR_POOL_BACKEND_DEFAULT) return NULL;
    bool seen = GUARD_SANITIZER || guard_is_memcheck();
    return seen && !pages ? &backend_malloc : &backend_jemalloc;
#endif
}

/* ---- what cannot be --------------------------------------------------------------------------- */

static const char *contradiction_in(const weir_pool_options *options) {
    size_t alignment = options->alignment;
    bool pages = options->huge_pages || options->lock_memory;
    if ((alignment & (alignment - 1)) != 0 || alignment > ALIGNMENT_MAX)
        return "an alignment is a power of two up to 1 GiB";
    if (options->decay_ms < -1) return "decay_ms is -1 or more";
    if (options->source != NULL && (pages || options->decay_ms != 0 || options->backend != 0))
        return "with a source, backend, decay_ms, huge_pages and lock_memory are its own business";
    if (options->backend == WEIR_POOL_BACKEND_MALLOC && pages)
        return "malloc has no huge_pages and no lock_memory";
    return NULL;
}

static weir_status try_to_lock(void) {
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return weir_status_from_errno(errno);
    weir_status status = mlock(page, PAGE) == 0 ? WEIR_OK : weir_status_from_errno(errno);
    (void)munmap(page, PAGE);
    return status;
}

static bool can_be_honoured(const weir_pool_options *options) {
    const char *contradiction = contradiction_in(options);
    if (contradiction != NULL) {
        weir_log(WEIR_LOG_ERROR, "pool", "no pool: %s", contradiction);
        return false;
    }
    weir_status status = options->lock_memory ? try_to_lock() : WEIR_OK;
    if (status == WEIR_OK) return true;
    weir_log(WEIR_LOG_ERROR, "pool", "no pool: memory may not be locked: %s", weir_status_text(status));
    return false;
}

/* The system has transparent huge pages for those who ask: "[always] madvise never" and the like. */
static bool has_huge_pages(void) {
    char text[64] = "";
    int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t got = read(fd, text, sizeof text - 1);
    (void)close(fd);
    return got > 0 && strstr(text, "[never]") == NULL;
}

static bool gets_huge_pages(const weir_pool_options *options) {
    if (!options->huge_pages) return false;
    bool has = has_huge_pages();
    if (!has) weir_log(WEIR_LOG_WARN, "pool", "the system has no transparent huge pages; going on without");
    return has;
}

/* ---- taking them over ------------------------------------------------------------------------- */

static size_t rounded_max(const weir_pool *pool, size_t wanted) {
    if (wanted == 0 || wanted >= WEIR_BUF_MAX) return WEIR_BUF_MAX;
    unsigned index;
    size_t size = pool_block_size(pool, wanted, &index);
    return size > WEIR_BUF_MAX ? WEIR_BUF_MAX : size;
}

/* Whether bufs go the long way decides once, so nobody else is asked. */
static void choose_maker(weir_pool *pool) {
    bool careful = pool->wipes || pool->watched || pool->quarantines || pool->on_release != NULL;
    size_t largest = pool->max < SIZE_CLASS_LARGEST ? pool->max : SIZE_CLASS_LARGEST;
    pool->quick = careful ? 0 : largest - 1;
    pool->maker = careful ? &pool_careful_maker : &pool_maker;
}

static void take_options(weir_pool *pool, const weir_pool_options *options) {
    size_t alignment = options->alignment < SIZE_CLASS_ALIGNMENT ? SIZE_CLASS_ALIGNMENT : options->alignment;
    pool->name = options->name != NULL ? options->name : "pool";
    pool->limit = options->limit != 0 ? options->limit : SIZE_MAX;
    pool->cache_bytes = options->cache_bytes != 0 ? options->cache_bytes : CACHE_BYTES;
    if (options->cache_bytes == SIZE_MAX) pool->cache_bytes = 0;
    pool->mask = alignment - 1;
    pool->max = rounded_max(pool, options->max_capacity);
    pool->wipes = options->zero_on_release;
    pool->watched = guard_is_on();
    pool->quarantines = weir_leak_is_tracking();
    pool->on_release = options->on_release;
    pool->on_release_arg = options->on_release_arg;
    pool->settings = (backend_settings){
        .decay_ms = options->decay_ms != 0 ? options->decay_ms : DECAY_MS,
        .huge_pages = gets_huge_pages(options),
        .locked = options->lock_memory,
        .source = options->source,
    };
    choose_maker(pool);
}

static weir_pool *pool_alloc(weir_alloc *alloc) {
    if (alloc == NULL) alloc = weir_alloc_default();
    void *block = weir_alloc_acquire(alloc, sizeof(weir_pool) + CACHE_LINE - 1);
    if (block == NULL) return NULL;
    weir_pool *pool = (weir_pool *)(((uintptr_t)block + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
    memset(pool, 0, sizeof *pool);
    pool->block = block;
    pool->alloc = alloc;
    weir_list_init(&pool->out);
    return pool;
}

weir_pool *pool_new_over(const pool_backend *backend, const weir_pool_options *options) {
    static const weir_pool_options defaults;
    if (options == NULL) options = &defaults;
    if (!can_be_honoured(options)) return NULL;
    weir_pool *pool = pool_alloc(options->alloc);
    if (pool == NULL) return NULL;
    pool->backend = backend;
    take_options(pool, options);
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        weir_alloc_release(pool->alloc, pool->block);
        return NULL;
    }
    pool_enter_registry(pool);
    return pool;
}

weir_pool *weir_pool_new(const weir_pool_options *options) {
    static const weir_pool_options defaults;
    if (options == NULL) options = &defaults;
    const pool_backend *backend = choose_backend(options);
    if (backend != NULL) return pool_new_over(backend, options);
    weir_log(WEIR_LOG_ERROR, "pool", "no pool: backend %d is unknown, or jemalloc was left out of this build",
             (int)options->backend);
    return NULL;
}
