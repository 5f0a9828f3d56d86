/* file_cache.c - the table under a lock, and the opening of files outside of it.
 *
 * Rule: nothing is opened, closed, allocated or freed while the lock is held; what has to go is handed out of it.
 * Looking again is opening again: it sees what the next reader of the path would see, permissions and root included.
 */
#include <weir/transport/file_cache.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <weir/core/alloc.h>

#include "region/file_table.h"
#include <weir/transport/file_root.h>

struct weir_file_cache {
    weir_obj obj;
    weir_file_cache_options options;
    weir_file_root root;
    pthread_mutex_t lock; /* of what follows */
    file_table table;
    weir_file_cache_stats stats;
};

/* ---- files ---- */

static void free_file(weir_obj *obj) {
    weir_file *file = (weir_file *)(void *)obj;
    weir_region_release(file->region);
    weir_alloc_release(NULL, file);
}

static weir_leak_counter living_files = {.name = "file"};
static const weir_obj_type file_type = {.name = "file", .free = free_file, .live = &living_files};

/* Takes: fd. Gives: a file, or NULL when out of memory. */
static weir_file *new_file(int fd, const struct stat *stat) {
    weir_file *file = weir_alloc_acquire(NULL, sizeof *file);
    weir_region *region = weir_region_file(fd, true, 0, (uint64_t)stat->st_size);
    if (file == NULL || region == NULL) {
        weir_region_release(region);
        weir_alloc_release(NULL, file);
        return NULL;
    }
    file->region = region;
    file->device = stat->st_dev;
    file->inode = stat->st_ino;
    file->modified_ns = (int64_t)stat->st_mtim.tv_sec * 1000000000 + stat->st_mtim.tv_nsec;
    weir_obj_init(&file->obj, &file_type);
    return file;
}

bool weir_file_is_same(const weir_file *file, const weir_file *other) {
    return file->device == other->device && file->inode == other->inode &&
           file->region->length == other->region->length && file->modified_ns == other->modified_ns;
}

/* ---- the cache ---- */

static void free_cache(weir_obj *obj) {
    weir_file_cache *self = (weir_file_cache *)(void *)obj;
    file_entries_free(file_table_empty(&self->table), self->options.alloc);
    weir_alloc_release(self->options.alloc, self->table.buckets);
    weir_file_root_close(&self->root);
    pthread_mutex_destroy(&self->lock);
    weir_alloc_release(self->options.alloc, self);
}

static weir_leak_counter living = {.name = "file cache"};
static const weir_obj_type cache_type = {.name = "file cache", .free = free_cache, .live = &living};

