/* common/serve.h - the main of a server: listen, say so, serve until stopped, sum up, prove nothing leaked.
 *
 * What echo_server spells out, for the servers that are about something else.
 *
 *     SIGTERM, SIGINT   stops: what is under way is finished
 *     SIGHUP            reads certificates and opens logs again, if the server has any (`reload`)
 *     SIGUSR2           a new process of the program takes over (upgrade.h), then this one stops
 */
#ifndef EXAMPLES_SERVE_H
#define EXAMPLES_SERVE_H

#include <weir/transport.h>

#include "common/args.h"

/* Prints what this server did, after its last connection is gone. */
typedef void serve_totals_fn(void *arg);

/* Reads again what was configured, in a thread of its own; keeps what it had where it cannot, and complains. Answers
 * whether all went well. */
typedef bool serve_reload_fn(void *arg);

/* Serves at `at` with `options`, whose host, port, loops, inherited sockets and signals are filled in here. `reload` may
 * be NULL. Answers the exit code. Borrows: all, for the call. */
int serve(const args_server *at, weir_server_options options, serve_totals_fn *totals, void *arg);
int serve_reloading(const args_server *at, weir_server_options options, serve_totals_fn *totals,
                    serve_reload_fn *reload, void *arg);

#endif
