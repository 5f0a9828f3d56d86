/* uv_adopt.c - a connected socket of the caller's becomes a channel: looked at in the calling thread, opened on the
 * loop. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/transport/adopt.h>

#include "loop/promise_internal.h"
#include "uv/uv_opening.h"

typedef struct adopted {
    uv_channel uv; /* first: it is freed through it */
    weir_channel_options options;
    weir_build_fn *build;
    void *build_arg;
    weir_promise *promise;
    uv_opening opening;
    int fd; /* until the channel has it */
} adopted;

static adopted *adopted_of(uv_channel *self) {
    return WEIR_CONTAINER(self, adopted, uv);
}

/* ---- what it is ---- */

static weir_status get_option(int fd, int name, int *value) {
    socklen_t len = sizeof *value;
    return getsockopt(fd, SOL_SOCKET, name, value, &len) == 0 ? WEIR_OK : weir_status_from_errno(errno);
}

static weir_status refuse(int fd, weir_status status, const char *why) {
    weir_log(WEIR_LOG_ERROR, "adopt", "descriptor %d cannot become a channel: %s", fd, why);
    return status;
}

static weir_status check(int fd, weir_addr *peer) {
    int type, family, listens;
    weir_status status = get_option(fd, SO_TYPE, &type);
    if (status == -ENOTSOCK) return refuse(fd, WEIR_E_UNSUPPORTED, "it is not a socket");
    if (status == WEIR_OK) status = get_option(fd, SO_DOMAIN, &family);
    if (status == WEIR_OK) status = get_option(fd, SO_ACCEPTCONN, &listens);
    if (status != WEIR_OK) return refuse(fd, status, weir_status_text(status));
    if (type != SOCK_STREAM || (family != AF_INET && family != AF_INET6 && family != AF_UNIX))
        return refuse(fd, WEIR_E_UNSUPPORTED, "it is neither a TCP nor a unix stream socket");
    if (listens != 0) return refuse(fd, WEIR_E_INVALID, "it listens");
    peer->len = sizeof peer->as;
    if (getpeername(fd, &peer->as.sa, &peer->len) == 0) return WEIR_OK;
    return refuse(fd, weir_status_from_errno(errno), "it is not connected");
}

static weir_status make_ours(int fd) {
    int flags = fcntl(fd, F_GETFL);
    bool done =
        flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
    return done ? WEIR_OK : weir_status_from_errno(errno);
}

/* ---- on the loop ---- */

static void settle(adopted *self, weir_status status, bool tell) {
    weir_promise *promise = self->promise;
    self->promise = NULL;
    if (promise != NULL) {
        weir_promise_complete(promise, status);
    } else if (tell) {
        weir_ctx_fire_error(&self->uv.channel.pipeline.ends,
                            &(weir_error){.status = status, .what = "adopt"});
    }
}

static void settle_unopened(uv_channel *uv) {
    adopted *self = adopted_of(uv);
    if (self->fd >= 0) close(self->fd);
    settle(self, uv->channel.cause, false);
}

void uv_adopt_close_unopened(uv_channel *self) {
    uv_opening_close(&adopted_of(self)->opening);
}

static weir_status attach(adopted *self) {
    int fd = self->fd;
    self->fd = -1;
    weir_status status =
        net_configure(fd, self->uv.channel.remote.sa.sa_family, NET_CONNECTED, &self->options);
    if (status != WEIR_OK) {
        close(fd);
        return status;
    }
    uv_channel_attach(&self->uv, fd);
    return WEIR_OK;
}

static void begin(uv_channel *uv) {
    adopted *self = adopted_of(uv);
    weir_channel *channel = &uv->channel;
    weir_status status = channel_open(channel, self->build, self->build_arg);
    if (status == WEIR_OK && channel_is_open(channel)) {
        status = attach(self);
        if (status != WEIR_OK) channel_abort_now(channel, status);
    }
    if (!channel_is_open(channel)) {
        if (status != WEIR_OK) settle(self, status, true);
        return;
    }
    settle(self, WEIR_OK, false);
    if (!channel_is_open(channel)) return;
    channel_wire_active(channel);
    uv_channel_arm(uv);
}

/* ---- beginning ---- */

static weir_channel *open_on_loop(weir_loop *loop, int fd, const weir_addr *peer, const adopted *with) {
    adopted *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL) {
        close(fd);
        promise_complete_anywhere(with->promise, WEIR_E_NO_MEMORY);
        return NULL;
    }
    *self = *with;
    self->fd = fd;
    uv_channel_init(&self->uv, loop, peer->as.sa.sa_family, &self->options, NULL);
    self->uv.is_adopted = true;
    channel_note_remote(&self->uv.channel, &peer->as.sa);
    self->opening = (uv_opening){.begin = begin, .settle = settle_unopened};
    weir_channel *channel = weir_channel_retain(&self->uv.channel);
    weir_status status = uv_opening_post(&self->opening, &self->uv);
    if (status == WEIR_OK) return channel;
    weir_channel_release(channel);
    weir_channel_release(channel);
    close(fd);
    promise_complete_anywhere(with->promise, status);
    return NULL;
}

weir_channel *weir_channel_adopt(weir_loop *loop, int fd, const weir_channel_options *options,
                                 weir_build_fn *build, void *build_arg, weir_promise *promise) {
    adopted with = {.build = build, .build_arg = build_arg, .promise = promise};
    weir_addr peer = {0};
    weir_status status = channel_options_resolve(options, &with.options);
    if (status == WEIR_OK) status = check(fd, &peer);
    if (status == WEIR_OK) status = make_ours(fd);
    if (status == WEIR_OK) return open_on_loop(loop, fd, &peer, &with);
    if (fd >= 0) close(fd);
    promise_complete_anywhere(promise, status);
    return NULL;
}
