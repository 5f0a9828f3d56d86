/* origin.h - an http or https URL as a request needs it: where to connect to, what to ask for, what to call it. */
#ifndef WEIR_GET_ORIGIN_H
#define WEIR_GET_ORIGIN_H

#include <stdbool.h>

#include <weir/codec/http_uri.h>

enum {
    ORIGIN_URL_MAX = 8000 /* what servers take for a request line */
};

struct origin {
    char url[ORIGIN_URL_MAX + 1];    /* absolute, without a fragment */
    char host[256], authority[272];  /* to connect to; with its port, for Host and for people */
    char target[ORIGIN_URL_MAX + 2]; /* "/path?query" */
    unsigned port;
    bool secure; /* https */
};

/* Reads `url`. Answers NULL, or why it cannot be fetched, as the end of a sentence. Borrows: url. */
const char *origin_read(struct origin *self, weir_bytes url);

/* Goes to where `location` points from here, but not from https to http; answers as origin_read. */
const char *origin_move(struct origin *self, weir_bytes location);

/* The last segment of the path, decoded, in `name`; false when there is none that can be a file's name. */
bool origin_name(const struct origin *self, char name[256]);

/* Both are one server's, so what is secret to one may be told to the other. */
bool origin_same(const struct origin *self, const struct origin *other);

#endif
