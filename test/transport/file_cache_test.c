/* file_cache_test.c - files shared by path: what is remembered, for how long, and what is noticed. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/testing.h>

#include "folder.h"
#include "open_fds.h"
#include "wires.h"

typedef struct shelf {
    folder folder;
    weir_file_cache *cache;
    _Atomic uint64_t now;
} shelf;

static uint64_t tell_time(void *arg) {
    return atomic_load(&((shelf *)arg)->now);
}

static void shelf_open(shelf *self, weir_file_cache_options options) {
    folder_open(&self->folder);
    atomic_store(&self->now, 1000000);
    options.clock = tell_time;
    options.clock_arg = self;
    require(weir_file_cache_new(&self->cache, &options) == WEIR_OK);
}

static void shelf_close(shelf *self) {
    weir_file_cache_release(self->cache);
    folder_close(&self->folder);
}

static void put(shelf *self, const char *name, const char *words) {
    folder_put(&self->folder, name, words);
}

static weir_status get(shelf *self, const char *name, weir_file **out) {
    return weir_file_cache_get(self->cache, folder_file(&self->folder, name), out);
}

static weir_file *open_one(shelf *self, const char *name) {
    weir_file *file;
    expect_status(weir_file_cache_open(self->cache, folder_file(&self->folder, name), &file), WEIR_OK);
    require(file != NULL);
    return file;
}

/* Opens it and lets go of it again. */
static void touch(shelf *self, const char *name) {
    weir_file_release(open_one(self, name));
}

static void expect_words(weir_region *region, const char *words) {
    char got[64] = "";
    if (!expect_eq(region->length, strlen(words))) return;
    expect_status(weir_region_read(region, 0, got, strlen(words)), WEIR_OK);
    expect_str(got, words);
}

static weir_file_cache_stats stats_of(shelf *self) {
    weir_file_cache_stats stats;
    weir_file_cache_get_stats(self->cache, &stats);
    return stats;
}

WEIR_TEST(file_cache, answers_again_without_looking) {
    shelf s;
    shelf_open(&s, (weir_file_cache_options){0});
    weir_file *file, *again;
    put(&s, "a", "hello");
    expect_status(get(&s, "a", &file), -EAGAIN);
    expect(file == NULL);
    file = open_one(&s, "a");
    expect_words(file->region, "hello");
    struct stat stat_now;
    require(stat(folder_file(&s.folder, "a"), &stat_now) == 0);
    expect_eq(file->inode, stat_now.st_ino);
    expect_eq(file->device, stat_now.st_dev);
    expect_eq(file->modified_ns, stat_now.st_mtim.tv_sec * 1000000000 + stat_now.st_mtim.tv_nsec);
    unlink(folder_file(&s.folder, "a"));
    expect_status(get(&s, "a", &again), WEIR_OK);
    expect(again == file);
    weir_file_release(again);
    again = open_one(&s, "a");
    expect(again == file);
    weir_file_release(again);
    weir_file_release(file);
    expect_eq(stats_of(&s).hits, 2);
    expect_eq(stats_of(&s).misses, 2);
    expect_eq(stats_of(&s).open, 1);
    shelf_close(&s);
}

WEIR_TEST(file_cache, looks_again_after_the_interval_and_keeps_what_is_the_same) {
    shelf s;
    shelf_open(&s, (weir_file_cache_options){.revalidate_ms = 500});
    weir_file *file, *again;
    put(&s, "a", "hello");
    file = open_one(&s, "a");
    int before = open_fds();
    atomic_fetch_add(&s.now, 499);
    expect_status(get(&s, "a", &again), WEIR_OK);
    weir_file_release(again);
    atomic_fetch_add(&s.now, 1);
    expect_status(get(&s, "a", &again), -EAGAIN);
    again = open_one(&s, "a");
    expect(again == file);
    expect_eq(open_fds(), before);
    expect_eq(stats_of(&s).revalidated, 1);
    weir_file_release(again);
    expect_status(get(&s, "a", &again), WEIR_OK); /* for another interval */
    weir_file_release(again);
    weir_file_release(file);
    shelf_close(&s);
}

static void overwrite(shelf *s) {
    put(s, "a", "HELLO"); /* the same size, another inode */
}

static void grow(shelf *s) {
    int fd = open(folder_file(&s->folder, "a"), O_WRONLY | O_APPEND);
    require(write(fd, " world", 6) == 6);
    close(fd);
}

