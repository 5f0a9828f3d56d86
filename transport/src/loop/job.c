/* job.c - offloaded work: counted while it is under way, and told exactly once. */
#include "loop/job.h"

weir_status weir_loop_offload_job(weir_loop *loop, weir_task_fn *work, void (*done)(void *, weir_status),
                                  void *arg, weir_job **handle) {
    loop_check_current(loop, __func__);
    if (handle != NULL) *handle = NULL;
    unsigned waiting = atomic_load_explicit(&loop->jobs, memory_order_relaxed);
    if (loop->ending)
        return WEIR_E_STOPPED; /* or who offloads the next when told of the last would keep it for ever */
    if (waiting >= loop->max_jobs) return WEIR_E_LIMIT;
    weir_job *job = weir_alloc_zeroed(loop->alloc, 1, loop->driver->job_size);
    if (job == NULL) return WEIR_E_NO_MEMORY;
    job->loop = loop;
    job->work = work;
    job->done = done;
    job->arg = arg;
    job->handle = handle;
    weir_status status = loop->driver->start_job(job);
    if (status != WEIR_OK) {
        weir_alloc_release(loop->alloc, job);
        return status;
    }
    if (handle != NULL) *handle = job;
    weir_list_push_back(&loop->under_way, &job->link);
    atomic_store_explicit(&loop->jobs, waiting + 1, memory_order_relaxed);
    return WEIR_OK;
}

weir_status weir_loop_offload(weir_loop *loop, weir_task_fn *work, void (*done)(void *, weir_status),
                              void *arg) {
    return weir_loop_offload_job(loop, work, done, arg, NULL);
}

bool weir_job_cancel(weir_job *job) {
    if (job == NULL) return false;
    loop_check_current(job->loop, __func__);
    if (!job->canceled) job->canceled = job->loop->driver->cancel_job(job);
    return job->canceled;
}

void job_tell_done(weir_job *job, weir_status status) {
    weir_job told = *job;
    weir_loop *loop = told.loop;
    weir_list_remove(&job->link);
    weir_alloc_release(loop->alloc, job);
    if (told.handle != NULL) *told.handle = NULL;
    atomic_store_explicit(&loop->jobs, atomic_load_explicit(&loop->jobs, memory_order_relaxed) - 1,
                          memory_order_relaxed);
    loop_count(&loop->counts.jobs);
    if (status != WEIR_OK) loop_count(&loop->counts.canceled_jobs);
    loop_enter(&loop_place_job, LOOP_NO_SLOT);
    loop_enter_function((uintptr_t)told.done);
    told.done(told.arg, status);
}

/* Canceling tells nothing yet, so the list stays as it is. */
void jobs_cancel(weir_loop *loop) {
    for (weir_list *link = loop->under_way.next; link != &loop->under_way; link = link->next) {
        weir_job_cancel(WEIR_CONTAINER(link, weir_job, link));
    }
}
