/* buf_map.c - files as bufs: the maker whose memory is a range of pages.
 *
 * Rule: the store of the root is the range that was asked for, to the byte; the pages around it are
 * found by rounding, so that no second address need be kept.
 */
#include <weir/buffer/buf_map.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf_parts.h"
#include "buf_room.h"
#include "header_cache.h"

static weir_leak_counter maps = {.name = "mapped buf"};

/* Whole pages. */
typedef struct page_range {
    void *start;
    size_t size;
} page_range;

static size_t bytes_into_page(uint64_t at) {
    return (size_t)(at & ((uint64_t)sysconf(_SC_PAGESIZE) - 1));
}

static page_range pages_under(uint8_t *from, size_t len) {
    size_t before = bytes_into_page((uintptr_t)from);
    return (page_range){from - before, len + before};
}

static weir_status status_of(int result) {
    return result == 0 ? WEIR_OK : weir_status_from_errno(errno);
}

/* ---- the maker -------------------------------------------------------------------------------- */

static void unmap(buf_root *root) {
    page_range pages = pages_under(root->store.mem, root->store.size);
    if (root->store.size != 0) munmap(pages.start, pages.size);
    weir_leak_count(&maps, -1);
    weir_header_put(HEADER_ROOT, &root->buf);
}

/* What grows out of a map, such as the memory of a composite, is on the heap. */
static const buf_maker map_maker = {.name = "mapped", .another = NULL, .give_back = unmap};

/* ---- advice and its like ---------------------------------------------------------------------- */

/* A kernel that does not know the word says EINVAL. */
static weir_status ask(page_range pages, int word) {
    weir_status status = status_of(madvise(pages.start, pages.size, word));
    return status == -EINVAL ? WEIR_E_UNSUPPORTED : status;
}

static weir_status advise(page_range pages, weir_buf_map_advice advice) {
    static const int words[] = {
        [WEIR_BUF_MAP_NORMAL] = MADV_NORMAL,
        [WEIR_BUF_MAP_SEQUENTIAL] = MADV_SEQUENTIAL,
        [WEIR_BUF_MAP_RANDOM] = MADV_RANDOM,
        [WEIR_BUF_MAP_WILLNEED] = MADV_WILLNEED,
    };
    WEIR_CHECK((size_t)advice < sizeof words / sizeof *words, "%d is no advice on a map", (int)advice);
    return ask(pages, words[advice]);
}

/* The kernel accepts the wish also while huge pages are switched off for everybody. */
static bool huge_pages_are_off(void) {
    char text[64] = "[never]";
    int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (n > 0) text[n] = '\0';
    return strstr(text, "[never]") != NULL;
}

static weir_status wish_for_huge_pages(page_range pages) {
    if (huge_pages_are_off()) return WEIR_E_UNSUPPORTED;
    return ask(pages, MADV_HUGEPAGE);
}

/* Huge pages before the first page is there. Populating answers where touching would raise SIGBUS.
 * mlock2, because sanitizers make mlock do nothing. */
static weir_status apply(const weir_buf_map_options *options, page_range pages) {
    weir_status status = options->huge_pages ? wish_for_huge_pages(pages) : WEIR_OK;
    if (status == WEIR_OK && options->advice != WEIR_BUF_MAP_NORMAL) status = advise(pages, options->advice);
    if (status == WEIR_OK && options->populate) status = ask(pages, MADV_POPULATE_READ);
    if (status == WEIR_OK && options->lock) status = status_of(mlock2(pages.start, pages.size, 0));
    return status;
}

/* ---- mapping ---------------------------------------------------------------------------------- */

/* The length that is really meant, when the file has those bytes now. */
static weir_status measure_range(int fd, uint64_t offset, size_t *length) {
    struct stat file;
    if (fstat(fd, &file) != 0) return weir_status_from_errno(errno);
    if (!S_ISREG(file.st_mode)) return WEIR_E_UNSUPPORTED;
    uint64_t size = (uint64_t)file.st_size;
    if (offset > size) return WEIR_E_TRUNCATED;
    if (*length == WEIR_BUF_MAP_REST) *length = (size_t)(size - offset);
    return *length <= size - offset ? WEIR_OK : WEIR_E_TRUNCATED;
}

