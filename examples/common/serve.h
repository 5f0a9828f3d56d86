/* common/serve.h - the main of a server: listen, say so, serve until stopped, sum up, prove nothing leaked.
 *
 * What echo_server spells out, for the servers that are about something else.
 */
#ifndef EXAMPLES_SERVE_H
#define EXAMPLES_SERVE_H

#include <weir/transport.h>

#include "common/args.h"

/* Prints what this server did, after its last connection is gone. */
typedef void serve_totals_fn(void *arg);

/* Serves at `at` with `options`, whose host, port, loops and stop_on_signals are filled in here.
 * Answers the exit code. Borrows: all, for the call. */
int serve(const args_server *at, weir_server_options options, serve_totals_fn *totals, void *arg);

#endif
