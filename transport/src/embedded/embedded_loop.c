/* embedded_loop.c - nothing happens by itself here: whoever owns the loop takes its turns. */
#include "embedded/embedded_loop.h"

#include "channel/datagram_internal.h"
#include "channel/outbound_queue.h"
#include "resolver/resolution.h"

static void nothing(weir_loop *loop) {
    (void)loop;
}

typedef struct inline_job {
    void (*done)(void *arg, weir_status status);
    void *arg;
    weir_alloc *alloc;
} inline_job;

static void tell_done(void *arg) {
    inline_job job = *(inline_job *)arg;
    weir_alloc_release(job.alloc, arg);
    job.done(job.arg, WEIR_OK);
}

/* There is no thread pool: the work is done here, its end told in the next turn, as from a pool. */
static weir_status offload(weir_loop *loop, weir_task_fn *work, void (*done)(void *, weir_status),
                           void *arg) {
    inline_job *job = weir_alloc_acquire(loop->alloc, sizeof *job);
    if (job == NULL) return WEIR_E_NO_MEMORY;
    *job = (inline_job){.done = done, .arg = arg, .alloc = loop->alloc};
    weir_status status = weir_loop_post(loop, tell_done, job);
    if (status == WEIR_OK) {
        work(arg);
    } else {
        weir_alloc_release(loop->alloc, job);
    }
    return status;
}

static void destroy(weir_loop *loop) {
    weir_alloc_release(loop->alloc, loop);
}

static const loop_driver by_hand = {
    .name = "embedded",
    .wake = nothing,
    .continues = nothing,
    .rearm = nothing,
    .offload = offload,
    .destroy = destroy,
};

weir_loop *embedded_loop_new(void) {
    weir_loop_options options = {.name = "embedded"};
    weir_loop *loop = weir_alloc_zeroed(NULL, 1, sizeof *loop);
    if (loop == NULL) return NULL;
    loop_init(loop, &by_hand, &options, 0);
    if (!loop_init_pool(loop, &options)) {
        weir_alloc_release(loop->alloc, loop);
        return NULL;
    }
    loop_set_thread(loop, &loop_this_thread);
    return loop;
}

void embedded_loop_free(weir_loop *loop) {
    loop_close_queues(loop);
    resolutions_stop(loop);
    weir_system_resolver_free(loop->resolver);
    loop_end_turn(loop);
    outbound_entries_free(loop);
    datagrams_free(loop);
    weir_pool_free(loop->pool);
    loop_release(loop);
}
