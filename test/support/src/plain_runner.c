/* plain_runner.c - a main that runs the registered tests one after the other in this process.
 *
 * Compiled in where Criterion is not: it needs nothing but libc. WEIR_TEST_SKIP in the environment has the names
 * (suite/name) of tests to be left out, with spaces between them.
 */
#include <weir/testing/test.h>

#ifdef WEIR_TEST_PLAIN_RUNNER

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static weir_test *first;
static weir_test **end = &first;

void weir_test_register(weir_test *self) {
    *end = self;
    end = &self->next;
}

static bool is_wanted(const weir_test *test, const char *pattern) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", test->suite, test->name);
    return fnmatch(pattern, path, 0) == 0;
}

static bool is_skipped(const weir_test *test) {
    const char *list = getenv("WEIR_TEST_SKIP");
    char line[2000], name[400];
    if (list == NULL) return false;
    snprintf(line, sizeof line, " %s ", list);
    snprintf(name, sizeof name, " %s/%s ", test->suite, test->name);
    return strstr(line, name) != NULL;
}

static int list_tests(void) {
    for (weir_test *test = first; test != NULL; test = test->next) printf("%s/%s\n", test->suite, test->name);
    return 0;
}

static int run_tests(const char *pattern) {
    int passed = 0;
    int failed = 0;
    for (weir_test *test = first; test != NULL; test = test->next) {
        if (!is_wanted(test, pattern)) continue;
        if (is_skipped(test)) {
            printf("skip %s/%s\n", test->suite, test->name);
            continue;
        }
        bool held = weir_test_run(test);
        *(held ? &passed : &failed) += 1;
        printf("%s %s/%s\n", held ? "ok  " : "FAIL", test->suite, test->name);
        fflush(stdout);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc == 1) return run_tests("*");
    if (argc == 2 && strcmp(argv[1], "--list") == 0) return list_tests();
    if (argc == 3 && strcmp(argv[1], "--filter") == 0) return run_tests(argv[2]);
    if (argc == 2 && strncmp(argv[1], "--filter=", 9) == 0) return run_tests(argv[1] + 9);
    fprintf(stderr, "usage: %s [--list | --filter PATTERN]\n", argv[0]);
    return 2;
}

#endif
