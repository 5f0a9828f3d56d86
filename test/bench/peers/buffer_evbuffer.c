/* peers/buffer_evbuffer.c - libevent's evbuffer, as rows. Taking a buffer is a new evbuffer with room for so
 * many bytes; a slice and a part of a composite are references (evbuffer_add_buffer_reference). */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <string.h>

static inline void *take(size_t size) {
    struct evbuffer *buffer = evbuffer_new();
    evbuffer_expand(buffer, size);
    return buffer;
}

static inline void give(void *taken) {
    evbuffer_free(taken);
}

#include "common/pool_rows.h"

enum {
    WORDS = 16384,
    BYTES = WORDS * 4,
    PARTS = 16
};

static struct evbuffer *contiguous, *parted, *pieces[PARTS];

static struct evbuffer *chosen(size_t composed) {
    return composed ? parted : contiguous;
}

/* What is read is drained, so each round reads a reference of the original. */
static void read_words(size_t n, size_t composed) {
    uint32_t sum = 0;
    for (size_t done = 0; done < n; done += WORDS) {
        struct evbuffer *reader = evbuffer_new();
        evbuffer_add_buffer_reference(reader, chosen(composed));
        for (size_t i = 0; i < WORDS; i++) {
            uint32_t value;
            if (evbuffer_remove(reader, &value, sizeof value) == sizeof value) sum += ntohl(value);
        }
        evbuffer_free(reader);
    }
    BENCH_KEEP(sum);
}

static void write_words(size_t n, size_t arg) {
    (void)arg;
    struct evbuffer *sink = evbuffer_new();
    for (size_t done = 0; done < n; done += WORDS) {
        for (size_t i = 0; i < WORDS; i++) {
            uint32_t value = htonl((uint32_t)i);
            evbuffer_add(sink, &value, sizeof value);
        }
        evbuffer_drain(sink, BYTES);
    }
    evbuffer_free(sink);
}

static void seek_word(size_t n, size_t arg) {
    (void)arg;
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        struct evbuffer_ptr where;
        uint32_t value;
        evbuffer_ptr_set(parted, &where, (i * 4996) & (BYTES - 4), EVBUFFER_PTR_SET);
        if (evbuffer_copyout_from(parted, &where, &value, sizeof value) == sizeof value) sum += ntohl(value);
    }
    BENCH_KEEP(sum);
}

static void refer(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        struct evbuffer *view = evbuffer_new();
        evbuffer_add_buffer_reference(view, pieces[0]);
        evbuffer_free(view);
    }
}

static void look_at(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        struct evbuffer_iovec view;
        evbuffer_peek(contiguous, 64, NULL, &view, 1);
        BENCH_KEEP(view.iov_base);
    }
}

static void compose(size_t n, size_t arg) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        struct evbuffer *composite = evbuffer_new();
        for (int k = 0; k < PARTS; k++) evbuffer_add_buffer_reference(composite, pieces[k]);
        evbuffer_free(composite);
    }
}

static void find_byte(size_t n, size_t composed) {
    for (size_t i = 0; i < n; i++) BENCH_KEEP(evbuffer_search(chosen(composed), "\xff", 1, NULL).pos);
}

static void find_needle(size_t n, size_t composed) {
    for (size_t i = 0; i < n; i++)
        BENCH_KEEP(evbuffer_search(chosen(composed), BENCH_NEEDLE, strlen(BENCH_NEEDLE), NULL).pos);
}

static const bench_row rows[] = {
    POOL_ROWS,
    {.name = "slice + release", .run = refer, .counted = 2048},
    {.name = "value view", .run = look_at, .counted = 4096},
    {.name = "16 parts: build + release", .run = compose, .counted = 256},
    {.name = "16 parts: get u32 anywhere", .run = seek_word, .counted = 4096},
    {.name = "read u32", .run = read_words, .counted = WORDS},
    {.name = "read u32, 16 parts", .run = read_words, .arg = 1, .counted = WORDS},
    {.name = "write u32", .run = write_words, .counted = WORDS},
    {.name = "find byte, 64 KiB", .run = find_byte, .counted = 64},
    {.name = "find byte, 64 KiB in 16 parts", .run = find_byte, .arg = 1, .counted = 64},
    {.name = "find needle of 8, 64 KiB", .run = find_needle, .counted = 16},
    {.name = "find needle of 8, 64 KiB in 16 parts", .run = find_needle, .arg = 1, .counted = 16},
    {0},
};

static struct evbuffer *filled_with(const uint8_t *bytes, size_t size) {
    struct evbuffer *buffer = evbuffer_new();
    evbuffer_expand(buffer, size);
    evbuffer_add(buffer, bytes, size);
    return buffer;
}

int main(int argc, char **argv) {
    static uint8_t letters[BYTES];
    bench_letters(letters, sizeof letters);
    contiguous = filled_with(letters, BYTES);
    parted = evbuffer_new();
    for (int i = 0; i < PARTS; i++) {
        struct evbuffer *part = filled_with(letters + i * (BYTES / PARTS), BYTES / PARTS);
        evbuffer_add_buffer(parted, part);
        evbuffer_free(part);
        pieces[i] = filled_with(letters, 64);
    }
    int status = bench_rows(rows, argc, argv);
    evbuffer_free(contiguous);
    evbuffer_free(parted);
    for (int i = 0; i < PARTS; i++) evbuffer_free(pieces[i]);
    return status;
}
