/* common/upgrade.h - a server replaced by a new process of the same program that listens on the same sockets.
 *
 *     old                                         new
 *     fork, exec  --LISTEN_FDS, LISTEN_PID-->     starts on them (listen_fds.h)
 *     waits       <--one byte, WEIR_READY_FD--    listens
 *     stops, and answers what it has
 *
 * Both accept for a moment and nobody's turn is lost: a connection waits in the socket, not in a process. When the new one
 * ends or says nothing for half a minute the old one goes on as before.
 */
#ifndef EXAMPLES_UPGRADE_H
#define EXAMPLES_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

/* Remembers what this process was started as; before anything changes that. */
void upgrade_prepare(void);

/* Starts the new process and waits until it serves; complains when it does not. Takes: fds. */
bool upgrade_start(const int *fds, size_t count);

/* This process serves: tells the one it replaces, and the service manager (sd_notify(3)), whichever there is. */
void upgrade_ready(void);

#endif
