/* pool_track.c - which bufs of a pool are out, and what meets those who use one too late.
 *
 * Only in pools made while leaks are tracked; their every get and release is slow anyway, so a list under
 * the pool's lock will do.
 */
#include "pool_inside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <weir/core/leak.h>
#include <weir/core/log.h>

/* ---- who is out ------------------------------------------------------------------------------- */

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static tracked_root *tracked(buf_root *root) {
    return (tracked_root *)(void *)root;
}

void pool_track_out(weir_pool *pool, buf_root *root) {
    if (!pool->quarantines) return;
    tracked(root)->born = now_ms();
    pthread_mutex_lock(&pool->lock);
    weir_list_push_back(&pool->out, &tracked(root)->link);
    pthread_mutex_unlock(&pool->lock);
}

void pool_track_in(weir_pool *pool, buf_root *root) {
    if (!pool->quarantines) return;
    pthread_mutex_lock(&pool->lock);
    weir_list_remove(&tracked(root)->link);
    pthread_mutex_unlock(&pool->lock);
}

/* What tracking knows of `root`, line by line into the log. */
static void log_history(const buf_root *root) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) return;
    weir_leak_explain(root, out);
    (void)fclose(out);
    char *rest = text;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        weir_log(WEIR_LOG_WARN, "pool", "%s", line);
    }
    free(text);
}

void pool_tell_live(const weir_pool *pool) {
    if (!pool->quarantines) return;
    uint64_t now = now_ms();
    for (const weir_list *link = pool->out.next; link != &pool->out; link = link->next) {
        const tracked_root *it = WEIR_CONTAINER(link, const tracked_root, link);
        uint64_t age = now - it->born;
        weir_log(WEIR_LOG_WARN, "pool", "%s: out is buf %p of %zu bytes, %zu asked for, %llu.%03llu s old",
                 pool->name, (const void *)it, it->root.store.size, it->root.requested,
                 (unsigned long long)(age / 1000), (unsigned long long)(age % 1000));
        log_history(&it->root);
    }
}

/* ---- too late --------------------------------------------------------------------------------- */

enum {
    NO_MANS_LAND = 1 << 20
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint8_t *no_mans_land;

static void map_no_mans_land(void) {
    void *mem = mmap(NULL, NO_MANS_LAND, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mem != MAP_FAILED) no_mans_land = mem;
}

/* Half of it readable, half writable, by what the window says: inline reads and writes walk right in. */
void pool_bar_window(buf_root *root) {
    pthread_once(&once, map_no_mans_land);
    if (no_mans_land == NULL) return;
    weir_buf *buf = &root->buf;
    buf->base = buf->rp = no_mans_land;
    buf->wp = no_mans_land + NO_MANS_LAND / 2;
    buf->ep = no_mans_land + NO_MANS_LAND;
}
