/* guard.h - bytes that wait in a pool are out of bounds for everyone, where a checker is there to see it.
 *
 * AddressSanitizer is asked at compile time. Valgrind is asked when a pool is made: its requests cost a few
 * instructions even outside it, so only pools that found themselves inside make them.
 */
#ifndef WEIR_POOL_GUARD_H
#define WEIR_POOL_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "buf_root.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define GUARD_ASAN 1
#else
#define GUARD_ASAN 0
#define ASAN_POISON_MEMORY_REGION(ptr, len) ((void)(ptr), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, len) ((void)(ptr), (void)(len))
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define GUARD_SANITIZER 1
#else
#define GUARD_SANITIZER GUARD_ASAN
#endif

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(ptr, len) 0
#define VALGRIND_MAKE_MEM_NOACCESS(ptr, len) ((void)(ptr), (void)(len))
#define VALGRIND_MAKE_MEM_UNDEFINED(ptr, len) ((void)(ptr), (void)(len))
#endif

/* True under valgrind's memcheck: its other tools do not answer such a request. */
static inline bool guard_is_memcheck(void) {
    char probe = 0;
    return VALGRIND_MAKE_MEM_DEFINED(&probe, sizeof probe) != 0 && probe == 0;
}

/* True when something watches memory accesses. */
static inline bool guard_is_on(void) {
    return GUARD_ASAN || guard_is_memcheck();
}

static inline void guard_close(void *ptr, size_t len) {
    ASAN_POISON_MEMORY_REGION(ptr, len);
    VALGRIND_MAKE_MEM_NOACCESS(ptr, len);
}

static inline void guard_open(void *ptr, size_t len) {
    ASAN_UNPOISON_MEMORY_REGION(ptr, len);
    VALGRIND_MAKE_MEM_UNDEFINED(ptr, len);
}

/* Of the header only the window is closed: its object stays readable, so that a second release is answered
 * by the library's own check, which can tell by whom. */
enum {
    GUARD_WINDOW = sizeof(weir_buf) - sizeof(weir_obj)
};

static inline void guard_raise(buf_root *root) {
    guard_close(&root->buf.obj + 1, GUARD_WINDOW);
    guard_close(root->store.mem, root->store.size);
}

static inline void guard_lift(buf_root *root) {
    guard_open(&root->buf.obj + 1, GUARD_WINDOW);
    guard_open(root->store.mem, root->store.size);
}

#endif
