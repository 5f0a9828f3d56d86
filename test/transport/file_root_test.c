/* file_root_test.c - files below a folder and never anywhere else, with openat2 and without. */
#include <weir/transport/file_root.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <weir/testing.h>

#include "folder.h"
#include "open_fds.h"

static weir_status try_path(const weir_file_root *root, const char *path) {
    struct stat stat;
    int fd;
    weir_status status = weir_file_root_get(root, path, &fd, &stat);
    if (status != WEIR_OK) {
        expect_eq(fd, -1);
        return status;
    }
    char word[8] = "";
    expect_eq(read(fd, word, 6), 6);
    expect_str(word, "inside");
    expect_eq(stat.st_size, 6);
    close(fd);
    return WEIR_OK;
}

/* root/{file, sub/file, pipe, link -> sub/file, out -> ../secret, up -> ..}, secret beside the root. */
static void furnish(folder *place) {
    require(mkdir(folder_file(place, "root"), 0700) == 0);
    require(mkdir(folder_file(place, "root/sub"), 0700) == 0);
    folder_put(place, "secret", "secret");
    folder_put(place, "root/file", "inside");
    folder_put(place, "root/sub/file", "inside");
    require(mkfifo(folder_file(place, "root/pipe"), 0600) == 0);
    require(symlink("sub/file", folder_file(place, "root/link")) == 0);
    require(symlink("../secret", folder_file(place, "root/out")) == 0);
    require(symlink("..", folder_file(place, "root/up")) == 0);
}

WEIR_TEST(file_root, opens_what_is_beneath_it_and_nothing_else) {
    folder place;
    folder_open(&place);
    furnish(&place);
    for (int walk = 0; walk < 2; walk++) {
        weir_test_context(walk ? "walking" : "openat2");
        int before = open_fds();
        weir_file_root root;
        require(weir_file_root_open(&root, folder_file(&place, "root"), walk != 0) == WEIR_OK);
        expect_status(try_path(&root, "file"), WEIR_OK);
        expect_status(try_path(&root, "sub/file"), WEIR_OK);
        expect_status(try_path(&root, "sub//file"), WEIR_OK);
        expect_status(try_path(&root, "link"), root.walks ? -ELOOP : WEIR_OK);
        expect_status(try_path(&root, "missing"), -ENOENT);
        expect_status(try_path(&root, "missing/file"), -ENOENT);
        expect_status(try_path(&root, ""), -ENOENT);
        expect_status(try_path(&root, "file/below"), -ENOTDIR);
        expect_status(try_path(&root, "pipe"), WEIR_E_UNSUPPORTED); /* and does not wait for a writer */
        expect_status(try_path(&root, "sub"), WEIR_E_UNSUPPORTED);
        expect_status(try_path(&root, "../secret"), -EXDEV);
        expect_status(try_path(&root, "sub/../../secret"), -EXDEV);
        expect_status(try_path(&root, ".."), -EXDEV);
        expect_status(try_path(&root, folder_file(&place, "secret")), -EXDEV);
        expect_status(try_path(&root, "out"), root.walks ? -ELOOP : -EXDEV);
        expect(try_path(&root, "up/secret") != WEIR_OK);
        weir_file_root_close(&root);
        expect_eq(open_fds(), before);
    }
    folder_close(&place);
}

WEIR_TEST(file_root, refuses_names_that_are_too_long) {
    folder place;
    char name[400];
    folder_open(&place);
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    for (int walk = 0; walk < 2; walk++) {
        weir_file_root root;
        require(weir_file_root_open(&root, place.path, walk != 0) == WEIR_OK);
        expect_status(try_path(&root, name), -ENAMETOOLONG);
        weir_file_root_close(&root);
    }
    folder_close(&place);
}

WEIR_TEST(file_root, says_why_it_cannot_be_opened) {
    weir_file_root root;
    expect_status(weir_file_root_open(&root, "/tmp/weir-no-such-folder", false), -ENOENT);
    expect_status(weir_file_root_open(&root, "/dev/null", false), -ENOTDIR);
}

/* Root may search every folder, so it is somebody else for the while. */
WEIR_TEST(file_root, is_no_folder_that_may_not_be_searched) {
    enum {
        NOBODY = 65534
    };
    folder place;
    weir_file_root root;
    bool is_root = geteuid() == 0;
    folder_open(&place);
    require(chmod(place.path, 0) == 0);
    if (is_root) require(seteuid(NOBODY) == 0);
    expect_status(weir_file_root_open(&root, place.path, false), -EACCES);
    if (is_root) require(seteuid(0) == 0);
    require(chmod(place.path, 0700) == 0);
    folder_close(&place);
}

