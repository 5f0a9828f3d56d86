/* far_local.h - the far end of a local connection, as blocking as a socket of the test's own. */
#ifndef WEIR_TEST_FAR_LOCAL_H
#define WEIR_TEST_FAR_LOCAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <weir/transport.h>

typedef struct far_local {
    weir_loop *loop;
    weir_channel *channel; /* held */
    pthread_mutex_t lock;  /* of what follows */
    pthread_cond_t changed;
    weir_buf *got; /* and not received yet */
    bool ended, broken, gone;
} far_local;

/* The description of this end for weir_local_pair. */
weir_local_end far_local_init(far_local *self, weir_loop *loop);
/* Takes what is left; the connection has to be over. */
void far_local_clear(far_local *self);

void far_local_send(far_local *self, const void *bytes, size_t n);
void far_local_take(far_local *self, bool takes);

/* As many as come before the end or within ten seconds, and whether one of the ends has been seen. */
size_t far_local_receive(far_local *self, void *dst, size_t n, bool *ended, bool *broken);

#endif
