/* http_site.h - a folder, an HTTP file server over it, and whole conversations with that. */
#ifndef TEST_HTTP_SITE_H
#define TEST_HTTP_SITE_H

#include "place.h"
#include "program.h"

enum {
    SITE_ROOM = 6 << 20
};

struct site {
    struct place place;
    struct program server;
    unsigned port;
};

/* What was answered last, with a NUL behind; what site_load has read last. */
extern char site_reply[SITE_ROOM + 1], site_content[SITE_ROOM + 1];

/* A server over a folder that the shell command `fill` fills. `more`, `value`: options, or NULL. */
void site_open(struct site *self, const char *fill, const char *more, const char *value);
/* Ends both; the server must end with 0. */
void site_close(struct site *self);

/* Sends a request and the end of the stream, and waits for the server's. Answers the bytes of the reply. */
size_t site_ask_bytes(const struct site *self, const char *request, size_t n);
size_t site_ask(const struct site *self, const char *method, const char *path, const char *fields);

/* Of the last reply. Until: the next call. */
unsigned site_status(void);
const char *site_body(void);
bool site_says(const char *text);
const char *site_field(const char *name);

/* Reads a file of the folder. Answers its size. */
size_t site_load(struct site *self, const char *name);

#endif
