/* embedded_loop.h - private: a loop driven by hand, with a clock that moves when told. */
#ifndef WEIR_EMBEDDED_LOOP_H
#define WEIR_EMBEDDED_LOOP_H

#include "loop/loop_internal.h"

/* A loop of the calling thread, or NULL when out of memory. */
weir_loop *embedded_loop_new(void);

/* Frees what it queued and lets go of it; it lives on while something still holds it. */
void embedded_loop_free(weir_loop *loop);

#endif
