/* fuzz_args.c - the command line of the examples: any words in any order are either taken or refused by one sentence
 * and exit code 2 (--help: 0). The linker gives us exit(), so that a refusal does not end the process.
 */
#include <setjmp.h>
#include <string.h>

#include "common/args.h"
#include "fuzz/fuzz.h"

enum {
    WORDS_MOST = 24,
    SIZE_MOST = 1000
};

static struct {
    bool is_on;
    jmp_buf way_out;
} running;

WEIR_NORETURN void __real_exit(int code); // NOLINT(bugprone-reserved-identifier): the linker's name
WEIR_NORETURN void __wrap_exit(int code); // NOLINT(bugprone-reserved-identifier)

void __wrap_exit(int code) { // NOLINT(bugprone-reserved-identifier)
    if (!running.is_on) __real_exit(code);
    longjmp(running.way_out, code + 1);
}

static void parse(int argc, char **argv) {
    bool flag = false;
    const char *text = "text";
    args_list list = {0};
    unsigned number = 5, choice = 0;
    uint64_t size = 5;
    const args_option options[] = {{"--flag", NULL, "a flag", .flag = &flag},
                                   {"--text", "TEXT", "a text", .text = &text},
                                   {"--list", "TEXT", "texts", .list = &list},
                                   {"-n", "N", "a number", .number = &number, .min = 3, .max = 900},
                                   {"--any", "N", "any number", .number = &number},
                                   {"--size", "BYTES", "a size", .size = &size},
                                   {"--way", "auto|copy|map", "a choice", .choice = &choice},
                                   {0}};
    int given = argc;
    args_parse(&argc, argv, "A program.", "HOST PATH...", options);
    MUST(argc >= 3 && argc <= given && argv[argc] == NULL);
    MUST(choice < 3 && list.count <= ARGS_LIST_MAX && text != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *argv[WORDS_MOST + 2] = {"program"};
    int argc = 1;
    if (size > SIZE_MOST) return 0;
    char *words = malloc(size + 1);
    MUST(words != NULL);
    if (size > 0) memcpy(words, data, size);
    words[size] = '\0';
    for (char *rest = words; rest < words + size && argc <= WORDS_MOST; rest += strlen(rest) + 1) {
        rest[strcspn(rest, "\n")] = '\0';
        argv[argc++] = rest;
    }
    FILE *said = stderr, *helped = stdout;
    stderr = stdout = fopen("/dev/null", "w");
    MUST(stderr != NULL);
    running.is_on = true;
    int left = setjmp(running.way_out);
    if (left == 0) parse(argc, argv);
    running.is_on = false;
    fclose(stderr);
    stderr = said;
    stdout = helped;
    MUST(left == 0 || left == 1 || left == 3);
    free(words);
    return 0;
}
