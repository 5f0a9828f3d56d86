/* args.c - the table of options against argv, and --help out of the same table. */
#include "common/args.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/core/bytes.h>

static const char *program = "example";

static void print_complaint(const char *format, va_list values) {
    fprintf(stderr, "%s: ", program);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
}

int complain(const char *format, ...) {
    va_list values;
    va_start(values, format);
    print_complaint(format, values);
    va_end(values);
    return 1;
}

void complain_usage(const char *format, ...) {
    va_list values;
    va_start(values, format);
    print_complaint(format, values);
    va_end(values);
    exit(2);
}

static void print_default(const args_option *option) {
    if (option->text != NULL && *option->text != NULL) printf(" (%s)", *option->text);
    if (option->number != NULL) printf(" (%u)", *option->number);
    if (option->size != NULL) printf(" (%llu)", (unsigned long long)*option->size);
    if (option->choice != NULL) {
        weir_bytes words = weir_bytes_str(option->hint), word = {0};
        for (unsigned i = 0; i <= *option->choice; i++) weir_bytes_split(&words, '|', &word);
        printf(" (%.*s)", (int)word.len, (const char *)word.ptr);
    }
}

static void print_help(const char *about, const char *operands, const args_option *options) {
    printf("%s\n\nusage: %s [options]%s%s\n\n", about, program, *operands == '\0' ? "" : " ", operands);
    for (const args_option *option = options; option->name != NULL; option++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", option->name, option->hint == NULL ? "" : option->hint);
        printf("  %-34s %s", left, option->help);
        print_default(option);
        putchar('\n');
    }
    printf("  %-34s %s\n", "--help", "this text");
}

/* 12, 64K, 1M, 2G. */
static bool parse_size(weir_bytes text, uint64_t *out) {
    static const char units[] = "kKmMgG";
    const char *unit = text.len < 2 ? NULL : memchr(units, text.ptr[text.len - 1], sizeof units - 1);
    unsigned shift = unit == NULL ? 0 : 10 * (1 + (unsigned)(unit - units) / 2);
    if (unit != NULL) text.len--;
    if (!weir_bytes_to_u64(text, out) || *out > UINT64_MAX >> shift) return false;
    *out <<= shift;
    return true;
}

static void set_choice(const args_option *option, const char *value) {
    weir_bytes words = weir_bytes_str(option->hint), word;
    for (unsigned i = 0; weir_bytes_split(&words, '|', &word); i++) {
        if (!weir_bytes_equal_str(word, value)) continue;
        *option->choice = i;
        return;
    }
    complain_usage("%s must be one of %s, not '%s'", option->name, option->hint, value);
}

static void set_amount(const args_option *option, const char *value) {
    uint64_t most = option->number != NULL ? UINT_MAX : UINT64_MAX, amount = 0;
    if (option->max != 0) most = option->max;
    bool parsed = option->size != NULL ? parse_size(weir_bytes_str(value), &amount)
                                       : weir_bytes_to_u64(weir_bytes_str(value), &amount);
    if (!parsed || amount < option->min || amount > most) {
        complain_usage("%s must be a number from %llu to %llu, not '%s'", option->name,
                       (unsigned long long)option->min, (unsigned long long)most, value);
    }
    if (option->size != NULL) *option->size = amount;
    if (option->number != NULL) *option->number = (unsigned)amount;
}

/* The option that `word` names, as "--port" or "--port=80"; `*value` is then what follows the '='. */
static const args_option *find_option(const args_option *options, const char *word, const char **value) {
    size_t length = strcspn(word, "=");
    for (const args_option *option = options; option->name != NULL; option++) {
        if (strlen(option->name) != length || memcmp(option->name, word, length) != 0) continue;
        *value = word[length] == '=' ? word + length + 1 : NULL;
        return option;
    }
    complain_usage("unknown option '%.*s'; --help lists them", (int)length, word);
}

static void add_to_list(const args_option *option, const char *value) {
    args_list *list = option->list;
    if (list->count == ARGS_LIST_MAX) complain_usage("%s may be given %d times", option->name, ARGS_LIST_MAX);
    list->words[list->count++] = value;
}

/* Answers how many words were used: the option, and its value if that was a word of its own. */
static int take_option(const args_option *options, char **words) {
    const char *value = NULL;
    const args_option *option = find_option(options, words[0], &value);
    if (option->flag != NULL) {
        if (value != NULL) complain_usage("%s takes no value", option->name);
        *option->flag = true;
        return 1;
    }
    int used = value == NULL ? 2 : 1;
    if (value == NULL) value = words[1];
    if (value == NULL) complain_usage("%s needs a value: %s", option->name, option->hint);
    if (option->text != NULL) *option->text = value;
    if (option->list != NULL) add_to_list(option, value);
    if (option->choice != NULL) set_choice(option, value);
    if (option->number != NULL || option->size != NULL) set_amount(option, value);
    return used;
}

/* "HOST:PORT PATH..." asks for two words or more. */
static void check_operands(const char *operands, int count) {
    weir_bytes rest = weir_bytes_str(operands), word;
    int needed = 0;
    while (*operands != '\0' && weir_bytes_split(&rest, ' ', &word)) needed++;
    bool open = weir_bytes_ends_with(weir_bytes_str(operands), weir_bytes_str("..."));
    if (count < needed) complain_usage("needed: %s; --help says more", operands);
    if (count > needed && !open) complain_usage("too many arguments; --help says what is taken");
}

void args_parse(int *argc, char **argv, const char *about, const char *operands, const args_option *options) {
    const char *slash = argv[0] == NULL ? NULL : strrchr(argv[0], '/');
    if (argv[0] != NULL) program = slash == NULL ? argv[0] : slash + 1;
    int kept = 1;
    bool options_end = false;
    for (int i = 1; i < *argc;) {
        char *word = argv[i];
        if (options_end || word[0] != '-' || word[1] == '\0') {
            argv[kept++] = word;
            i++;
        } else if (strcmp(word, "--") == 0) {
            options_end = true;
            i++;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            print_help(about, operands, options);
            exit(0);
        } else {
            i += take_option(options, argv + i);
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    check_operands(operands, kept - 1);
}
