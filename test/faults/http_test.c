/* http_test.c - HTTP on connections that are kept, in a storm of failing calls. */
#include <weir/codec/http_server.h>
#include <weir/testing.h>

#include "visitor.h"

enum {
    USUAL_FAULTS = 7000
};

static weir_status build_site(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_account(pipeline, arg);
    if (status == WEIR_OK) status = weir_http_server_add(pipeline, NULL);
    return status == WEIR_OK ? visitor_site_add(pipeline, arg) : status;
}

static void begin_visit(storm *world) {
    static const visitor_kind plain = {.name = "http"};
    visitor_begin(world, &plain);
}

WEIR_TEST(http, an_answer_comes_whole_or_its_failure_is_told) {
    storm it = {.begin_one = begin_visit, .build_own = build_site};
    storm_run(&it, fault_goal(USUAL_FAULTS));
}
