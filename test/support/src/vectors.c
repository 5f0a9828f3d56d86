/* vectors.c - lines of a word and the rest.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/buffer/buf_int.h>
#include <weir/core/check.h>
#include <weir/testing/vectors.h>

struct weir_vectors {
    FILE *file;
    char *path, *text;
    size_t room;
    char *word, *rest;
    unsigned line;
};

#define REQUIRE(self, condition, what) WEIR_CHECK(condition, "%s:%u: %s", (self)->path, (self)->line, what)

weir_vectors *weir_vectors_open(const char *path) {
    weir_vectors *self = calloc(1, sizeof *self);
    WEIR_CHECK(self != NULL, "out of memory for vectors");
    self->path = strdup(path);
    self->file = fopen(path, "r");
    WEIR_CHECK(self->file != NULL, "no vectors at %s", path);
    return self;
}

void weir_vectors_close(weir_vectors *vectors) {
    if (vectors == NULL) return;
    fclose(vectors->file);
    free(vectors->path);
    free(vectors->text);
    free(vectors);
}

static void cut_into_word_and_rest(weir_vectors *self) {
    char *end = self->text + strlen(self->text);
    while (end > self->text && isspace((unsigned char)end[-1])) *--end = '\0';
    self->word = self->text + strspn(self->text, " \t");
    char *space = self->word + strcspn(self->word, " \t");
    self->rest = space + strspn(space, " \t");
    *space = '\0';
}

bool weir_vectors_next(weir_vectors *vectors) {
    while (getline(&vectors->text, &vectors->room, vectors->file) >= 0) {
        vectors->line++;
        cut_into_word_and_rest(vectors);
        if (vectors->word[0] != '\0' && vectors->word[0] != '#') return true;
    }
    return false;
}

bool weir_vectors_is(const weir_vectors *vectors, const char *word) {
    return strcmp(vectors->word, word) == 0;
}

const char *weir_vectors_rest(const weir_vectors *vectors) {
    return vectors->rest;
}

unsigned weir_vectors_line(const weir_vectors *vectors) {
    return vectors->line;
}

/* ---- bytes ---- */

static uint8_t hex_pair(const weir_vectors *self, const char *at) {
    REQUIRE(self, isxdigit((unsigned char)at[0]) && isxdigit((unsigned char)at[1]),
            "two hexadecimal digits were expected");
    char pair[3] = {at[0], at[1], '\0'};
    return (uint8_t)strtoul(pair, NULL, 16);
}

/* What follows a backslash; answers how many characters that was. */
static size_t add_escaped(const weir_vectors *self, weir_buf *out, const char *at) {
    static const char names[] = "rnt0\\\"", values[] = "\r\n\t\0\\\"";
    if (*at == 'x') {
        weir_buf_write_u8(out, hex_pair(self, at + 1));
        return 3;
    }
    const char *name = *at == '\0' ? NULL : strchr(names, *at);
    REQUIRE(self, name != NULL, "an unknown character after a backslash");
    weir_buf_write_u8(out, (uint8_t)values[name - names]);
    return 1;
}

/* A string from behind its opening quote; answers where it has ended. */
static const char *add_string(const weir_vectors *self, weir_buf *out, const char *at) {
    while (*at != '"') {
        REQUIRE(self, *at != '\0', "a string without an end");
        if (*at == '\\') {
            at += 1 + add_escaped(self, out, at + 1);
        } else {
            weir_buf_write_u8(out, (uint8_t)*at++);
        }
    }
    return at + 1;
}

weir_buf *weir_vectors_bytes(const weir_vectors *vectors) {
    weir_buf *out = weir_buf_new(0);
    WEIR_CHECK(out != NULL, "out of memory for vectors");
    for (const char *at = vectors->rest; *at != '\0';) {
        if (*at == ' ' || *at == '\t') {
            at++;
        } else if (*at == '"') {
            at = add_string(vectors, out, at + 1);
        } else {
            weir_buf_write_u8(out, hex_pair(vectors, at));
            at += 2;
        }
    }
    WEIR_CHECK(weir_buf_status(out) == WEIR_OK, "out of memory for vectors");
    return out;
}

/* ---- options ---- */

int64_t weir_vectors_option(const weir_vectors *vectors, const char *name, int64_t absent) {
    size_t length = strlen(name);
    for (const char *at = vectors->rest; *at != '\0';) {
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            char *end;
            int64_t number = strtoll(at + length + 1, &end, 10);
            REQUIRE(vectors, end != at + length + 1 && (*end == '\0' || isspace((unsigned char)*end)),
                    "an option without a number");
            return number;
        }
        at += strcspn(at, " \t");
        at += strspn(at, " \t");
    }
    return absent;
}
