/* embedded_loop.c - nothing happens by itself here: whoever owns the loop takes its turns. */
#include "embedded/embedded_loop.h"

#include "channel/datagram_internal.h"
#include "channel/outbound_queue.h"
#include "loop/job.h"
#include "resolver/resolution.h"

static void nothing(weir_loop *loop) {
    (void)loop;
}

/* There is no thread pool: the work is done in the next turn, and its end told right then. */
typedef struct embedded_job {
    weir_job job; /* first: it is freed through it */
    weir_task task;
} embedded_job;

static void run_job(weir_task *task) {
    embedded_job *self = WEIR_CONTAINER(task, embedded_job, task);
    if (!self->job.canceled) self->job.work(self->job.arg);
    job_tell_done(&self->job, self->job.canceled ? (weir_status)WEIR_E_CANCELED : WEIR_OK);
}

static weir_status start_job(weir_job *job) {
    embedded_job *self = WEIR_CONTAINER(job, embedded_job, job);
    self->task.run = run_job;
    return weir_loop_post_task(job->loop, &self->task);
}

static bool cancel_job(weir_job *job) {
    (void)job; /* it waits for the next turn, which looks */
    return true;
}

static void destroy(weir_loop *loop) {
    weir_alloc_release(loop->alloc, loop);
}

static const loop_driver by_hand = {
    .name = "embedded",
    .wake = nothing,
    .continues = nothing,
    .rearm = nothing,
    .job_size = sizeof(embedded_job),
    .start_job = start_job,
    .cancel_job = cancel_job,
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
    atomic_store_explicit(&loop->awake, true, memory_order_relaxed); /* always: nobody measures it */
    return loop;
}

void embedded_loop_free(weir_loop *loop) {
    loop_close_queues(loop);
    resolutions_stop(loop);
    weir_system_resolver_free(loop->resolver);
    loop_close_queues(loop); /* what that has posted */
    loop_end_turn(loop);
    attribute_free_all(&loop->attributes, loop->alloc);
    loop_close_queues(loop);
    outbound_entries_free(loop);
    datagrams_free(loop);
    weir_pool_free(loop->pool);
    loop_set_thread(loop, NULL);
    loop_release(loop);
}
