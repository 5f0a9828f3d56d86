/* leak_track_test.c - the records: who acquired, who touched, who released, and when they are forgotten. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/core/leak.h>
#include <weir/testing.h>

/* Only addresses matter to the tracker. */
static const void *thing(int i) {
    return (const void *)((uintptr_t)0x10000 + (uintptr_t)i * 64);
}

/* What is printed, until the next call. */
static const char *text_of(void (*print)(FILE *out, const void *object), const void *object) {
    static char text[65536];
    FILE *out = fmemopen(text, sizeof text, "w");
    require(out != NULL);
    print(out, object);
    fclose(out);
    return text;
}

static void print_explanation(FILE *out, const void *object) {
    weir_leak_explain(object, out);
}

static void print_report(FILE *out, const void *object) {
    (void)object;
    weir_leak_report(out);
}

static bool explains(const void *object, const char *part) {
    return strstr(text_of(print_explanation, object), part) != NULL;
}

static int reported(const char *part) {
    const char *text = text_of(print_report, NULL);
    int times = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) times++;
    return times;
}

/* Runs `body` with tracking on and leaves it as it was. */
static void tracked(void (*body)(void)) {
    bool before = weir_leak_is_tracking();
    weir_leak_track(true);
    body();
    weir_leak_track(false);
    weir_leak_track(before);
}

static void live_and_die(void) {
    weir_leak_acquired(thing(1), "cup");
    expect(explains(thing(1), "cup 0x10040, alive\n  acquired at:\n    "));
    expect(!explains(thing(1), "released"));
    expect(weir_leak_released(thing(1)));
    expect(explains(thing(1), "cup 0x10040, released\n  acquired at:\n    "));
    expect(explains(thing(1), "  released at:\n    "));
}

WEIR_TEST(leak_track, remembers_acquire_and_release) {
    tracked(live_and_die);
}

static void touch_five_times(void) {
    static const char *const hints[] = {"first", "decoder", "router", "encoder", "writer"};
    weir_leak_acquired(thing(1), "cup");
    for (int i = 0; i < 5; i++) weir_leak_touched(thing(1), hints[i]);
    expect(!explains(thing(1), "touched by first"));
    expect(explains(thing(1), "  touched by decoder at:\n    "));
    const char *text = text_of(print_explanation, thing(1));
    const char *router = strstr(text, "router");
    const char *writer = strstr(text, "writer");
    expect(router != NULL && writer != NULL && router < writer);
}

WEIR_TEST(leak_track, remembers_the_last_four_touches_in_order) {
    tracked(touch_five_times);
}

static void release_twice(void) {
    weir_leak_track(true);
    weir_leak_acquired(thing(1), "cup");
    bool first = weir_leak_released(thing(1));
    bool second = weir_leak_released(thing(1));
    fprintf(stderr, "answers: %d %d\n", first, second);
    abort();
}

WEIR_TEST(leak_track, answers_a_second_release_with_both_sites) {
    expect_abort({ release_twice(); }, "cup 0x10040, released\n  acquired at:\n    ");
    expect_abort({ release_twice(); }, "  released at:\n    ");
    expect_abort({ release_twice(); }, "  released again at:\n    ");
    expect_abort({ release_twice(); }, "answers: 1 0\n");
}

static void use_an_address_again(void) {
    weir_leak_acquired(thing(1), "cup");
    weir_leak_touched(thing(1), "decoder");
    expect(weir_leak_released(thing(1)));
    weir_leak_acquired(thing(1), "jug");
    expect(explains(thing(1), "jug 0x10040, alive"));
    expect(!explains(thing(1), "decoder"));
    expect(weir_leak_released(thing(1)));
}

WEIR_TEST(leak_track, starts_anew_when_an_address_is_used_again) {
    tracked(use_an_address_again);
}

static void meet_unknown_objects(void) {
    weir_leak_touched(thing(2), "decoder");
    expect(weir_leak_released(thing(2)));
    expect(explains(thing(2), "nothing is known of object 0x10080"));
}

WEIR_TEST(leak_track, lets_objects_pass_that_were_born_before_it) {
    tracked(meet_unknown_objects);
}

static void leave_two_alive(void) {
    for (int i = 0; i < 3; i++) weir_leak_acquired(thing(i), "cup");
    weir_leak_released(thing(1));
    expect_eq(reported(", alive\n"), 2);
    expect_eq(reported("cup 0x10000, alive"), 1);
    expect_eq(reported("cup 0x10080, alive"), 1);
}

WEIR_TEST(leak_track, reports_every_living_object) {
    tracked(leave_two_alive);
}

WEIR_TEST(leak_track, forgets_all_when_switched_off) {
    bool before = weir_leak_is_tracking();
    weir_leak_track(true);
    expect(weir_leak_is_tracking());
    weir_leak_acquired(thing(1), "cup");
    weir_leak_acquired(thing(2), "cup");
    weir_leak_released(thing(2));
    weir_leak_track(false);
    expect(!weir_leak_is_tracking());
    expect(explains(thing(1), "nothing is known"));
    expect(explains(thing(2), "nothing is known"));
    expect_eq(reported("cup"), 0);
    weir_leak_track(before);
}

static void release_very_many(void) {
    enum {
        MANY = 20000
    };
    weir_leak_acquired(thing(0), "survivor");
    for (int i = 1; i <= MANY; i++) {
        weir_leak_acquired(thing(i), "cup");
        expect(weir_leak_released(thing(i)));
    }
    expect(explains(thing(0), "survivor"));
    expect(explains(thing(1), "nothing is known"));
    expect(explains(thing(MANY), "cup"));
}

WEIR_TEST(leak_track, drops_the_oldest_of_very_many_released) {
    tracked(release_very_many);
}

/* Started again with PROBE in its environment, this program only tells whether it is tracking. */
static __attribute__((constructor)) void answer_probe(void) {
    if (getenv("PROBE") != NULL) _exit(weir_leak_is_tracking() ? 1 : 0);
}

static int probe_with(char *setting) {
    char program[] = "/proc/self/exe";
    char probe[] = "PROBE=1";
    char *arguments[] = {program, NULL};
    char *environment[] = {probe, setting, NULL};
    pid_t pid = fork();
    require(pid >= 0);
    if (pid == 0) {
        execve(program, arguments, environment);
        _exit(99);
    }
    int ended = 0;
    require(waitpid(pid, &ended, 0) == pid);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

WEIR_TEST(leak_track, is_switched_by_the_environment_before_constructors_run) {
    char on[] = "WEIR_LEAK_TRACK=1";
    char off[] = "WEIR_LEAK_TRACK=0";
    expect_eq(probe_with(on), 1);
    expect_eq(probe_with(off), 0);
}
