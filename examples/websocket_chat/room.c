/* room.c - rooms in a list behind one lock: a broadcast posts to other loops and holds it for microseconds.
 *
 * The lock is recursive because a broadcast may find a member that has just failed, whose end leaves the room.
 */
#include "room.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MOST = 64
};

struct room {
    room *next;
    char name[NAME_MOST];
    size_t name_length;
    unsigned members;
    room_rules rules;
    weir_channel_group *group;
    unsigned said;                      /* lines, ever */
    weir_websocket_prepared *history[]; /* the last `rules.history` of them, in a ring */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock;
static room *rooms;

static void make_lock(void) {
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
}

static room *find(weir_bytes name) {
    room *self = rooms;
    while (self != NULL && !weir_bytes_equal(weir_bytes_of(self->name, self->name_length), name))
        self = self->next;
    return self;
}

static room *make(weir_bytes name, const room_rules *rules) {
    room *self = calloc(1, sizeof *self + rules->history * sizeof(weir_obj *));
    if (self == NULL) return NULL;
    self->group = weir_channel_group_new();
    if (self->group == NULL) {
        free(self);
        return NULL;
    }
    memcpy(self->name, name.ptr, name.len);
    self->name_length = name.len;
    self->rules = *rules;
    self->next = rooms;
    rooms = self;
    return self;
}

static void unmake(room *self) {
    room **link = &rooms;
    while (*link != self) link = &(*link)->next;
    *link = self->next;
    for (unsigned i = 0; i < self->rules.history; i++) weir_obj_release(self->history[i]);
    weir_channel_group_release(self->group);
    free(self);
}

static void show_history(const room *self, weir_channel *channel) {
    unsigned n = self->rules.history, first = self->said > n ? self->said - n : 0;
    for (unsigned i = first; i < self->said && n != 0; i++) {
        weir_channel_write(channel, weir_obj_retain(self->history[i % n]), NULL);
    }
}

static room *join(weir_bytes name, weir_channel *channel, const room_rules *rules) {
    room *self = find(name);
    if (self == NULL) self = make(name, rules);
    if (self == NULL) return NULL;
    self->members++;
    show_history(self, channel);
    if (weir_channel_group_add(self->group, channel) == WEIR_OK) return self;
    room_leave(self, channel, NULL);
    return NULL;
}

room *room_join(weir_bytes name, weir_channel *channel, const room_rules *rules) {
    pthread_once(&once, make_lock);
    pthread_mutex_lock(&lock);
    room *self = join(weir_bytes_sub(name, 0, NAME_MOST), channel, rules);
    pthread_mutex_unlock(&lock);
    return self;
}

static void keep(room *self, weir_websocket_prepared *line) {
    if (self->rules.history != 0) {
        weir_websocket_prepared **place = &self->history[self->said % self->rules.history];
        weir_obj_release(*place);
        *place = weir_obj_retain(line);
    }
    self->said++;
}

/* Takes: line. */
static void say(room *self, weir_buf *line) {
    weir_websocket_prepared *prepared = weir_websocket_prepared_new(WEIR_WEBSOCKET_TEXT, line);
    if (prepared == NULL) return;
    weir_broadcast_options options = {.skip_unwritable = self->rules.skip_unwritable};
    keep(self, prepared);
    weir_channel_group_write(self->group, prepared, &options, NULL);
}

void room_say(room *self, weir_buf *line) {
    pthread_mutex_lock(&lock);
    say(self, line);
    pthread_mutex_unlock(&lock);
}

void room_leave(room *self, weir_channel *channel, weir_buf *line) {
    pthread_mutex_lock(&lock);
    weir_channel_group_remove(self->group, channel);
    say(self, line);
    if (--self->members == 0) unmake(self);
    pthread_mutex_unlock(&lock);
}
