/* datagram_internal.h - private: datagrams for the wire that reads them, recycled by their loop. */
#ifndef WEIR_DATAGRAM_INTERNAL_H
#define WEIR_DATAGRAM_INTERNAL_H

#include <weir/transport/datagram.h>

#include "loop/loop_internal.h"

/* With no addresses. Takes: content, also on failure (NULL). Any thread. */
weir_datagram *datagram_get(weir_loop *loop, weir_buf *content);

/* Frees the datagrams that `loop` keeps for use again. */
void datagrams_free(weir_loop *loop);

#endif
