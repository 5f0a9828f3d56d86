/* <weir/core/error.h> - a failure with the numbers that explain it.
 *
 * What an `error` event of a pipeline carries, and what a decode function fills in: which rule was broken, by how
 * much, and where.
 *
 * Layer: core. Needs status.h. A value; any thread.
 */
#ifndef WEIR_CORE_ERROR_H
#define WEIR_CORE_ERROR_H

#include <stdint.h>

#include <weir/core/status.h>

typedef struct weir_error {
    weir_status status;
    const char *what; /* the operation or the rule: "read", "line length"; a literal, or NULL */
    uint64_t actual;  /* of a broken limit: what came, */
    uint64_t maximum; /* what is allowed, */
    uint64_t offset;  /* and where in the stream, counted from its beginning */
} weir_error;

#endif
