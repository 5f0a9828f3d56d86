/* short_memory.c - a malloc to be loaded into a program (LD_PRELOAD) that refuses what the environment says.
 *
 *     WEIR_FAIL_AT=n      the n-th call fails, and no other
 *     WEIR_FAIL_FROM=n    it and all behind it
 *     WEIR_FAIL_COUNT=f   how many calls there were goes to the file f, as text, each time
 *
 * Only calls made by the program's own code count, which weir is linked into, from 0: what libc and libuv need for
 * themselves they get, for libuv stops the program without it. Mapping memory counts too: so the pool gets its own.
 * What was mapped and has just been given back can be had again. When main has ended nothing is refused any more: what
 * coverage writes then it needs memory for.
 */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct {
    uintptr_t begin, end; /* of the program's code */
    long at, from;
    atomic_long calls;
    atomic_size_t given_back;
    _Atomic(long *) count; /* in the file */
} plan = {.at = -1, .from = -1};

static int find_code(struct dl_phdr_info *info, size_t size, void *arg) {
    (void)size, (void)arg;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0) continue;
        plan.begin = info->dlpi_addr + part->p_vaddr;
        plan.end = plan.begin + part->p_memsz;
    }
    return 1; /* the program is the first */
}

static long number(const char *name) {
    const char *text = getenv(name);
    return text != NULL ? strtol(text, NULL, 10) : -1;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("WEIR_FAIL_COUNT");
    int fd = path != NULL ? (int)syscall(SYS_openat, -100, path, 02 /* O_RDWR */) : -1;
    if (fd >= 0) {
        void *shared =
            (void *)syscall(SYS_mmap, NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (shared != MAP_FAILED) plan.count = shared;
        syscall(SYS_close, fd);
    }
    plan.at = number("WEIR_FAIL_AT");
    plan.from = number("WEIR_FAIL_FROM");
    dl_iterate_phdr(find_code, NULL);
}

static void end(void) {
    plan.end = plan.begin;
}

static bool is_refused(const void *caller) {
    uintptr_t address = (uintptr_t)caller;
    if (address < plan.begin || address >= plan.end) return false;
    long call = atomic_fetch_add(&plan.calls, 1);
    if (call == 0) atexit(end);
    long *count = plan.count;
    if (count != NULL) __atomic_store_n(count, call + 1, __ATOMIC_RELAXED);
    if (call != plan.at && (plan.from < 0 || call < plan.from)) return false;
    errno = ENOMEM;
    return true;
}

#define CALLER __builtin_return_address(0)

/* The C library names the parameters with underscores.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
void *malloc(size_t size) {
    return is_refused(CALLER) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return is_refused(CALLER) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *ptr, size_t size) {
    return is_refused(CALLER) ? NULL : __libc_realloc(ptr, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return is_refused(CALLER) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    void *made = is_refused(CALLER) ? NULL : __libc_memalign(alignment, size);
    if (made == NULL) return ENOMEM;
    *out = made;
    return 0;
}

static bool is_there_again(size_t size) {
    size_t left = atomic_load(&plan.given_back);
    while (left >= size) {
        if (atomic_compare_exchange_weak(&plan.given_back, &left, left - size)) return true;
    }
    return false;
}

int munmap(void *at, size_t size) {
    atomic_fetch_add(&plan.given_back, size);
    return (int)syscall(SYS_munmap, at, size);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    if (!is_there_again(size) && is_refused(CALLER)) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
