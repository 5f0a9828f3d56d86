/* visitor.h - HTTP in a storm: a site, and clients that keep their connection for a few requests.
 *
 *     GET  /OFFSET/LENGTH                  -->  200, that piece of the storm's file, from memory or from the file
 *     POST /OFFSET/LENGTH, and that piece  -->  the same, when all of it has come as it should
 *
 * A response that came whole has the right status and the right bytes; one that did not is told as a failure.
 */
#ifndef WEIR_TEST_VISITOR_H
#define WEIR_TEST_VISITOR_H

#include <weir/codec/http_message.h>

#include "storm.h"

typedef struct visitor_wish {
    uint64_t offset, length;
} visitor_wish;

/* A kind of visitor. Each function may be NULL; those that build have the storm as their argument. */
typedef struct visitor_kind {
    const char *name;
    weir_build_fn *build_front;  /* between the wire and HTTP */
    weir_build_fn *build_behind; /* between HTTP and the visitor */
    /* Adds fields to the request. Gives: the body of one that posts. With it every other one does. */
    weir_buf *(*dress)(storm *world, weir_http_request *request, const visitor_wish *wished, bool posts);
} visitor_kind;

/* One more visitor of the storm's own server. */
void visitor_begin(storm *world, const visitor_kind *kind);

/* The site, behind HTTP and what stands between. */
weir_status visitor_site_add(weir_pipeline *pipeline, storm *world);

#endif