/* In the same tick of the file system's clock, so that only the size tells. */
static void cut(shelf *s) {
    struct stat before;
    const char *path = folder_file(&s->folder, "a");
    require(stat(path, &before) == 0 && truncate(path, 2) == 0);
    struct timespec times[2] = {before.st_atim, before.st_mtim};
    require(utimensat(AT_FDCWD, path, times, 0) == 0);
}

static void change_in_place(shelf *s) {
    int fd = open(folder_file(&s->folder, "a"), O_WRONLY);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1, .tv_nsec = 7}};
    require(pwrite(fd, "HELLO", 5, 0) == 5 && futimens(fd, times) == 0);
    close(fd);
}

WEIR_TEST(file_cache, notices_what_was_replaced_or_cut_or_has_grown_or_changed) {
    static const struct {
        void (*change)(shelf *s);
        const char *words;
    } rows[] = {{overwrite, "HELLO"}, {grow, "hello world"}, {cut, "he"}, {change_in_place, "HELLO"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        shelf s;
        shelf_open(&s, (weir_file_cache_options){.revalidate_ms = 500});
        put(&s, "a", "hello");
        weir_file *old = open_one(&s, "a");
        rows[i].change(&s);
        atomic_fetch_add(&s.now, 500);
        weir_file *file = open_one(&s, "a");
        expect(file != old);
        expect(!weir_file_is_same(file, old));
        expect_words(file->region, rows[i].words);
        expect_eq(old->region->length, 5); /* a region's length is fixed */
        if (rows[i].change == overwrite) expect_words(old->region, "hello");
        expect_eq(stats_of(&s).replaced, 1);
        weir_file_release(old);
        weir_file_release(file);
        shelf_close(&s);
    }
}

WEIR_TEST(file_cache, keeps_a_descriptor_open_as_long_as_a_region_of_it_lives) {
    shelf s;
    shelf_open(&s, (weir_file_cache_options){.max_open = 1});
    put(&s, "a", "hello");
    put(&s, "b", "other");
    int before = open_fds();
    weir_file *file = open_one(&s, "a");
    weir_region *part = weir_region_slice(file->region, 1, 3);
    weir_file_release(file);
    touch(&s, "b");
    expect_eq(stats_of(&s).evicted, 1);
    expect_eq(open_fds(), before + 2);
    expect_words(part, "ell");
    weir_region_release(part);
    expect_eq(open_fds(), before + 1);
    weir_file_cache_forget(s.cache, NULL);
    expect_eq(open_fds(), before);
    shelf_close(&s);
}

WEIR_TEST(file_cache, lets_the_least_recently_used_go) {
    shelf s;
    weir_file *file;
    shelf_open(&s, (weir_file_cache_options){.max_open = 3});
    int before = open_fds();
    static const char *const names[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; i++) put(&s, names[i], names[i]);
    for (int i = 0; i < 3; i++) touch(&s, names[i]);
    touch(&s, "a");
    touch(&s, "d");
    expect_eq(open_fds(), before + 3);
    expect_eq(stats_of(&s).open, 3);
    expect_status(get(&s, "b", &file), -EAGAIN);
    static const char *const kept[] = {"a", "c", "d"};
    for (int i = 0; i < 3; i++) {
        expect_status(get(&s, kept[i], &file), WEIR_OK);
        weir_file_release(file);
    }
    shelf_close(&s);
}

WEIR_TEST(file_cache, remembers_what_is_missing_for_a_while_and_not_too_much_of_it) {
    shelf s;
    weir_file *file;
    shelf_open(&s, (weir_file_cache_options){.absent_ms = 100, .max_absent = 2, .max_open = 1});
    put(&s, "there", "x");
    touch(&s, "there");
    expect_status(weir_file_cache_open(s.cache, folder_file(&s.folder, "a"), &file), -ENOENT);
    expect(file == NULL);
    put(&s, "a", "hello");
    expect_status(get(&s, "a", &file), -ENOENT);
    expect_eq(stats_of(&s).absent_hits, 1);
    atomic_fetch_add(&s.now, 100);
    expect_status(get(&s, "a", &file), -EAGAIN);
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        expect_status(weir_file_cache_open(s.cache, folder_file(&s.folder, name), &file), -ENOENT);
    }
    expect_status(weir_file_cache_open(s.cache, folder_file(&s.folder, "there/x"), &file), -ENOENT);
    expect_eq(stats_of(&s).absent, 2);
    expect_eq(stats_of(&s).open, 1); /* strangers who ask for nothing push out no file */
    touch(&s, "a");
    expect_eq(stats_of(&s).open, 1);
    shelf_close(&s);
}

