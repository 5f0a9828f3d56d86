/* job.h - private: offloaded work. A driver makes room for its own part behind it (job_size). */
#ifndef WEIR_JOB_H
#define WEIR_JOB_H

#include "loop/loop_internal.h"

struct weir_job {
    weir_list link; /* in loop->under_way until it is told */
    weir_loop *loop;
    weir_task_fn *work;
    void (*done)(void *arg, weir_status status);
    void *arg;
    weir_job **handle; /* set to NULL before done is called; may be NULL */
    bool canceled;
};

/* On the loop, once, when the work has ended or will never begin. Takes: job. */
void job_tell_done(weir_job *job, weir_status status);

/* Those that have not begun will be told WEIR_E_CANCELED. */
void jobs_cancel(weir_loop *loop);

#endif
