/* fd_message.c - a descriptor with an owner. */
#include <weir/transport/fd_message.h>

#include <unistd.h>

#include <weir/core/alloc.h>

struct weir_fd_message {
    weir_obj obj;
    int fd;
};

static void free_message(weir_obj *obj) {
    weir_fd_message *self = (weir_fd_message *)(void *)obj;
    if (self->fd >= 0) close(self->fd);
    weir_alloc_release(NULL, self);
}

/* Not 0: what has no size leaves a queue with what is before it. */
static uint64_t size_of_message(const weir_obj *obj) {
    (void)obj;
    return 1;
}

static weir_leak_counter living = {.name = "fd_message"};

const weir_obj_type weir_fd_message_type = {
    .name = "fd_message", .free = free_message, .size = size_of_message, .live = &living};

weir_fd_message *weir_fd_message_new(int fd) {
    WEIR_CHECK(fd >= 0, "%d is not a descriptor", fd);
    weir_fd_message *self = weir_alloc_acquire(NULL, sizeof *self);
    if (self == NULL) {
        close(fd);
        return NULL;
    }
    self->fd = fd;
    weir_obj_init(&self->obj, &weir_fd_message_type);
    return self;
}

int weir_fd_message_fd(const weir_fd_message *message) {
    return message->fd;
}

int weir_fd_message_take(weir_fd_message *message) {
    int fd = message->fd;
    message->fd = -1;
    return fd;
}
