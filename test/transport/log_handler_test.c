/* log_handler_test.c - one line for every event that passes, with the channel's number in front. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "actor.h"
#include "channel/channel_internal.h"

static trail lines;

static void keep_line(void *arg, weir_log_level level, const char *subject, const char *text) {
    (void)arg;
    (void)level;
    if (strcmp(subject, "channel") == 0) trail_add(&lines, "%s", text);
}

static weir_embedded *logged(bool dump) {
    lines.length = 0;
    weir_log_set_sink(keep_line, NULL);
    weir_log_set_level(WEIR_LOG_INFO);
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    require(e != NULL);
    expect_status(weir_log_handler_add(weir_embedded_pipeline(e), WEIR_LOG_INFO, dump), WEIR_OK);
    return e;
}

static void unlogged(void) {
    weir_log_set_sink(NULL, NULL);
    weir_log_set_level(WEIR_LOG_WARN);
}

/* Each line begins with the number; the rest must be this. */
static void expect_lines(weir_embedded *e, const char *expected) {
    char number[32], rest[4000] = "";
    snprintf(number, sizeof number, "%" PRIu64 " ", weir_channel_id(weir_embedded_channel(e)));
    lines.text[lines.length] = '\0';
    for (char *line = lines.text, *next; *line != '\0'; line = next) {
        next = strchr(line, '\n') + 1;
        expect(strncmp(line, number, strlen(number)) == 0);
        line += strlen(number);
        strncat(rest, line, (size_t)(next - line));
    }
    expect_str(rest, expected);
    lines.length = 0;
}

WEIR_TEST(log_handler, writes_a_line_for_each_of_the_events) {
    weir_embedded *e = logged(false);
    static const actor_slot slots[] = {ACTOR_ACTIVE, ACTOR_READ_COMPLETE, ACTOR_EVENT, ACTOR_WRITABLE_CHANGED,
                                       ACTOR_WRITE,  ACTOR_FLUSH,         ACTOR_PULL};
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        fire_through(weir_embedded_pipeline(e), slots[i]);
    }
    weir_embedded_feed_bytes(e, "hello", 5);
    weir_channel_shutdown(weir_embedded_channel(e), NULL);
    expect_lines(e, "active\nread_complete\nevent some\nwritable again\nwrite buf of 0 bytes\nflush\npull\n"
                    "read buf of 5 bytes\nread_complete\nshutdown\n");
    weir_channel_close(weir_embedded_channel(e), NULL);
    weir_channel_abort(weir_embedded_channel(e), WEIR_E_LIMIT);
    weir_embedded_run(e);
    expect_lines(e, "close\nabort\ninactive\nremoved\n");
    weir_embedded_free(e);
    unlogged();
}

WEIR_TEST(log_handler, names_what_went_wrong) {
    weir_embedded *e = logged(false);
    weir_log_set_level(WEIR_LOG_INFO);
    actor keeper = {.name = "keeper", .keeps = true};
    actor_add(&keeper, weir_embedded_pipeline(e));
    weir_ctx_fail(&weir_embedded_pipeline(e)->ends, WEIR_E_LIMIT, "test");
    expect_lines(e, "error WEIR_E_LIMIT: a configured limit was reached\n");
    weir_embedded_free(e);
    unlogged();
}

WEIR_TEST(log_handler, shows_the_bytes_when_told_to_but_not_all_of_many) {
    weir_embedded *e = logged(true);
    weir_embedded_feed_bytes(e, "hello", 5);
    lines.text[lines.length] = '\0';
    expect(strstr(lines.text, "68 65 6c 6c 6f") != NULL);
    lines.length = 0;
    static char many[5000];
    weir_embedded_feed_bytes(e, many, sizeof many);
    lines.text[lines.length] = '\0';
    expect(strstr(lines.text, "read buf of 5000 bytes") != NULL);
    size_t count = 0;
    for (size_t i = 0; i < lines.length; i++) count += lines.text[i] == '\n';
    expect(count > 60 && count < 80);
    weir_embedded_free(e);
    unlogged();
}

WEIR_TEST(log_handler, says_nothing_below_the_level_that_is_set) {
    weir_embedded *e = logged(true);
    weir_log_set_level(WEIR_LOG_ERROR);
    weir_embedded_feed_bytes(e, "hello", 5);
    expect_eq(lines.length, 0);
    weir_embedded_free(e);
    expect_eq(lines.length, 0);
    unlogged();
}
