/* <weir/transport/addr.h> - a socket address as a value: IPv4, IPv6 or a unix name.
 *
 * Wherever a host is asked for, "unix:/run/x" is the unix socket of that path and "unix:@x" the one of that name in
 * Linux's abstract namespace, which has no file. Neither has a port: what is given is ignored. At most 107
 * bytes follow "unix:", which is what the system has room for (unix(7)).
 *
 * Layer: transport. Needs bytes.h. Any thread.
 */
#ifndef WEIR_TRANSPORT_ADDR_H
#define WEIR_TRANSPORT_ADDR_H

#include <sys/socket.h>

#include <weir/core/bytes.h>
#include <weir/core/status.h>

WEIR_BEGIN_DECLS

/* Large enough for every family weir speaks; `len` 0 means "none". */
typedef struct weir_addr {
    socklen_t len;
    union {
        struct sockaddr sa;
        unsigned char room[112];
    } as;
} weir_addr;

/* Room for any address as text, with its NUL. */
#define WEIR_ADDR_TEXT 128

/* A numeric IPv4 or IPv6 host ("127.0.0.1", "::1", "[::1]") and a port, or a unix name ("unix:/run/x", "unix:@x").
 * Borrows: host. Fails: WEIR_E_INVALID when it is a name to be resolved, too long, or nonsense. */
WEIR_API weir_status weir_addr_parse(weir_addr *out, const char *host, unsigned port);

/* "HOST:PORT" or "[V6]:PORT" cut in two, numeric or not; a unix name is a host with port 0. Borrows: text. `host` has
 * room for `room` bytes. Fails: WEIR_E_INVALID. */
WEIR_API weir_status weir_addr_split(const char *text, char *host, size_t room, unsigned *port);

/* Asks the system's resolver; blocks, so call it at start or on a pool thread. The first answer wins.
 * Borrows: host. Fails: WEIR_E_RESOLVE, WEIR_E_INVALID. */
WEIR_API weir_status weir_addr_resolve(weir_addr *out, const char *host, unsigned port);

/* "127.0.0.1:80", "[::1]:80", "unix:/run/x", "unix:@x", "unix:" for a unix socket without a name (most clients), "-"
 * for none. What it answers, `text`, is parsed to an equal address, but for a NUL inside of an abstract name. */
WEIR_API const char *weir_addr_format(const weir_addr *addr, char text[WEIR_ADDR_TEXT]);

/* 0 where the family has none. */
WEIR_API unsigned weir_addr_port(const weir_addr *addr);

/* Family, host and port, or the unix name, are the same. */
WEIR_API bool weir_addr_equal(const weir_addr *addr, const weir_addr *other);

WEIR_END_DECLS

#endif