WEIR_TEST(file_cache, notices_that_a_file_has_gone_and_come_back) {
    shelf s;
    weir_file *file;
    shelf_open(&s, (weir_file_cache_options){.revalidate_ms = 500, .absent_ms = 50});
    put(&s, "a", "hello");
    touch(&s, "a");
    require(rename(folder_file(&s.folder, "a"), "/tmp/weir-folder-elsewhere") == 0);
    unlink("/tmp/weir-folder-elsewhere");
    atomic_fetch_add(&s.now, 500);
    expect_status(weir_file_cache_open(s.cache, folder_file(&s.folder, "a"), &file), -ENOENT);
    expect_eq(stats_of(&s).open, 0);
    expect_eq(stats_of(&s).absent, 1);
    put(&s, "a", "again");
    atomic_fetch_add(&s.now, 50);
    file = open_one(&s, "a");
    expect_words(file->region, "again");
    weir_file_release(file);
    expect_eq(stats_of(&s).absent, 0);
    shelf_close(&s);
}

WEIR_TEST(file_cache, refuses_what_is_no_regular_file_and_remembers_nothing_of_it) {
    shelf s;
    weir_file *file;
    shelf_open(&s, (weir_file_cache_options){0});
    require(mkfifo(folder_file(&s.folder, "pipe"), 0600) == 0);
    expect_status(weir_file_cache_open(s.cache, folder_file(&s.folder, "pipe"), &file), WEIR_E_UNSUPPORTED);
    expect_status(weir_file_cache_open(s.cache, s.folder.path, &file), WEIR_E_UNSUPPORTED);
    expect(file == NULL);
    expect_eq(stats_of(&s).open + stats_of(&s).absent, 0);
    put(&s, "a", "hello");
    touch(&s, "a");
    require(unlink(folder_file(&s.folder, "a")) == 0 && mkdir(folder_file(&s.folder, "a"), 0700) == 0);
    atomic_fetch_add(&s.now, 1000);
    expect_status(weir_file_cache_open(s.cache, folder_file(&s.folder, "a"), &file), WEIR_E_UNSUPPORTED);
    expect_eq(stats_of(&s).open, 0);
    shelf_close(&s);
}

WEIR_TEST(file_cache, stays_beneath_its_root) {
    folder place;
    weir_file_cache *cache;
    weir_file *file;
    folder_open(&place);
    require(mkdir(folder_file(&place, "root"), 0700) == 0);
    folder_put(&place, "secret", "secret");
    folder_put(&place, "root/a", "hello");
    require(symlink("../secret", folder_file(&place, "root/out")) == 0);
    require(weir_file_cache_new(&cache, &(weir_file_cache_options){.root = folder_file(&place, "root")}) ==
            0);
    expect_status(weir_file_cache_open(cache, "a", &file), WEIR_OK);
    expect_words(file->region, "hello");
    weir_file_release(file);
    expect_status(weir_file_cache_open(cache, "../secret", &file), -EXDEV);
    expect_status(weir_file_cache_open(cache, folder_file(&place, "secret"), &file), -EXDEV);
    expect(weir_file_cache_open(cache, "out", &file) != WEIR_OK);
    weir_file_cache_release(cache);
    expect_status(weir_file_cache_new(&cache, &(weir_file_cache_options){.root = "/tmp/weir-no-such"}),
                  -ENOENT);
    expect(cache == NULL);
    folder_close(&place);
}

/* ---- loading ---- */

typedef struct loaded {
    shelf *shelf;
    weir_loop *loop;
    weir_status began, status;
    weir_file *file;
    int done;
} loaded;

static void note_loaded(void *arg, weir_status status, weir_file *file) {
    loaded *self = arg;
    expect(weir_loop_is_current(self->loop));
    self->status = status;
    self->file = file;
    self->done++;
}

static void begin_load(void *arg) {
    loaded *self = arg;
    self->began = weir_file_cache_load(self->shelf->cache, self->loop, folder_file(&self->shelf->folder, "a"),
                                       note_loaded, self);
}

static bool is_loaded(void *arg) {
    return ((loaded *)arg)->done > 0;
}

