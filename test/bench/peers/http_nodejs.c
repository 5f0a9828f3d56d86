/* http_nodejs.c - the same requests by http_parser (Node.js before llhttp), which only says where things are. */
#include <http_parser.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_text.h"
#include "common/rows.h"

enum {
    BROWSER,
    PLAINTEXT
};

static const char *const texts[] = {BENCH_BROWSER, BENCH_PLAINTEXT};

static int note(http_parser *parser, const char *at, size_t length) {
    (void)parser;
    (void)length;
    BENCH_KEEP(at);
    return 0;
}

static void parse(size_t n, size_t arg) {
    const http_parser_settings settings = {.on_url = note, .on_header_field = note, .on_header_value = note};
    size_t length = strlen(texts[arg]);
    http_parser parser;
    for (size_t i = 0; i < n; i++) {
        http_parser_init(&parser, HTTP_REQUEST);
        if (http_parser_execute(&parser, &settings, texts[arg], length) != length) abort();
    }
}

static const bench_row rows[] = {
    {.name = "browser", .run = parse, .arg = BROWSER, .counted = 1024},
    {.name = "plaintext", .run = parse, .arg = PLAINTEXT, .counted = 1024},
    {.name = NULL},
};

int main(int argc, char **argv) {
    return bench_rows(rows, argc, argv);
}