/* ---- a kernel that is not sure: the library's openat2 comes through here ---- */

static atomic_int unsure; /* how often it still is */

/* In the place of libc's. */
long intercepted(long number, ...) __asm__("syscall");

long intercepted(long number, ...) {
    static long (*real)(long, ...);
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(args, long);
    va_end(args);
    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "syscall");
        memcpy(&real, &found, sizeof real);
    }
    if (number == SYS_openat2 && atomic_load(&unsure) > 0) {
        atomic_fetch_sub(&unsure, 1);
        errno = EAGAIN;
        return -1;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

WEIR_TEST(file_root, asks_again_while_the_kernel_is_not_sure) {
    folder place;
    weir_file_root root;
    folder_open(&place);
    furnish(&place);
    require(weir_file_root_open(&root, folder_file(&place, "root"), false) == WEIR_OK);
    atomic_store(&unsure, 10);
    expect_status(try_path(&root, "file"), WEIR_OK);
    atomic_store(&unsure, 1000000);
    expect_status(try_path(&root, "file"), root.walks ? WEIR_OK : -EAGAIN); /* but not for ever */
    atomic_store(&unsure, 0);
    weir_file_root_close(&root);
    folder_close(&place);
}

/* ---- while somebody changes what is there ---- */

/* root/{swap/file, way/deep/file} and beside the root the same names with another content. */
static void furnish_twice(folder *place) {
    static const char *const folders[] = {"root",          "root/swap", "root/way",
                                          "root/way/deep", "outside",   "outside/deep"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        require(mkdir(folder_file(place, folders[i]), 0700) == 0);
    }
    folder_put(place, "root/swap/file", "inside");
    folder_put(place, "root/way/deep/file", "inside");
    folder_put(place, "root/name", "inside");
    folder_put(place, "outside/file", "secret");
    folder_put(place, "outside/deep/file", "secret");
    require(symlink("../outside", folder_file(place, "root/swap.link")) == 0);
    require(symlink("../outside", folder_file(place, "root/way.link")) == 0);
    require(symlink("../outside/file", folder_file(place, "root/name.link")) == 0);
}

typedef struct swapper {
    int folder;
    atomic_bool is_over;
    atomic_int swaps;
    pthread_t thread;
} swapper;

/* A folder becomes a link that leads out, and the link the folder, at one stroke; a folder goes out and comes back. */
static void *swap_all_the_time(void *arg) {
    swapper *self = arg;
    while (!atomic_load(&self->is_over)) {
        bool swapped =
            renameat2(self->folder, "root/swap", self->folder, "root/swap.link", RENAME_EXCHANGE) == 0 &&
            renameat2(self->folder, "root/way", self->folder, "root/way.link", RENAME_EXCHANGE) == 0 &&
            renameat2(self->folder, "root/name", self->folder, "root/name.link", RENAME_EXCHANGE) == 0;
        bool moved = renameat(self->folder, "root/swap", self->folder, "away") == 0 &&
                     renameat(self->folder, "away", self->folder, "root/swap") == 0;
        if (!swapped || !moved) break;
        atomic_fetch_add(&self->swaps, 1);
    }
    return NULL;
}

static void read_while_swapped(folder *place, bool walk) {
    static const char *const paths[] = {"swap/file", "way/deep/file", "name", "swap/../swap/file"};
    enum {
        SWAPS = 5000
    };
    swapper swaps = {.folder = open(place->path, O_PATH | O_CLOEXEC)};
    weir_file_root root;
    int opened = 0, refused = 0, before = open_fds();
    require(weir_file_root_open(&root, folder_file(place, "root"), walk) == WEIR_OK);
    require(pthread_create(&swaps.thread, NULL, swap_all_the_time, &swaps) == 0);
    for (long i = 0; i < 100000000 && (atomic_load(&swaps.swaps) < SWAPS || opened == 0 || refused == 0);
         i++) {
        if (try_path(&root, paths[i % 4]) == WEIR_OK) { /* which looks at what is in it */
            opened++;
        } else {
            refused++;
        }
    }
    atomic_store(&swaps.is_over, true);
    pthread_join(swaps.thread, NULL);
    expect(atomic_load(&swaps.swaps) >= SWAPS);
    expect(opened > 0 && refused > 0);
    weir_file_root_close(&root);
    expect_eq(open_fds(), before);
    close(swaps.folder);
}

WEIR_TEST(file_root, gives_no_byte_from_outside_while_folders_and_links_are_swapped) {
    for (int walk = 0; walk < 2; walk++) {
        folder place;
        weir_test_context(walk ? "walking" : "openat2");
        folder_open(&place);
        furnish_twice(&place);
        read_while_swapped(&place, walk != 0);
        folder_close(&place);
    }
}
