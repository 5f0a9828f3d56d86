/* system_resolver.h - private: the system's resolver with another system, for tests. */
#ifndef WEIR_SYSTEM_RESOLVER_H
#define WEIR_SYSTEM_RESOLVER_H

#include <netdb.h>

#include <weir/transport/resolver.h>

/* As getaddrinfo and freeaddrinfo; `ask` runs on the thread pool. */
typedef struct system_names {
    int (*ask)(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found);
    void (*free)(struct addrinfo *found);
} system_names;

/* As weir_system_resolver_new. Borrows: names, until the last call has ended. */
weir_resolver *system_resolver_new_with(weir_loop *loop, const weir_system_resolver_options *options,
                                        const system_names *names);

#endif
