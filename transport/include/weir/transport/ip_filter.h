/* <weir/transport/ip_filter.h> - who may connect, by address.
 *
 *     static const char *const rules[] = {"allow 10.0.0.0/8", "allow 2001:db8::/32", "deny all"};
 *     weir_ip_filter_new(&filter, rules, 3, NULL);
 *     ...
 *     weir_status build(weir_pipeline *pipeline, void *arg) {
 *         weir_status status = weir_ip_filter_admit(filter, pipeline);
 *         if (status != WEIR_OK) return status;
 *
 * In short: rules are asked in order and the first that matches decides; where none does, the address is
 * allowed. An IPv4 address that came through an IPv6 socket (RFC 4291 2.5.5.2) is an IPv4 address. Asking first thing in
 * the build function means that no handler ever sees who is refused; the server counts it and stays quiet.
 *
 * A filter does not change once it is made; to change the rules make another one.
 *
 * Layer: transport. Needs pipeline.h, addr.h. Any thread.
 */
#ifndef WEIR_TRANSPORT_IP_FILTER_H
#define WEIR_TRANSPORT_IP_FILTER_H

#include <weir/transport/addr.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

typedef struct weir_ip_filter weir_ip_filter;

/* A rule is "allow" or "deny", then "all", an address, or ADDRESS/BITS; bits behind the prefix are ignored.
 * Borrows: rules. `*out` Gives a filter, NULL on failure. Fails: WEIR_E_INVALID, with the number of the rule that makes no
 * sense in `*wrong` (may be NULL); WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_ip_filter_new(weir_ip_filter **out, const char *const *rules, size_t count,
                                        size_t *wrong);

/* Gives: one more reference; returns its argument, which may be NULL. */
WEIR_API weir_ip_filter *weir_ip_filter_retain(weir_ip_filter *filter);
/* Takes: filter, or NULL. */
WEIR_API void weir_ip_filter_release(weir_ip_filter *filter);

/* What the rules say; true for an address that is neither IPv4 nor IPv6. Borrows: both. */
WEIR_API bool weir_ip_filter_allows(const weir_ip_filter *filter, const weir_addr *addr);

/* WEIR_OK, or -EACCES for a peer that may not connect: to be returned from the build function.
 * Borrows: both. On the channel's loop. */
WEIR_API weir_status weir_ip_filter_admit(const weir_ip_filter *filter, weir_pipeline *pipeline);

WEIR_END_DECLS

#endif