static uint64_t system_ms(void *arg) {
    struct timespec now;
    (void)arg;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* to the tick, and never a system call */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void default_to(unsigned *option, unsigned value) {
    if (*option == 0) *option = value;
}

weir_status weir_file_cache_new(weir_file_cache **out, const weir_file_cache_options *options) {
    weir_file_cache_options with = options != NULL ? *options : (weir_file_cache_options){0};
    *out = NULL;
    default_to(&with.max_open, 1024);
    default_to(&with.max_absent, 1024);
    default_to(&with.revalidate_ms, 1000);
    default_to(&with.absent_ms, 1000);
    if (with.clock == NULL) with.clock = system_ms;
    weir_file_cache *self = weir_alloc_zeroed(with.alloc, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    weir_status status = weir_file_root_open(&self->root, with.root, false);
    if (status == WEIR_OK &&
        !file_table_init(&self->table, with.alloc, (size_t)with.max_open + with.max_absent)) {
        weir_file_root_close(&self->root);
        status = WEIR_E_NO_MEMORY;
    }
    if (status != WEIR_OK) {
        weir_alloc_release(with.alloc, self);
        return status;
    }
    self->options = with;
    pthread_mutex_init(&self->lock, NULL);
    weir_obj_init(&self->obj, &cache_type);
    *out = self;
    return WEIR_OK;
}

void weir_file_cache_release(weir_file_cache *cache) {
    weir_obj_release(cache);
}

weir_file_cache *weir_file_cache_retain(weir_file_cache *cache) {
    return weir_obj_retain(cache);
}

static uint64_t now_of(weir_file_cache *self) {
    return self->options.clock(self->options.clock_arg);
}

/* ---- asking ---- */

static bool is_fresh(const weir_file_cache *self, const file_entry *entry, uint64_t now) {
    return now - entry->checked <
           (entry->file != NULL ? self->options.revalidate_ms : self->options.absent_ms);
}

weir_status weir_file_cache_get(weir_file_cache *cache, const char *path, weir_file **out) {
    uint64_t now = now_of(cache);
    weir_status status = -EAGAIN;
    *out = NULL;
    pthread_mutex_lock(&cache->lock);
    file_entry *entry = file_table_find(&cache->table, path);
    if (entry == NULL || !is_fresh(cache, entry, now)) {
        cache->stats.misses++;
    } else if (entry->file == NULL) {
        cache->stats.absent_hits++;
        status = -ENOENT;
    } else {
        cache->stats.hits++;
        *out = weir_file_retain(entry->file);
        status = WEIR_OK;
    }
    pthread_mutex_unlock(&cache->lock);
    return status;
}

/* ---- opening ---- */

/* What was found at `path` goes into the table: `*file`, or that there is none. When it is what the table has, that
 * becomes `*file`, so that all share one descriptor. */
static void note_found(weir_file_cache *self, file_entry *fresh, weir_file **file, uint64_t now) {
    weir_file *old = NULL;
    pthread_mutex_lock(&self->lock);
    file_entry *entry = file_table_find(&self->table, fresh->path);
    if (entry == NULL) {
        entry = fresh;
        fresh = NULL;
        entry->file = weir_file_retain(*file);
        file_table_add(&self->table, entry);
    } else if (*file != NULL && entry->file != NULL && weir_file_is_same(*file, entry->file)) {
        self->stats.revalidated++;
        old = *file;
        *file = weir_file_retain(entry->file);
    } else {
        if (entry->file != NULL) self->stats.replaced++;
        old = file_table_set(&self->table, entry, weir_file_retain(*file));
    }
    entry->checked = now;
    unsigned before = self->table.open_count;
    file_entry *gone = file_table_trim(&self->table, self->options.max_open, self->options.max_absent);
    self->stats.evicted += before - self->table.open_count;
    pthread_mutex_unlock(&self->lock);
    weir_file_release(old);
    file_entries_free(fresh, self->options.alloc);
    file_entries_free(gone, self->options.alloc);
}

static weir_status find_file(weir_file_cache *self, const char *path, weir_file **out) {
    struct stat stat;
    int fd;
    *out = NULL;
    weir_status status = weir_file_root_get(&self->root, path, &fd, &stat);
    if (status == -ENOTDIR) status = -ENOENT;
    if (status != WEIR_OK) return status;
    *out = new_file(fd, &stat);
    return *out != NULL ? WEIR_OK : (weir_status)WEIR_E_NO_MEMORY;
}

weir_status weir_file_cache_open(weir_file_cache *cache, const char *path, weir_file **out) {
    uint64_t now = now_of(cache); /* before looking: what changes meanwhile is seen the earlier */
    weir_status status = weir_file_cache_get(cache, path, out);
    if (status != -EAGAIN) return status;
    status = find_file(cache, path, out);
    if (status != WEIR_OK && status != -ENOENT) {
        weir_file_cache_forget(cache, path);
        return status;
    }
    /* Without memory for an entry the file is given all the same. */
    file_entry *entry = file_entry_new(cache->options.alloc, path);
    if (entry != NULL) note_found(cache, entry, out, now);
    return status;
}

weir_status weir_file_cache_locate(weir_file_cache *cache, const char *path, int *fd) {
    return weir_file_root_locate(&cache->root, path, fd);
}

void weir_file_cache_forget(weir_file_cache *cache, const char *path) {
    file_entry *gone = NULL;
    pthread_mutex_lock(&cache->lock);
    if (path == NULL) {
        gone = file_table_empty(&cache->table);
    } else if ((gone = file_table_find(&cache->table, path)) != NULL) {
        file_table_remove(&cache->table, gone);
    }
    pthread_mutex_unlock(&cache->lock);
    file_entries_free(gone, cache->options.alloc);
}

void weir_file_cache_get_stats(weir_file_cache *cache, weir_file_cache_stats *out) {
    pthread_mutex_lock(&cache->lock);
    *out = cache->stats;
    out->open = cache->table.open_count;
    out->absent = cache->table.absent_count;
    pthread_mutex_unlock(&cache->lock);
}

/* ---- on the thread pool ---- */

typedef struct loading {
    weir_file_cache *cache; /* held */
    weir_file_fn *done;
    void *arg;
    weir_file *file;
    weir_status status;
    char path[];
} loading;

static void open_now(void *arg) {
    loading *job = arg;
    job->status = weir_file_cache_open(job->cache, job->path, &job->file);
}

static void opened(void *arg, weir_status status) {
    loading *job = arg;
    weir_file_fn *done = job->done;
    void *done_arg = job->arg;
    weir_file *file = job->file;
    if (status == WEIR_OK) status = job->status;
    weir_alloc *alloc = job->cache->options.alloc;
    weir_file_cache_release(job->cache);
    weir_alloc_release(alloc, job);
    done(done_arg, status, file);
}

weir_status weir_file_cache_load(weir_file_cache *cache, weir_loop *loop, const char *path,
                                 weir_file_fn *done, void *arg) {
    size_t size = strlen(path) + 1;
    loading *job = weir_alloc_acquire(cache->options.alloc, sizeof *job + size);
    if (job == NULL) return WEIR_E_NO_MEMORY;
    *job = (loading){.cache = weir_file_cache_retain(cache), .done = done, .arg = arg};
    memcpy(job->path, path, size);
    weir_status status = weir_loop_offload(loop, open_now, opened, job);
    if (status != WEIR_OK) {
        weir_file_cache_release(cache);
        weir_alloc_release(cache->options.alloc, job);
    }
    return status;
}
