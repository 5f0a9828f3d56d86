/* <weir/transport/loop_group.h> - several loops, a thread each.
 *
 * With `first_on_caller` the first loop has no thread of its own: the thread that makes the group runs it whenever it
 * waits for something of weir's. With a single loop the process then has a single thread, for which the kernel
 * does a system call on a descriptor some 75 ns cheaper.
 *
 *     weir_loop_group *loops = weir_loop_group_new_with(&(weir_loop_group_options){.first_on_caller = true});
 *     weir_server_start(&server, &options);    listens; who connects waits in the backlog
 *     weir_server_wait(server);                serves, until it was stopped
 *
 * Layer: transport. Needs loop.h. Any thread, unless a function says otherwise.
 */
#ifndef WEIR_TRANSPORT_LOOP_GROUP_H
#define WEIR_TRANSPORT_LOOP_GROUP_H

#include <weir/transport/loop.h>

WEIR_BEGIN_DECLS

typedef struct weir_loop_group weir_loop_group;

/* `count` loops running in threads of their own (0: one for each CPU this process may use), with one pool
 * for all. Gives: a group for weir_loop_group_free, or NULL when out of memory, threads or descriptors. */
WEIR_API WEIR_MUST_USE weir_loop_group *weir_loop_group_new(unsigned count);

/* Zero means the default, everywhere. */
typedef struct weir_loop_group_options {
    unsigned count;    /* loops; 0: one for each CPU this process may use */
    const char *name;  /* loops and threads are called "name-0", ...; "loop", 11 characters of it. Borrowed */
    bool pin_cpus;     /* loop i stays on the i-th CPU this process may use, and round again */
    size_t stack_size; /* of each thread, bytes; 0: the system's default */
    /* The first loop runs in the thread that makes the group, and in no other (checked): while that is in
     * weir_server_start, _wait, _wait_for or _free, or waits for a promise of this loop, or in weir_loop_run. In between
     * nothing happens on it: what is posted waits. Nor in a wait that follows a weir_loop_stop of it which no
     * weir_loop_run has taken: that wait would be in vain, so stop its servers, not the loop. That thread keeps its name,
     * CPUs, stack and signals, but for SIGPIPE (loop.h). A single loop is watched for slow callbacks only when
     * slow_callback_ms says so: that takes a thread */
    bool first_on_caller;
    weir_loop_options loop; /* of each loop; its name, host and pool do not count here */
    weir_pool_options pool; /* of the pool for all; its name is "loops" unless given */
} weir_loop_group_options;

/* The same with options. Borrows: options, which may be NULL. Gives: a group for weir_loop_group_free, or NULL
 * when out of memory, threads or descriptors, or when the options cannot be honoured (a line is logged). */
WEIR_API WEIR_MUST_USE weir_loop_group *weir_loop_group_new_with(const weir_loop_group_options *options);

/* Takes: group, or NULL. Stops the loops, which aborts their channels, and joins the threads.
 * Not from one of its loops, nor while the first is run by a caller (checked). */
WEIR_API void weir_loop_group_free(weir_loop_group *group);

/* Borrows: group, and the answer for its life. */
WEIR_API size_t weir_loop_group_count(const weir_loop_group *group);
WEIR_API weir_loop *weir_loop_group_at(const weir_loop_group *group, size_t i);

/* The loops in turn. Borrows: group, and the answer for its life. */
WEIR_API weir_loop *weir_loop_group_next(weir_loop_group *group);

/* Borrows: group, and the answer for its life. */
WEIR_API weir_pool *weir_loop_group_pool(const weir_loop_group *group);

WEIR_END_DECLS

#endif