WEIR_TEST(file_cache, loads_on_the_thread_pool_and_tells_on_the_loop) {
    wire_end wire;
    shelf s;
    wire_open(&wire, WIRE_ACCEPTED, NULL, NULL, NULL);
    shelf_open(&s, (weir_file_cache_options){.absent_ms = 10});
    for (int there = 0; there < 2; there++) {
        loaded l = {.shelf = &s, .loop = wire.loop};
        wire_do(&wire, begin_load, &l);
        expect_status(l.began, WEIR_OK);
        expect(wire_until(&wire, is_loaded, &l));
        expect_eq(l.done, 1);
        expect_status(l.status, there ? WEIR_OK : -ENOENT);
        expect_eq(l.file != NULL, there);
        if (l.file != NULL) expect_words(l.file->region, "hello");
        weir_file_release(l.file);
        put(&s, "a", "hello");
        atomic_fetch_add(&s.now, 10);
    }
    weir_file *file;
    expect_status(get(&s, "a", &file), WEIR_OK);
    weir_file_release(file);
    shelf_close(&s);
    wire_shut(&wire);
}

WEIR_TEST(file_cache, may_be_released_while_it_loads) {
    wire_end wire;
    shelf s;
    wire_open(&wire, WIRE_ACCEPTED, NULL, NULL, NULL);
    shelf_open(&s, (weir_file_cache_options){0});
    put(&s, "a", "hello");
    loaded l = {.shelf = &s, .loop = wire.loop};
    wire_do(&wire, begin_load, &l);
    weir_file_cache_release(s.cache);
    expect(wire_until(&wire, is_loaded, &l));
    expect_words(l.file->region, "hello");
    weir_file_release(l.file);
    folder_close(&s.folder);
    wire_shut(&wire);
}

/* ---- many threads ---- */

static void *ask_often(void *arg) {
    shelf *s = arg;
    folder names = s->folder;
    for (int i = 0; i < 2000; i++) {
        char name[16];
        weir_file *file;
        snprintf(name, sizeof name, "%d", i % 7);
        weir_status status = weir_file_cache_open(s->cache, folder_file(&names, name), &file);
        if (i % 7 == 6 ? status != -ENOENT : status != WEIR_OK) return arg;
        if (file != NULL) {
            char byte;
            if (weir_region_read(file->region, 0, &byte, 1) != WEIR_OK || byte != name[0]) return arg;
        }
        weir_file_release(file);
        if (i % 50 == 0) atomic_fetch_add(&s->now, 1000);
        if (i % 333 == 0) weir_file_cache_forget(s->cache, NULL);
    }
    return NULL;
}

WEIR_TEST(file_cache, may_be_asked_by_many_threads_at_once) {
    enum {
        THREADS = 4,
    };
    shelf s;
    pthread_t threads[THREADS];
    shelf_open(&s, (weir_file_cache_options){.max_open = 3});
    for (char name[2] = "0"; name[0] < '6'; name[0]++) put(&s, name, name);
    int before = open_fds();
    for (int i = 0; i < THREADS; i++) require(pthread_create(&threads[i], NULL, ask_often, &s) == 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        expect(failed == NULL);
    }
    expect(stats_of(&s).open <= 3);
    expect(open_fds() <= before + 3);
    shelf_close(&s);
}

static bool live(void *arg) {
    shelf *s = arg;
    weir_file *file;
    weir_file_cache_options options = {.clock = tell_time, .clock_arg = s};
    if (weir_file_cache_new(&s->cache, &options) != WEIR_OK) return false;
    bool good = true;
    for (int i = 0; i < 2; i++) {
        good = weir_file_cache_open(s->cache, folder_file(&s->folder, "a"), &file) == WEIR_OK && good;
        weir_file_release(file);
        good = weir_file_cache_open(s->cache, folder_file(&s->folder, "b"), &file) == -ENOENT && good;
        atomic_fetch_add(&s->now, 5000);
    }
    weir_file_cache_release(s->cache);
    return good;
}

WEIR_TEST(file_cache, loses_nothing_when_memory_runs_out_anywhere) {
    shelf s;
    folder_open(&s.folder);
    atomic_store(&s.now, 1);
    put(&s, "a", "hello");
    int before = open_fds();
    expect(weir_oom_sweep(live, &s) > 5);
    expect_eq(open_fds(), before);
    folder_close(&s.folder);
}
