/* holes.c - see holes.h. */
#include "holes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "wires.h"

void dig(black_hole *self) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    self->listener = plain_listen(&self->port, 0);
    to.sin_port = htons((uint16_t)self->port);
    for (int i = 0; i < 8; i++) {
        self->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int failed = connect(self->fillers[i], (struct sockaddr *)(void *)&to, sizeof to);
        expect(failed == 0 || errno == EINPROGRESS);
    }
    wait_ms(50);
}

void fill_in(black_hole *self) {
    for (int i = 0; i < 8; i++) close(self->fillers[i]);
    close(self->listener);
}

int refusing_port(unsigned *port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0 && bind(fd, (struct sockaddr *)(void *)&at, sizeof at) == 0);
    require(getsockname(fd, (struct sockaddr *)(void *)&at, &len) == 0);
    *port = ntohs(at.sin_port);
    return fd;
}
