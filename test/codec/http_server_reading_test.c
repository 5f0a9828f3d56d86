/* http_server_reading_test.c - a server whose handler reads no further for a while. */
#include <weir/codec/http_server.h>
#include <weir/testing.h>

#include "codec/http_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(n) "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " n "\r\n\r\n"

static http_rig rig;

WEIR_TEST(http_server_reading, leaves_reading_off_that_was_switched_off_while_another_request_waited) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/a") POST("6") "ab");
    weir_channel_set_reading(rig.channel, false);
    http_rig_head(&rig, 200, "0");
    http_rig_finish(&rig);
    http_rig_send(&rig, "cd");
    expect(http_rig_saw(&rig, "GET /a\nend\nPOST /\nbody 2 \"ab\"\n"));
    weir_channel_set_reading(rig.channel, true);
    weir_embedded_run(rig.embedded);
    expect(http_rig_saw(&rig, "body 2 \"cd\"\n"));
    http_rig_end(&rig);
}