static weir_status map_pages(uint8_t **mem, int fd, uint64_t offset, size_t length,
                             const weir_buf_map_options *options) {
    size_t before = bytes_into_page(offset);
    int protection = options->access == WEIR_BUF_MAP_READ_ONLY ? PROT_READ : PROT_READ | PROT_WRITE;
    int sharing = options->access == WEIR_BUF_MAP_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
    void *start = mmap(NULL, length + before, protection, sharing, fd, (off_t)(offset - before));
    if (start == MAP_FAILED) return weir_status_from_errno(errno);
    weir_status status = apply(options, (page_range){start, length + before});
    if (status != WEIR_OK) munmap(start, length + before);
    *mem = (uint8_t *)start + before;
    return status;
}

static void open_map(buf_root *root, buf_store store) {
    root->store = store;
    buf_root_open(root, store.size);
    root->buf.wp = root->buf.ep;
    if (store.detail == WEIR_BUF_MAP_READ_ONLY) root->buf.obj.bits |= WEIR_BUF_READ_ONLY;
    weir_leak_count(&maps, 1);
}

weir_status weir_buf_map_range(weir_buf **out, int fd, uint64_t offset, size_t length,
                               const weir_buf_map_options *options) {
    static const weir_buf_map_options defaults = {.access = WEIR_BUF_MAP_READ_ONLY};
    if (options == NULL) options = &defaults;
    WEIR_CHECK((unsigned)options->access <= WEIR_BUF_MAP_SHARED, "%d is no access to a map",
               (int)options->access);
    *out = NULL;
    weir_status status = measure_range(fd, offset, &length);
    if (status != WEIR_OK) return status;
    weir_buf *buf = weir_header_get(HEADER_ROOT);
    if (buf == NULL) return WEIR_E_NO_MEMORY;
    uint8_t *mem = weir_buf_nothing;
    if (length > 0) status = map_pages(&mem, fd, offset, length, options);
    if (status != WEIR_OK) {
        weir_header_put(HEADER_ROOT, buf);
        return status;
    }
    open_map(buf_root_of(buf), (buf_store){&map_maker, mem, length, NULL, options->access});
    *out = buf;
    return WEIR_OK;
}

weir_status weir_buf_map_file(weir_buf **out, int fd, const weir_buf_map_options *options) {
    return weir_buf_map_range(out, fd, 0, WEIR_BUF_MAP_REST, options);
}

/* O_NONBLOCK, so that a pipe in the place of the file is an answer and not a wait. */
weir_status weir_buf_map_path(weir_buf **out, const char *path, uint64_t offset, size_t length,
                              const weir_buf_map_options *options) {
    bool writes_file = options != NULL && options->access == WEIR_BUF_MAP_SHARED;
    *out = NULL;
    int fd = open(path, (writes_file ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return weir_status_from_errno(errno);
    weir_status status = weir_buf_map_range(out, fd, offset, length, options);
    close(fd);
    return status;
}

/* ---- later ------------------------------------------------------------------------------------ */

/* The store of `root`, when that is a map. */
static const buf_store *map_of(weir_buf *root) {
    const buf_store *store = &buf_root_of(root)->store;
    return store->maker == &map_maker ? store : NULL;
}

/* The store `buf` looks at, when that is a map. */
static const buf_store *map_under(const weir_buf *buf) {
    return weir_buf_is_composite(buf) ? NULL : map_of(buf->root);
}

bool weir_buf_is_mapped(const weir_buf *buf) {
    if (!weir_buf_is_composite(buf)) return map_under(buf) != NULL;
    const buf_composite *parts = weir_composite_of(buf);
    for (size_t i = 0; i < parts->count; i++) {
        if (map_of(weir_parts_at(parts, i)->root) != NULL) return true;
    }
    return false;
}

weir_status weir_buf_map_advise(const weir_buf *buf, weir_buf_map_advice advice) {
    if (map_under(buf) == NULL) return WEIR_E_UNSUPPORTED;
    size_t capacity = weir_buf_capacity(buf);
    return capacity == 0 ? WEIR_OK : advise(pages_under(buf->base, capacity), advice);
}

weir_status weir_buf_map_sync(const weir_buf *buf) {
    const buf_store *map = map_under(buf);
    if (map == NULL || map->detail != WEIR_BUF_MAP_SHARED) return WEIR_E_UNSUPPORTED;
    size_t capacity = weir_buf_capacity(buf);
    page_range pages = pages_under(buf->base, capacity);
    return capacity == 0 ? WEIR_OK : status_of(msync(pages.start, pages.size, MS_SYNC));
}
