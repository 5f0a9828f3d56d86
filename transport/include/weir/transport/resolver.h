/* <weir/transport/resolver.h> - a name becomes addresses, without a loop waiting for it.
 *
 *     weir_resolve -> numeric, unix:PATH --------------------------------> done
 *                  -> resolver (the system's getaddrinfo, or yours) -----> done
 *                  -> timeout, cancel, end of the loop ------------------> done
 *
 * `done` is called once, on the loop, and never from inside weir_resolve. Whatever comes first counts: a system
 * that does not answer is left alone, and what it says in the end is thrown away.
 *
 * Layer: transport. Needs addr.h, loop.h. On the loop only.
 */
#ifndef WEIR_TRANSPORT_RESOLVER_H
#define WEIR_TRANSPORT_RESOLVER_H

#include <weir/transport/addr.h>
#include <weir/transport/loop.h>

WEIR_BEGIN_DECLS

/* Which addresses, and which of them first. */
typedef enum weir_family {
    WEIR_FAMILY_ANY, /* all, as the resolver sorts them (the system: RFC 6724) */
    WEIR_FAMILY_V6_FIRST,
    WEIR_FAMILY_V4_FIRST,
    WEIR_FAMILY_V6_ONLY,
    WEIR_FAMILY_V4_ONLY,
} weir_family;

typedef struct weir_resolver weir_resolver;

/* One name being looked up. Until: its `done` was called. */
typedef struct weir_resolution weir_resolution;

/* Zero means the default, everywhere. */
typedef struct weir_resolve_options {
    weir_loop *loop;         /* needed */
    const char *host;        /* needed; an address, "unix:PATH" or a name of up to 255 bytes */
    unsigned port;           /* goes into the addresses; 0 to 65535 */
    weir_family family;      /* all, as they come */
    unsigned timeout_ms;     /* 10 000 */
    weir_resolver *resolver; /* the system's, one a loop. Borrowed until done */
} weir_resolve_options;

/* With WEIR_OK at least one address, the best first. Borrows: addrs for the call. It may free `arg`. */
typedef void weir_resolved_fn(void *arg, weir_status status, const weir_addr *addrs, size_t count);

/* Begins to look up a host. `done` gets WEIR_OK, WEIR_E_RESOLVE (no such name, or no address of the family),
 * WEIR_E_TIMEOUT, WEIR_E_CANCELED, WEIR_E_STOPPED when the loop ended before, WEIR_E_INVALID for a wrong unix
 * name, WEIR_E_LIMIT, WEIR_E_NO_MEMORY, or a failure of the system.
 * Borrows: options for the call. Gives: *out, to cancel it, borrowed until done; out may be NULL.
 * Fails: WEIR_E_INVALID, WEIR_E_NO_MEMORY, WEIR_E_STOPPED; then done is never called. */
WEIR_API weir_status weir_resolve(weir_resolution **out, const weir_resolve_options *options,
                                  weir_resolved_fn *done, void *arg);

/* `done` is called with WEIR_E_CANCELED before this returns. Takes: resolution, or NULL. */
WEIR_API void weir_resolution_cancel(weir_resolution *resolution);

/* ---- a resolver of your own: a struct that begins with a weir_resolver ---- */

/* A resolver is asked for names only, and each request is its own. Timeouts, numeric hosts, families and ports are
 * dealt with before and after it. */
typedef struct weir_resolver_ops {
    const char *name;
    /* Begins. Answers with weir_resolution_complete, now or later, unless it fails here or `cancel` comes first. */
    weir_status (*start)(weir_resolver *resolver, weir_resolution *resolution);
    /* Nobody waits any more: forget it. NULL only where start always completes at once. */
    void (*cancel)(weir_resolver *resolver, weir_resolution *resolution);
} weir_resolver_ops;

/* Constant after it was made; it may serve several loops if its functions are up to that. */
struct weir_resolver {
    const weir_resolver_ops *ops;
};

/* The answer. Addresses are cut to the family, ports of 0 become the one that was asked for, and 64 addresses are
 * kept. Borrows: addrs. Takes: resolution, in the sense that the resolver must not touch it again. */
WEIR_API void weir_resolution_complete(weir_resolution *resolution, weir_status status,
                                       const weir_addr *addrs, size_t count);

/* What is asked for. Borrows: resolution, and the answers until it is completed or canceled. */
WEIR_API const char *weir_resolution_host(const weir_resolution *resolution);
WEIR_API weir_family weir_resolution_family(const weir_resolution *resolution);
WEIR_API weir_loop *weir_resolution_loop(const weir_resolution *resolution);

/* Room for one pointer of the resolver's own; NULL at first. Borrows: resolution, and the answer likewise. */
WEIR_API void **weir_resolution_slot(weir_resolution *resolution);

/* ---- the system's resolver ---- */

/* Names are asked of getaddrinfo on the thread pool, which is also what warms files: so few at a time, the others
 * wait in line. Who asks for a name that is being asked for shares its answer.
 * Zero means the default, everywhere. */
typedef struct weir_system_resolver_options {
    unsigned max_running; /* getaddrinfo calls at once; 2 */
    unsigned max_waiting; /* names that wait for their turn, more are WEIR_E_LIMIT; 1024 */
    unsigned cache_ms; /* answers are given again for so long; 0: never, for getaddrinfo tells no lifetime */
    unsigned cache_names; /* names remembered, the oldest goes first; 64 */
} weir_system_resolver_options;

/* A resolver for requests on this one loop. Borrows: loop, options (NULL: defaults).
 * Gives: one for weir_system_resolver_free, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_resolver *weir_system_resolver_new(weir_loop *loop,
                                                               const weir_system_resolver_options *options);

/* Requests that wait on it complete with WEIR_E_CANCELED. Calls that run go on, and their memory goes when they end.
 * Takes: resolver, or NULL. */
WEIR_API void weir_system_resolver_free(weir_resolver *resolver);

WEIR_END_DECLS

#endif
