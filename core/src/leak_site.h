/* leak_site.h - a place in the program: the calls that led to it. Internal to core. */
#ifndef WEIR_CORE_LEAK_SITE_H
#define WEIR_CORE_LEAK_SITE_H

#include <stdio.h>

enum {
    LEAK_SITE_FRAMES = 12
};

typedef struct leak_site {
    void *frames[LEAK_SITE_FRAMES];
    int count;
} leak_site;

/* Where its caller was called from. */
void leak_site_capture(leak_site *self);

/* A line for each call, innermost first: "    name+offset (file+offset for addr2line)". */
void leak_site_print(const leak_site *self, FILE *out);

#endif
