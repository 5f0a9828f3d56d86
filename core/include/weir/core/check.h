/* <weir/core/check.h> - bugs in the caller end the program, loudly.
 *
 * WEIR_CHECK is always compiled in. Use it for what no correct caller can do; use weir_status for
 * what the world can do; use `false` for "not enough bytes yet".
 *
 * Layer: core. Any thread.
 */
#ifndef WEIR_CORE_CHECK_H
#define WEIR_CORE_CHECK_H

#include <weir/core/compiler.h>

WEIR_BEGIN_DECLS

/* Prints "weir: FILE:LINE: FUNCTION: <formatted sentence>" to stderr and aborts. */
WEIR_API WEIR_NORETURN WEIR_COLD void weir_check_failed(const char *file, int line, const char *function,
                                                        const char *format, ...) WEIR_PRINTF(4, 5);

/* WEIR_CHECK(condition, "sentence with %d", value): the sentence says what the caller did wrong. */
#define WEIR_CHECK(condition, ...)                                                                           \
    (WEIR_LIKELY(condition) ? (void)0 : weir_check_failed(__FILE__, __LINE__, __func__, __VA_ARGS__))

/* A place that no execution reaches. */
#define WEIR_UNREACHABLE() weir_check_failed(__FILE__, __LINE__, __func__, "unreachable code was reached")

WEIR_END_DECLS

#endif
