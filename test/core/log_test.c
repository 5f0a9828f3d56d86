/* log_test.c - levels, the sink, and lines nobody can forge. */
#include <stdlib.h>
#include <string.h>

#include <weir/core/log.h>
#include <weir/testing.h>

struct heard {
    int lines;
    weir_log_level level;
    char subject[40];
    char text[1100];
};

static void hear(void *arg, weir_log_level level, const char *subject, const char *text) {
    struct heard *heard = arg;
    heard->lines++;
    heard->level = level;
    snprintf(heard->subject, sizeof heard->subject, "%s", subject);
    snprintf(heard->text, sizeof heard->text, "%s", text);
}

static void listen(struct heard *heard) {
    weir_log_set_sink(hear, heard);
}

static void stop_listening(void) {
    weir_log_set_sink(NULL, NULL);
    weir_log_set_level(WEIR_LOG_WARN);
}

/* The environment is read once in a process: these go first, each in a child of its own. */
static void start_with(const char *level) {
    setenv("WEIR_LOG", level, 1);
    for (int i = WEIR_LOG_DEBUG; i < WEIR_LOG_OFF; i++) weir_log((weir_log_level)i, "test", "line %d", i);
    fprintf(stderr, "end\n");
    abort();
}

WEIR_TEST(log, reads_its_first_level_from_the_environment) {
    expect_abort({ start_with("info"); },
                 "weir info test: line 1\nweir warn test: line 2\nweir error test: line 3\n");
    expect_abort({ start_with("error"); }, "weir error test: line 3\nend");
    expect_abort({ start_with("nonsense"); }, "weir warn test: line 2\nweir error test: line 3\nend");
}

WEIR_TEST(log, is_silent_when_off_and_complete_at_debug) {
    expect_abort({ start_with("debug"); }, "weir debug test: line 0\nweir info test: line 1\n");
    expect_abort(
        {
            fprintf(stderr, "start ");
            start_with("off");
        },
        "start end\n");
}

WEIR_TEST(log, tells_the_sink_what_reaches_the_level) {
    struct heard heard = {0};
    listen(&heard);
    weir_log_set_level(WEIR_LOG_INFO);
    weir_log(WEIR_LOG_DEBUG, "pool", "too low");
    expect_eq(heard.lines, 0);
    weir_log(WEIR_LOG_ERROR, "channel", "%s after %d bytes", "reset", 7);
    expect_eq(heard.lines, 1);
    expect_eq(heard.level, WEIR_LOG_ERROR);
    expect_str(heard.subject, "channel");
    expect_str(heard.text, "reset after 7 bytes");
    stop_listening();
}

WEIR_TEST(log, answers_which_levels_are_on) {
    weir_log_set_level(WEIR_LOG_ERROR);
    expect(!weir_log_is_on(WEIR_LOG_WARN));
    expect(weir_log_is_on(WEIR_LOG_ERROR));
    weir_log_set_level(WEIR_LOG_OFF);
    expect(!weir_log_is_on(WEIR_LOG_ERROR));
    expect(!weir_log_is_on(WEIR_LOG_OFF));
    stop_listening();
}

WEIR_TEST(log, keeps_a_thousand_characters_and_cuts_the_next) {
    struct heard heard = {0};
    char text[1500];
    memset(text, 'x', sizeof text);
    listen(&heard);
    weir_log(WEIR_LOG_ERROR, "test", "%.*s", 1000, text);
    expect_eq(strlen(heard.text), 1000);
    expect_eq(heard.text[999], 'x');
    weir_log(WEIR_LOG_ERROR, "test", "%.*s", 1001, text);
    expect_eq(strlen(heard.text), 1000);
    expect_str(heard.text + 995, "xx...");
    stop_listening();
}

WEIR_TEST(log, does_not_cut_a_character_in_half) {
    struct heard heard = {0};
    char text[1500];
    memset(text, 'x', sizeof text);
    memcpy(text + 995, "\xe2\x82\xac", 3); /* a euro sign over the place where the dots begin */
    listen(&heard);
    weir_log(WEIR_LOG_ERROR, "test", "%.*s", 1200, text);
    expect_str(heard.text + 993, "xx...");
    stop_listening();
}

WEIR_TEST(log, blanks_control_characters) {
    struct heard heard = {0};
    listen(&heard);
    weir_log(WEIR_LOG_ERROR, "test", "a\nweir error b: c\r\x1b\x7f d");
    expect_str(heard.text, "a weir error b: c    d");
    stop_listening();
}

WEIR_TEST(log, writes_one_line_to_stderr_by_default) {
    expect_abort(
        {
            weir_log_set_sink(NULL, NULL);
            weir_log(WEIR_LOG_ERROR, "server", "stopped %s", "hard");
            abort();
        },
        "weir error server: stopped hard\n");
}
