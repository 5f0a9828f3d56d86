/* http_bench.c - HTTP requests to objects: a head and its end, released again. See common/rows.h. */
#include <stdlib.h>

#include <weir/buffer.h>
#include <weir/codec/http_parser.h>

#include "common/http_text.h"
#include "common/rows.h"

enum {
    BROWSER,
    PLAINTEXT,
    PIPELINED
};

#define TIMES4(text) text text text text

static weir_buf *input;
static weir_http_parser parser;
static size_t requests; /* in the input */

static void begin(size_t arg) {
    static const char *const texts[] = {BENCH_BROWSER, BENCH_PLAINTEXT, TIMES4(TIMES4(BENCH_PLAINTEXT))};
    requests = arg == PIPELINED ? 16 : 1;
    input = weir_buf_new(0);
    weir_buf_write_str(input, texts[arg]);
    weir_http_parser_init(&parser, WEIR_HTTP_REQUESTS, NULL);
}

static void end(size_t arg) {
    (void)arg;
    weir_buf_release(input);
    weir_http_parser_clear(&parser);
}

static void parse_one(void) {
    weir_error error;
    for (int i = 0; i < 2; i++) {
        weir_obj *out = NULL;
        if (weir_http_parser_decode(&parser, input, &out, &error) != WEIR_DECODE_AGAIN) abort();
        BENCH_KEEP(out);
        weir_obj_release(out);
    }
    weir_http_parser_next(&parser, WEIR_HTTP_METHOD_OTHER);
}

static void parse(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        if (i % requests == 0)
            weir_buf_set_positions(input, 0, weir_buf_capacity(input) - weir_buf_writable(input));
        parse_one();
    }
}

static const bench_row rows[] = {
    {.name = "browser", .run = parse, .arg = BROWSER, .counted = 1024, .begin = begin, .end = end},
    {.name = "plaintext", .run = parse, .arg = PLAINTEXT, .counted = 1024, .begin = begin, .end = end},
    {.name = "pipelined 16", .run = parse, .arg = PIPELINED, .counted = 1024, .begin = begin, .end = end},
    {.name = NULL},
};

int main(int argc, char **argv) {
    return bench_rows(rows, argc, argv);
}
