/* common/confine.h - less power for a server: --user and --sandbox.
 *
 *     args_server at = {...};                       ARGS_CONFINED(at) among its options
 *     confine(&at, rules, count)                    before any thread: the sandbox holds for those made later
 *     serve(&at, ...)                               binds, then gives its rights up, then serves
 *
 * --user      bound as root, it goes on as that user, with no other groups, and cannot come back
 * --sandbox   landlock: no file but those of the rules, no outgoing TCP, no signals to others. no_new_privs. seccomp: no
 *             new program, no look into other processes, nothing of the system's administration
 */
#ifndef EXAMPLES_CONFINE_H
#define EXAMPLES_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/args.h"

/* A folder and all beneath it, or a file, that stays within reach; a NULL path is none. */
typedef struct confine_rule {
    const char *path;
    bool writes; /* also made, renamed and removed */
    bool beside; /* the folder that `path` is in, so that what replaces it is found */
} confine_rule;

/* Looks for the user, and closes the sandbox if asked to. Answers 0, or after complaining 1. */
int confine(args_server *at, const confine_rule *rules, size_t count);

/* Goes on as the user of `at`, if there is one. Answers 0, or after complaining 1. */
int confine_drop(const args_server *at);

/* confine.h's other half, sandbox.c: complains and answers 1 where the kernel has no such thing. */
int sandbox_enter(const confine_rule *rules, size_t count);

#endif
