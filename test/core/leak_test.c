/* leak_test.c - live counts: exact over threads that come and go. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weir/core/leak.h>
#include <weir/testing.h>

enum {
    THREADS = 4,
    ROUNDS = 20000,
    MANY = 200
};

static int64_t pooled_elsewhere;

static int64_t count_elsewhere(void) {
    return pooled_elsewhere;
}

static weir_leak_counter apples = {.name = "apple"};
static weir_leak_counter pears = {.name = "pear", .elsewhere = count_elsewhere};
static weir_leak_counter plums = {.name = "plum"};
static weir_leak_counter many[MANY];

/* What a report to a stream says; to be freed. */
static char *report_text(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    require(out != NULL);
    weir_leak_report(out);
    fclose(out);
    return text;
}

WEIR_TEST(leak, counts_up_and_down) {
    expect_eq(weir_leak_live(&apples), 0);
    weir_leak_count(&apples, 1);
    weir_leak_count(&apples, 1);
    expect_eq(weir_leak_live(&apples), 2);
    weir_leak_count(&apples, -1);
    expect_eq(weir_leak_live(&apples), 1);
    weir_leak_count(&apples, -1);
    expect_eq(weir_leak_live(&apples), 0);
}

WEIR_TEST(leak, registers_once) {
    weir_leak_register(&plums);
    uint32_t slot = plums.slot;
    expect(slot != 0);
    weir_leak_register(&plums);
    weir_leak_count(&plums, 1);
    expect_eq(plums.slot, slot);
    weir_leak_count(&plums, -1);
    expect_eq(weir_leak_live(&plums), 0);
}

WEIR_TEST(leak, adds_what_is_counted_elsewhere) {
    weir_leak_count(&pears, 1);
    pooled_elsewhere = 5;
    expect_eq(weir_leak_live(&pears), 6);
    pooled_elsewhere = 0;
    weir_leak_count(&pears, -1);
    expect_eq(weir_leak_live(&pears), 0);
}

WEIR_TEST(leak, reports_a_line_for_each_kind_that_is_alive) {
    weir_leak_count(&apples, 1);
    weir_leak_count(&apples, 1);
    weir_leak_count(&pears, 1);
    weir_leak_register(&plums);
    expect_eq(weir_leak_report(NULL), 3);
    char *text = report_text();
    expect(strstr(text, "apple: 2\n") != NULL);
    expect(strstr(text, "pear: 1\n") != NULL);
    expect(strstr(text, "plum") == NULL);
    free(text);
    weir_leak_count(&apples, -1);
    weir_leak_count(&apples, -1);
    weir_leak_count(&pears, -1);
    expect_eq(weir_leak_report(NULL), 0);
}

WEIR_TEST(leak, counts_more_kinds_than_there_are_cells) {
    for (int i = 0; i < MANY; i++) {
        many[i].name = "one of many";
        weir_leak_count(&many[i], 1);
        weir_leak_count(&many[i], 1);
    }
    expect_eq(weir_leak_report(NULL), 2 * MANY);
    for (int i = 0; i < MANY; i++) {
        expect_eq(weir_leak_live(&many[i]), 2);
        weir_leak_count(&many[i], -1);
        weir_leak_count(&many[i], -1);
    }
    expect_eq(weir_leak_report(NULL), 0);
}

static void *count_some(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        weir_leak_count(&apples, 1);
        weir_leak_count(&pears, i % 2 == 0 ? 1 : -1);
    }
    return NULL;
}

static void on_threads(void *(*body)(void *)) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) require(pthread_create(&threads[i], NULL, body, NULL) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

static pthread_barrier_t started, counted, looked;

static void *count_without_a_cell(void *arg) {
    (void)arg;
    weir_leak_count(&many[MANY - 1], 1);
    pthread_barrier_wait(&started);
    for (int i = 0; i < ROUNDS; i++) weir_leak_count(&many[MANY - 1], 1);
    for (int i = 0; i <= ROUNDS; i++) weir_leak_count(&many[MANY - 1], -1);
    return NULL;
}

WEIR_TEST(leak, counts_kinds_without_a_cell_from_several_threads) {
    for (int i = 0; i < MANY; i++) {
        many[i].name = "one of many";
        weir_leak_register(&many[i]);
    }
    pthread_barrier_init(&started, NULL, THREADS);
    on_threads(count_without_a_cell);
    pthread_barrier_destroy(&started);
    expect_eq(weir_leak_live(&many[MANY - 1]), 0);
}

static void *uncount_some(void *arg) {
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) weir_leak_count(&apples, -1);
    return NULL;
}

WEIR_TEST(leak, keeps_the_counts_of_threads_that_ended) {
    on_threads(count_some);
    expect_eq(weir_leak_live(&apples), THREADS * ROUNDS);
    expect_eq(weir_leak_live(&pears), 0);
    on_threads(uncount_some);
    expect_eq(weir_leak_live(&apples), 0);
}

static void *count_and_stay(void *arg) {
    (void)arg;
    weir_leak_count(&apples, 1);
    pthread_barrier_wait(&counted);
    pthread_barrier_wait(&looked);
    weir_leak_count(&apples, -1);
    return NULL;
}

WEIR_TEST(leak, sums_over_threads_that_are_running) {
    pthread_barrier_init(&counted, NULL, THREADS + 1);
    pthread_barrier_init(&looked, NULL, THREADS + 1);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) require(pthread_create(&threads[i], NULL, count_and_stay, NULL) == 0);
    pthread_barrier_wait(&counted);
    expect_eq(weir_leak_live(&apples), THREADS);
    pthread_barrier_wait(&looked);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    expect_eq(weir_leak_live(&apples), 0);
    pthread_barrier_destroy(&counted);
    pthread_barrier_destroy(&looked);
}

static void *look(void *arg) {
    (void)arg;
    for (int i = 0; i < 200; i++) {
        weir_leak_count(&plums, 1);
        weir_leak_report(NULL);
        weir_leak_count(&plums, -1);
    }
    return NULL;
}

WEIR_TEST(leak, may_be_asked_while_others_count) {
    on_threads(look);
    expect_eq(weir_leak_live(&plums), 0);
}

static pthread_key_t late_key;

static void count_late(void *rounds_left) {
    weir_leak_count(&apples, 1);
    int *left = rounds_left;
    if (--*left > 0) pthread_setspecific(late_key, rounds_left);
}

static void *end_with_late_counts(void *arg) {
    weir_leak_count(&apples, 1);
    pthread_setspecific(late_key, arg);
    return NULL;
}

WEIR_TEST(leak, counts_what_other_destructors_of_an_ending_thread_do) {
    int rounds = 3;
    pthread_t thread;
    require(pthread_key_create(&late_key, count_late) == 0);
    require(pthread_create(&thread, NULL, end_with_late_counts, &rounds) == 0);
    pthread_join(thread, NULL);
    expect_eq(rounds, 0);
    expect_eq(weir_leak_live(&apples), 4);
    for (int i = 0; i < 4; i++) weir_leak_count(&apples, -1);
    pthread_key_delete(late_key);
}
