/* ip_filter.c - rules as prefixes of 16 bytes, asked in order. */
#include <weir/transport/ip_filter.h>

#include <errno.h>
#include <string.h>

#include <weir/core/alloc.h>
#include <weir/transport/channel.h>

#include "handlers/ip_key.h"

typedef struct ip_rule {
    ip_key prefix;
    unsigned bits; /* of the 128 that must be the same */
    bool allow;
} ip_rule;

struct weir_ip_filter {
    weir_obj obj;
    size_t count;
    ip_rule rules[];
};

static void free_filter(weir_obj *obj) {
    weir_alloc_release(NULL, obj);
}

static weir_leak_counter living = {.name = "ip_filter"};
static const weir_obj_type filter_type = {.name = "ip_filter", .free = free_filter, .live = &living};

/* ---- rules from text ---- */

static bool parse_verdict(weir_bytes text, bool *allow) {
    *allow = weir_bytes_equal_str(text, "allow");
    return *allow || weir_bytes_equal_str(text, "deny");
}

/* The whole text as an address, with the number of bits it has in its own family. */
static bool parse_address(weir_bytes text, ip_rule *rule, unsigned *width) {
    char host[64];
    weir_addr addr;
    if (text.len >= sizeof host) return false;
    memcpy(host, text.ptr, text.len);
    host[text.len] = '\0';
    if (weir_addr_parse(&addr, host, 0) != WEIR_OK || !ip_key_of(&addr, &rule->prefix)) return false;
    *width = addr.as.sa.sa_family == AF_INET ? 32 : 128;
    return true;
}

static bool parse_rule(const char *text, ip_rule *rule) {
    weir_bytes rest = weir_bytes_str(text), verdict, address;
    *rule = (ip_rule){0};
    if (!weir_bytes_split(&rest, ' ', &verdict) || !parse_verdict(verdict, &rule->allow)) return false;
    rest = weir_bytes_trim(rest);
    if (weir_bytes_equal_str(rest, "all")) return true;
    if (!weir_bytes_split(&rest, '/', &address)) return false;
    unsigned width;
    uint64_t bits;
    if (!parse_address(address, rule, &width)) return false;
    bits = width;
    if (rest.ptr != NULL && (!weir_bytes_to_u64(rest, &bits) || bits > width)) return false;
    rule->bits = 128 - width + (unsigned)bits;
    return true;
}

weir_status weir_ip_filter_new(weir_ip_filter **out, const char *const *rules, size_t count, size_t *wrong) {
    weir_ip_filter *filter = NULL;
    *out = NULL;
    if (count <= (SIZE_MAX - sizeof *filter) / sizeof(ip_rule))
        filter = weir_alloc_acquire(NULL, sizeof *filter + count * sizeof(ip_rule));
    if (filter == NULL) return WEIR_E_NO_MEMORY;
    weir_obj_init(&filter->obj, &filter_type);
    filter->count = count;
    for (size_t i = 0; i < count; i++) {
        if (parse_rule(rules[i], &filter->rules[i])) continue;
        if (wrong != NULL) *wrong = i;
        weir_ip_filter_release(filter);
        return WEIR_E_INVALID;
    }
    *out = filter;
    return WEIR_OK;
}

weir_ip_filter *weir_ip_filter_retain(weir_ip_filter *filter) {
    return weir_obj_retain(filter);
}

void weir_ip_filter_release(weir_ip_filter *filter) {
    weir_obj_release(filter);
}

/* ---- asking ---- */

bool weir_ip_filter_allows(const weir_ip_filter *filter, const weir_addr *addr) {
    ip_key key;
    if (!ip_key_of(addr, &key)) return true;
    for (size_t i = 0; i < filter->count; i++) {
        const ip_rule *rule = &filter->rules[i];
        if (ip_key_shares_prefix(&key, &rule->prefix, rule->bits)) return rule->allow;
    }
    return true;
}

weir_status weir_ip_filter_admit(const weir_ip_filter *filter, weir_pipeline *pipeline) {
    weir_addr peer;
    weir_channel_remote_addr(weir_pipeline_channel(pipeline), &peer);
    return weir_ip_filter_allows(filter, &peer) ? WEIR_OK : -EACCES;
}
