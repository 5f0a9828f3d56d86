/* region_kinds_test.c - kinds of one's own, as docs/guide/regions.md shows them: made up as they are sent, and
 * fetched from somewhere slow. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "wires.h"

enum {
    LINE = 11, /* ten digits and the end of the line */
};

/* ---- generated: the numbers from 0 on, a line each; no memory holds them ---- */

static ssize_t read_numbers(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    char line[32];
    uint8_t *to = dst;
    (void)region, (void)may_wait;
    for (size_t done = 0; done < n;) {
        size_t inside = (at + done) % LINE, rest = LINE - inside;
        size_t most = n - done < rest ? n - done : rest;
        snprintf(line, sizeof line, "%010llu\n", (unsigned long long)((at + done) / LINE));
        memcpy(to + done, line + inside, most);
        done += most;
    }
    return (ssize_t)n;
}

static void free_numbers(weir_region *region) {
    free(region);
}

static const weir_region_ops numbers = {
    .name = "numbers", .read = read_numbers, .never_waits = true, .free = free_numbers};

static weir_region *first_numbers(uint64_t count) {
    weir_region *region = malloc(sizeof *region);
    if (region != NULL) weir_region_init(region, &numbers, count * LINE);
    return region;
}

/* ---- fetched: from a place that is waited for each time, never on the loop ---- */

typedef struct fetched {
    weir_region region;
    weir_region *place; /* held; any region here, a request to a store in earnest */
    weir_loop *loop;
    atomic_int fetches, on_loop;
} fetched;

static ssize_t read_fetched(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    fetched *self = WEIR_CONTAINER(region, fetched, region);
    if (!may_wait) return -EAGAIN;
    atomic_fetch_add(&self->fetches, 1);
    if (weir_loop_is_current(self->loop)) atomic_fetch_add(&self->on_loop, 1);
    wait_ms(2);
    return self->place->ops->read(self->place, at, dst, n, true);
}

static void free_fetched(weir_region *region) {
    weir_region_release(WEIR_CONTAINER(region, fetched, region)->place);
}

static const weir_region_ops fetching = {.name = "fetched", .read = read_fetched, .free = free_fetched};

/* ---- both, over sockets ---- */

enum {
    COUNT = 40000,
};

static void expect_numbers(wire_end *wire, unsigned from, unsigned to) {
    size_t n = (to - from) * LINE;
    char *got = malloc(n), line[32];
    require(got != NULL);
    expect_eq(far_receive(wire, got, n), n);
    unsigned right = from;
    for (; right < to; right++) {
        snprintf(line, sizeof line, "%010u\n", right);
        if (memcmp(got + (right - from) * LINE, line, LINE) != 0) break;
    }
    expect_eq(right, to);
    free(got);
}

WEIR_TEST(region_kinds, numbers_are_made_up_while_they_are_sent) {
    FOR_EACH_SOCKET(kind) {
        wire_end wire;
        wire_open(&wire, kind, NULL, NULL, NULL);
        wire_write(&wire, first_numbers(COUNT), NULL);
        expect_numbers(&wire, 0, COUNT);
        weir_region *all = first_numbers(COUNT);
        wire_write(&wire, weir_region_slice(all, 100 * LINE, 50 * LINE), NULL);
        weir_region_release(all);
        expect_numbers(&wire, 100, 150);
        wire_shut(&wire);
    }
}

WEIR_TEST(region_kinds, what_is_fetched_from_a_slow_place_is_never_waited_for_on_the_loop) {
    FOR_EACH_SOCKET(kind) {
        wire_end wire;
        wire_open(&wire, kind, NULL, NULL, NULL);
        fetched self = {.place = first_numbers(COUNT), .loop = wire.loop};
        weir_region_init(&self.region, &fetching, COUNT * LINE);
        weir_promise *promise = weir_promise_new(wire.loop);
        wire_write(&wire, &self.region, weir_promise_retain(promise));
        expect_numbers(&wire, 0, COUNT);
        expect_status(weir_promise_wait(promise, 10000), WEIR_OK);
        weir_promise_release(promise);
        expect_eq(atomic_load(&self.fetches), (COUNT * LINE + 65535) / 65536); /* each byte once */
        expect_eq(atomic_load(&self.on_loop), 0);
        wire_shut(&wire);
    }
}
