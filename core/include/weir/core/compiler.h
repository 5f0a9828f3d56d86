/* <weir/core/compiler.h> - what the compiler must be told, in one place.
 *
 * Layer: core. Needs nothing.
 */
#ifndef WEIR_CORE_COMPILER_H
#define WEIR_CORE_COMPILER_H

/* WEIR_API marks the symbols that leave the library; everything else is hidden. */
#define WEIR_API __attribute__((visibility("default")))

/* The caller must look at the result. */
#define WEIR_MUST_USE __attribute__((warn_unused_result))

/* Arguments from the `from`-th on are checked against the printf format that is the `at`-th. */
#define WEIR_PRINTF(at, from) __attribute__((format(printf, at, from)))

/* The function does not come back. */
#define WEIR_NORETURN __attribute__((noreturn))

/* Never NULL. */
#define WEIR_NEVER_NULL __attribute__((returns_nonnull))

/* A slow path: kept out of line so that the fast path around it stays small. */
#define WEIR_COLD __attribute__((cold, noinline))

/* On the way of every message: such functions lie together in a program. */
#define WEIR_HOT __attribute__((hot))

/* Which way a condition nearly always goes. */
#define WEIR_LIKELY(x) __builtin_expect(!!(x), 1)
#define WEIR_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The struct of `type` whose `member` is at `ptr`. */
#define WEIR_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Headers are C17 and also compile as C++17. C++ spells the atomic of C differently: there the
 * counters are opaque, and the inline functions use the compiler's own atomic operations. */
#ifdef __cplusplus
#define WEIR_BEGIN_DECLS extern "C" {
#define WEIR_END_DECLS }
#else
#define WEIR_BEGIN_DECLS
#define WEIR_END_DECLS
#endif

#endif
