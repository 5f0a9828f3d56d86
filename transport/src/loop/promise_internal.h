/* promise_internal.h - private: completing a promise from a thread that may not be its loop's. */
#ifndef WEIR_PROMISE_INTERNAL_H
#define WEIR_PROMISE_INTERNAL_H

#include <weir/transport/promise.h>

#include "loop/loop_internal.h"

/* Takes: promise, or NULL. Completes it here when this is its loop, else posts that. Requires: nobody else
 * completes it. */
void promise_complete_anywhere(weir_promise *promise, weir_status status);

#endif
