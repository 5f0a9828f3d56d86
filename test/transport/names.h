/* names.h - resolvers of the test's own: one that answers when told, and a system whose calls the test lets go. */
#ifndef WEIR_TEST_NAMES_H
#define WEIR_TEST_NAMES_H

#include <weir/transport.h>

/* Answers each name with what stands here: at once, or (`holds`) never, until it is canceled. */
typedef struct fixed_names {
    weir_resolver resolver; /* first */
    bool holds;
    weir_status status;
    weir_addr addrs[8];
    size_t count;
    unsigned asked, canceled;
} fixed_names;

extern const weir_resolver_ops fixed_names_ops;

/* One more address, numeric. */
void fixed_names_add(fixed_names *self, const char *host, unsigned port);

#endif
