/* scripted_server.h - an HTTP server that says what a test wrote down: one connection, one answer. */
#ifndef TEST_SCRIPTED_SERVER_H
#define TEST_SCRIPTED_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    SCRIPT_TURNS_MAX = 16,
    SCRIPT_REQUEST_MAX = 8192
};

/* What one connection gets once its request is here. */
struct script_turn {
    const char *head; /* up to and with the empty line */
    const char *body; /* `length` bytes behind it; NULL: none */
    size_t length;
    bool echoes; /* the body is that of the request, behind `head` with Connection: close */
    bool holds;  /* stays open until the client is gone */
};

struct scripted_server {
    int listener;
    unsigned port;
    const struct script_turn *turns;
    size_t count;
    pthread_t thread;
    char requests[SCRIPT_TURNS_MAX][SCRIPT_REQUEST_MAX]; /* each with a NUL behind; read it after the end */
};

/* Opens a listener; its port is known from now on, so that turns may be written with it. */
void scripted_server_open(struct scripted_server *self);

/* Serves `count` connections, one after the other. Borrows: turns. */
void scripted_server_start(struct scripted_server *self, const struct script_turn *turns, size_t count);

/* Waits until the thread is gone; turns that were not taken are not waited for. */
void scripted_server_end(struct scripted_server *self);

#endif
