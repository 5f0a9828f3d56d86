/* pool_stats_test.c - the numbers of each class, and all of them as JSON. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/buffer.h>
#include <weir/testing.h>

/* ---- classes ---------------------------------------------------------------------------------- */

static weir_pool_class class_of_size(weir_pool *pool, size_t size) {
    weir_pool_class class = {0};
    for (unsigned i = 0; weir_pool_class_stats(pool, i, &class); i++) {
        if (class.size == size) return class;
    }
    weir_test_context("size %zu", size);
    expect(false);
    return class;
}

WEIR_TEST(pool_stats, each_class_counts_its_own) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *first = weir_pool_get(pool, 1000), *second = weir_pool_get(pool, 1024);
    weir_buf *large = weir_pool_get(pool, 3 << 20);
    weir_buf_release(weir_pool_get(pool, 64));
    weir_buf_release(first);
    weir_pool_class class = class_of_size(pool, 1024);
    expect_eq(class.gets, 2u);
    expect_eq(class.releases, 1u);
    expect_eq(class.foreign, 0u);
    expect_eq(class.refills, 2u);
    expect_eq(class.live, 1u);
    expect_eq(class.cached, 1u);
    class = class_of_size(pool, 64);
    expect_eq(class.gets, 1u);
    expect_eq(class.live, 0u);
    expect_eq(class.cached, 1u);
    class = class_of_size(pool, 0);
    expect_eq(class.live, 1u);
    expect_eq(class.cached, 0u);
    weir_buf_release(second);
    weir_buf_release(large);
    weir_pool_free(pool);
}

WEIR_TEST(pool_stats, the_classes_go_up_in_size_and_end_with_the_larger_ones) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_pool_class class = {0};
    size_t last = 0;
    unsigned count = 0;
    bool goes_up = true;
    for (; weir_pool_class_stats(pool, count, &class); count++) {
        if (class.size != 0) goes_up = goes_up && class.size > last;
        last = class.size;
    }
    expect(goes_up);
    expect_eq(last, 0u);
    expect_eq(count, 58u);
    expect(!weir_pool_class_stats(pool, 1000, &class));
    weir_pool_free(pool);
}

/* ---- JSON: a reader that knows all of RFC 8259 and keeps nothing -------------------------------- */

static const char *skip_space(const char *at) {
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r') at++;
    return at;
}

static const char *read_string(const char *at) {
    if (*at++ != '"') return NULL;
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20) return NULL;
        if (*at != '\\') continue;
        at++;
        if (*at == 'u') {
            for (int i = 0; i < 4; i++) {
                if (!isxdigit((unsigned char)*++at)) return NULL;
            }
        } else if (*at == '\0' || strchr("\"\\/bfnrt", *at) == NULL) {
            return NULL;
        }
    }
    return at + 1;
}

static const char *read_number(const char *at) {
    if (*at == '-') at++;
    if (!isdigit((unsigned char)*at) || (*at == '0' && isdigit((unsigned char)at[1]))) return NULL;
    while (isdigit((unsigned char)*at)) at++;
    return at;
}

static const char *read_value(const char *at);

/* Values between `open` and the matching end, each behind a name when it is an object. */
static const char *read_members(const char *at, char end, bool named) {
    at = skip_space(at);
    if (*at == end) return at + 1;
    for (;;) {
        if (named) {
            at = read_string(skip_space(at));
            if (at == NULL || *(at = skip_space(at)) != ':') return NULL;
            at++;
        }
        at = read_value(at);
        if (at == NULL) return NULL;
        at = skip_space(at);
        if (*at == end) return at + 1;
        if (*at++ != ',') return NULL;
    }
}

static const char *read_value(const char *at) {
    static const char *const words[] = {"true", "false", "null"};
    at = skip_space(at);
    if (*at == '{') return read_members(at + 1, '}', true);
    if (*at == '[') return read_members(at + 1, ']', false);
    if (*at == '"') return read_string(at);
    for (int i = 0; i < 3; i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0) return at + strlen(words[i]);
    }
    return read_number(at);
}

static bool is_json(const char *text) {
    const char *end = read_value(text);
    return end != NULL && *skip_space(end) == '\0';
}

WEIR_TEST(pool_stats, the_reader_of_this_test_knows_json_when_it_sees_it) {
    static const char *const good[] = {"{}", "[]", " {\"a\" : [1, -20, true]}\n", "\"\\u00ff\\\"\"", "0"};
    static const char *const bad[] = {"",       "{",       "{\"a\":}", "{\"a\":1,}", "[1 2]",
                                      "\"\n\"", "\"\\x\"", "01",       "{}}"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) expect(is_json(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) expect(!is_json(bad[i]));
}

static char *json_of(weir_pool *pool) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    require(out != NULL);
    weir_pool_dump_json(pool, out);
    (void)fclose(out);
    return text;
}

static void expect_json(weir_pool *pool, const char *const *pieces) {
    char *text = json_of(pool);
    expect(is_json(text));
    for (; *pieces != NULL; pieces++) {
        weir_test_context("%s in %s", *pieces, text);
        expect(strstr(text, *pieces) != NULL);
    }
    free(text);
}

WEIR_TEST(pool_stats, the_json_holds_every_number) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.name = "lake", .limit = 1 << 20});
    expect_json(pool, (const char *const[]){"{\"name\":\"lake\",\"backend\":\"", ",\"gets\":0,",
                                            ",\"classes\":[]}", NULL});
    expect(weir_pool_get(pool, 2 << 20) == NULL);
    weir_buf *buf = weir_pool_get(pool, 1000);
    weir_buf_release(weir_pool_get(pool, 64));
    expect_json(pool, (const char *const[]){
                          ",\"gets\":2,", ",\"releases\":1,", ",\"failures\":1,", ",\"live\":1,",
                          ",\"active\":1024,", ",\"cached\":64,", ",\"requested\":1000,", ",\"peak\":1088,",
                          ",\"limit\":1048576,", ",\"magazines\":1,\"huge_pages\":false,\"locked\":false,",
                          "\"classes\":[{\"size\":64,\"gets\":1,\"releases\":1,\"foreign\":0,\"refills\":1,",
                          "\"live\":0,\"cached\":1},{\"size\":1024,\"gets\":1,\"releases\":0,\"foreign\":0,",
                          "\"refills\":1,\"live\":1,\"cached\":0}]}", NULL});
    weir_buf_release(buf);
    weir_pool_free(pool);
}

WEIR_TEST(pool_stats, a_name_of_any_characters_is_still_json) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.name = "a \"b\" \\ \n\x01 \xc3\xbc"});
    expect_json(pool, (const char *const[]){"\"a \\\"b\\\" \\\\ \\u000a\\u0001 \xc3\xbc\"", NULL});
    weir_pool_free(pool);
}
