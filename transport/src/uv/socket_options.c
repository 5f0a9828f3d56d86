/* socket_options.c - what the options say about a socket, told to the kernel: a table.
 *
 * TCP_CORK is not in it: MSG_MORE says the same of a single write, and the drain loop knows when that is right.
 * SO_LINGER is there with 0 seconds only: any other makes close(2) wait, and with it the loop.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <weir/core/log.h>

#include "uv/uv_internal.h"

/* Which sockets an option is for. */
enum {
    ON_TCP4 = 1,
    ON_TCP6 = 2,
    ON_TCP = ON_TCP4 | ON_TCP6,
    ON_UNIX = 4,
    ON_ALL = ON_TCP | ON_UNIX,
    UNCONNECTED = 8, /* and only before it connects */
    INHERITED = 16,  /* from a listening socket of ours (listen_socket_open) */
};

typedef enum field_kind {
    FLAG,     /* set when true */
    NOT_FLAG, /* set to the contrary */
    NUMBER    /* set when not 0; negative: to 0 */
} field_kind;

typedef struct named_option {
    const char *text;
    int level, name;
    unsigned on;
    field_kind kind;
    size_t field;
} named_option;

#define OPTION(level, name, on, kind, field)                                                                 \
    { #name, level, name, on, kind, offsetof(weir_channel_options, field) }

static const named_option named_options[] = {
    OPTION(IPPROTO_TCP, TCP_NODELAY, ON_TCP | INHERITED, NOT_FLAG, delay),
    OPTION(SOL_SOCKET, SO_KEEPALIVE, ON_TCP, FLAG, keep_alive),
    OPTION(IPPROTO_TCP, TCP_KEEPIDLE, ON_TCP, NUMBER, keep_alive_idle_s),
    OPTION(IPPROTO_TCP, TCP_KEEPINTVL, ON_TCP, NUMBER, keep_alive_interval_s),
    OPTION(IPPROTO_TCP, TCP_KEEPCNT, ON_TCP, NUMBER, keep_alive_count),
    OPTION(SOL_SOCKET, SO_SNDBUF, ON_ALL, NUMBER, send_buffer),
    OPTION(SOL_SOCKET, SO_RCVBUF, ON_ALL, NUMBER, receive_buffer),
    OPTION(IPPROTO_IP, IP_TOS, ON_TCP, NUMBER, type_of_service),
    OPTION(IPPROTO_IPV6, IPV6_TCLASS, ON_TCP6, NUMBER, type_of_service),
    OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT, ON_TCP, NUMBER, unsent_low_water),
    OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT, ON_TCP, NUMBER, user_timeout_ms),
    OPTION(IPPROTO_TCP, TCP_QUICKACK, ON_TCP, NUMBER, quick_ack),
    OPTION(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, ON_TCP | UNCONNECTED, FLAG, fast_open),
};

/* The value for the kernel; false when the option stays what it is. */
static bool wants(const named_option *option, const weir_channel_options *options, int *value) {
    const char *field = (const char *)options + option->field;
    if (option->kind == NUMBER) {
        memcpy(value, field, sizeof *value);
        if (*value == 0) return false;
        if (*value < 0) *value = 0;
        return true;
    }
    bool flag = *(const bool *)field;
    *value = option->kind == FLAG ? flag : !flag;
    return flag || option->kind == NOT_FLAG;
}

static unsigned kind_of(int family) {
    return family == AF_UNIX ? ON_UNIX : family == AF_INET6 ? ON_TCP6 : ON_TCP4;
}

static void set_named(int fd, const named_option *option, int value) {
    if (setsockopt(fd, option->level, option->name, &value, sizeof value) == 0) return;
    weir_log(WEIR_LOG_WARN, "channel", "setsockopt %s to %d: %s", option->text, value,
             weir_status_text(-errno));
}

static weir_status set_raw(int fd, const weir_socket_option *option) {
    if (setsockopt(fd, option->level, option->name, option->value, option->length) == 0) return WEIR_OK;
    weir_status status = weir_status_from_errno(errno);
    weir_log(option->required ? WEIR_LOG_ERROR : WEIR_LOG_WARN, "channel", "setsockopt %d of level %d: %s",
             option->name, option->level, weir_status_text(status));
    return option->required ? status : WEIR_OK;
}

void uv_reset_on_close(int fd) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

weir_status net_configure(int fd, int family, net_origin origin, const weir_channel_options *options) {
    static const unsigned not_now[] = {
        [NET_CONNECTED] = UNCONNECTED, [NET_ACCEPTED] = UNCONNECTED | INHERITED};
    unsigned kind = kind_of(family);
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < sizeof named_options / sizeof named_options[0]; i++) {
        const named_option *option = &named_options[i];
        int value;
        if ((option->on & kind) == 0 || (option->on & not_now[origin]) != 0) continue;
        if (wants(option, options, &value)) set_named(fd, option, value);
    }
    if (options->reset_on_close && kind != ON_UNIX) uv_reset_on_close(fd);
    for (size_t i = 0; i < options->raw_count && status == WEIR_OK; i++) {
        status = set_raw(fd, &options->raw[i]);
    }
    return status;
}
