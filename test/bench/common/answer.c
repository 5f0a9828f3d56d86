/* answer.c - a head is gathered until it is whole, a body is compared where it lies. */
#include "answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void answer_refuse(const char *what) {
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

/* The length of the head at the start of `head`, or 0 when it is not whole. */
static size_t head_length(const answer *self, const answer_format *format) {
    const char *mark = format->http ? "\r\n\r\n" : "\n";
    const char *end = memmem(self->head, self->head_len, mark, strlen(mark));
    return end != NULL ? (size_t)(end - self->head) + strlen(mark) : 0;
}

static uint64_t promised_length(const answer *self, const answer_format *format) {
    char text[ANSWER_HEAD_MAX + 1];
    memcpy(text, self->head, self->head_len);
    text[self->head_len] = '\0';
    const char *intro = format->http ? "HTTP/1.1 200 " : "OK ";
    if (strncmp(text, intro, strlen(intro)) != 0) answer_refuse(text);
    const char *number = format->http ? strcasestr(text, "\r\nContent-Length:") : text;
    number = number != NULL ? strpbrk(number, "0123456789") : NULL;
    return number != NULL ? strtoull(number, NULL, 10) : UINT64_MAX;
}

/* Answers how many of the bytes belong to the head. */
static size_t take_head(answer *self, const answer_format *format, const uint8_t *bytes, size_t n) {
    size_t before = self->head_len, room = ANSWER_HEAD_MAX - before, taken = n < room ? n : room;
    memcpy(self->head + before, bytes, taken);
    self->head_len += taken;
    size_t len = head_length(self, format);
    if (len == 0 && self->head_len == ANSWER_HEAD_MAX) answer_refuse("the head has no end");
    if (len == 0) return taken;
    self->head_len = len;
    if (promised_length(self, format) != format->size)
        answer_refuse("the answer has another length than --size");
    self->in_body = true;
    self->left = format->size;
    self->head_len = 0;
    return len - before;
}

static void take_body(answer *self, const answer_format *format, const uint8_t *bytes, size_t n) {
    if (format->truth != NULL && memcmp(bytes, format->truth + (format->size - self->left), n) != 0) {
        answer_refuse("wrong bytes");
    }
    self->left -= n;
}

uint64_t answer_take(answer *self, const answer_format *format, const uint8_t *bytes, size_t n) {
    uint64_t ended = 0;
    for (size_t used; n > 0 || (self->in_body && self->left == 0); bytes += used, n -= used) {
        used = 0;
        if (!self->in_body) {
            used = take_head(self, format, bytes, n);
        } else if (self->left > 0) {
            used = n < self->left ? n : (size_t)self->left;
            take_body(self, format, bytes, used);
        } else {
            self->in_body = false;
            ended++;
        }
    }
    return ended;
}

uint64_t answer_skip(answer *self, size_t n) {
    self->left -= n;
    if (self->left > 0) return 0;
    self->in_body = false;
    return 1;
}
