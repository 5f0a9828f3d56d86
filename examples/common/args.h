/* common/args.h - command lines of the example programs, from one table.
 *
 *     unsigned depth = 1;
 *     args_parse(&argc, argv, "Sends load to an echo server.", "HOST:PORT", (args_option[]){
 *         {"--depth", "N", "messages on their way at once", .number = &depth, .min = 1, .max = 1024},
 *         {0}});
 *
 * An option's kind is the pointer that is set; its default is what the variable holds before. --help prints
 * the table and exits 0, a bad command line one sentence on stderr and exits 2.
 */
#ifndef EXAMPLES_ARGS_H
#define EXAMPLES_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/core/compiler.h>

/* The values of an option that may be given more than once. */
enum {
    ARGS_LIST_MAX = 64
};
typedef struct args_list {
    const char *words[ARGS_LIST_MAX];
    unsigned count;
} args_list;

typedef struct args_option {
    const char *name; /* "--depth", "-o" */
    const char *hint; /* what follows it, for --help; of a choice the words: "auto|copy" */
    const char *help;
    bool *flag;        /* no value follows */
    const char **text; /* any text */
    args_list *list;   /* any text, again and again */
    unsigned *number;  /* min to max */
    uint64_t *size;    /* min to max bytes; K, M and G multiply by 1024 */
    unsigned *choice;  /* which word of hint, from 0 */
    uint64_t min, max; /* max 0: whatever the type holds */
} args_option;

/* `operands` names what is taken besides options: "HOST:PORT", "DIR..." (one or more), "" for nothing.
 * Afterwards argv[1] to argv[*argc - 1] are the operands. The table ends with {0}. */
void args_parse(int *argc, char **argv, const char *about, const char *operands, const args_option *options);

/* What every server takes; begin with the defaults: args_server at = {"127.0.0.1", 7007, 0}. */
typedef struct args_server {
    const char *host;
    unsigned port;
    unsigned loops;
    const char *user;  /* NULL: as it was started */
    unsigned uid, gid; /* the user's, see confine.h */
    bool sandbox;
} args_server;

#define ARGS_SERVER(server)                                                                                  \
    {"--host", "HOST", "address or name to listen on", .text = &(server).host},                              \
        {"--port", "PORT", "port to listen on; 0: a free one", .number = &(server).port, .max = 65535}, {    \
        "--loops", "N", "event loops, one thread each; 0: one for each CPU", .number = &(server).loops,      \
                                                                             .max = 1024                     \
    }

/* Of those that call confine (confine.h). */
#define ARGS_CONFINED(server)                                                                                \
    {"--user", "NAME", "once it listens, go on as this user (needs root)", .text = &(server).user}, {        \
        "--sandbox", NULL, "reach no other files, start no programs (landlock, seccomp)",                    \
            .flag = &(server).sandbox                                                                        \
    }

/* "program: sentence" on stderr; answers 1, for `return complain(...)` from main. */
int complain(const char *format, ...) WEIR_PRINTF(1, 2);

/* The same for a bad command line; exits with 2. */
WEIR_NORETURN void complain_usage(const char *format, ...) WEIR_PRINTF(1, 2);

#endif
