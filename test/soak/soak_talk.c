/* soak_talk.c - sends what is allowed now, takes what is there, compares it. */
#include "soak_talk.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/loopback.h"
#include "common/meter.h"

enum {
    TICKS_A_SECOND = 50,
    GREEDY_DEPTH = 16,
    SMALL_WINDOW = 4096,
    SHOWN_MOST = 5,
    SHOWN_BYTES = 60
};

static uint64_t state = 2463534242u;

static uint64_t below(uint64_t n) {
    return soak_random(&state) % n;
}

bool soak_talk_is_slow(const soak_talk *self) {
    return self->temper == SOAK_slow_reader || self->temper == SOAK_slow_writer ||
           self->temper == SOAK_half_open;
}

/* ---- beginning ---- */

/* So many units that a slow one is done in some seconds, too. */
static uint64_t pick_units(const soak_talk *self) {
    size_t unit = self->shape->out.unit.length + self->shape->in.unit.length;
    switch (self->temper) {
    case SOAK_calm: return 1 + below(20);
    case SOAK_greedy: return 1 + below(unit > 65536 ? 32 : 500);
    case SOAK_slow_reader:
    case SOAK_slow_writer: return 1 + below(3);
    case SOAK_resetter: return 1 + below(8);
    default: return 1;
    }
}

static void set_paces(soak_talk *self) {
    self->may_send = self->temper == SOAK_slow_writer ? 0 : SIZE_MAX;
    self->may_take = self->temper == SOAK_slow_reader ? 0 : SIZE_MAX;
    self->released = self->temper == SOAK_calm ? 1 : UINT64_MAX;
    self->stop_at = UINT64_MAX;
    const soak_shape *shape = self->shape;
    uint64_t last = self->units - 1;
    if (self->temper == SOAK_resetter) { /* inside the answer to the last unit; or else inside its request */
        bool in_answer = self->ssl != NULL || below(2) == 0;
        uint64_t within = in_answer ? 1 + below(shape->in.unit.length) : 0;
        self->stop_at = shape->in.prologue.length + last * shape->in.unit.length + within;
    }
}

void soak_talk_begin(soak_talk *self, const soak_shape *shape, soak_totals *totals, soak_temper temper,
                     const char *where, SSL_CTX *tls, uint64_t tick) {
    *self = (soak_talk){.shape = shape, .totals = totals, .temper = temper};
    self->fd = loopback_connect_from(where, below(1 << 20));
    if (tls != NULL) {
        if ((self->ssl = SSL_new(tls)) == NULL || SSL_set_fd(self->ssl, self->fd) != 1) die("SSL_new");
        SSL_set_connect_state(self->ssl);
    }
    if (temper == SOAK_slow_reader) {
        int small = SMALL_WINDOW;
        setsockopt(self->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    self->units = pick_units(self);
    set_paces(self);
    self->next_tick = tick + 1 + below(TICKS_A_SECOND);
    self->asked = meter_now();
    self->end_at = self->asked + 1000000000u * (1 + below(5));
    totals->begun++;
    totals->by_temper[temper]++;
}

/* ---- ending ---- */

static bool hang_up(soak_talk *self, bool reset) {
    if (reset) {
        struct linger hard = {.l_onoff = 1};
        setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    if (self->ssl != NULL) self->totals->handshakes += (uint64_t)SSL_is_init_finished(self->ssl);
    SSL_free(self->ssl);
    close(self->fd);
    self->fd = -1;
    return false;
}

/* `how`: where it is counted. */
static bool end(soak_talk *self, uint64_t *how, bool reset) {
    ++*how;
    return hang_up(self, reset);
}

/* ---- the two directions. Answers bytes, 0 for none now, SIZE_MAX for the end ---- */

static size_t after_tls(soak_talk *self, int result) {
    int error = SSL_get_error(self->ssl, result);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : SIZE_MAX;
}

static size_t send_some(soak_talk *self, const uint8_t *bytes, size_t n) {
    if (self->ssl != NULL) {
        int sent = SSL_write(self->ssl, bytes, (int)n);
        return sent > 0 ? (size_t)sent : after_tls(self, sent);
    }
    ssize_t sent = send(self->fd, bytes, n, MSG_NOSIGNAL);
    if (sent >= 0) return (size_t)sent;
    return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? 0 : SIZE_MAX;
}

static size_t take_some(soak_talk *self, uint8_t *bytes, size_t n) {
    if (self->ssl == NULL) return loopback_receive(self->fd, bytes, n);
    int got = SSL_read(self->ssl, bytes, (int)n);
    return got > 0 ? (size_t)got : after_tls(self, got);
}

static uint64_t units_answered(const soak_talk *self) {
    const soak_stream *in = &self->shape->in;
    if (self->received < in->prologue.length) return 0;
    uint64_t units = (self->received - in->prologue.length) / in->unit.length;
    return units < self->units ? units : self->units;
}

/* Up to where it may send now. */
static uint64_t send_limit(const soak_talk *self) {
    const soak_stream *out = &self->shape->out, *in = &self->shape->in;
    if (self->received < in->prologue.length) return out->prologue.length;
    uint64_t answered = units_answered(self), depth = self->temper == SOAK_greedy ? GREEDY_DEPTH : 1;
    uint64_t units = answered + depth < self->units ? answered + depth : self->units;
    if (units > self->released) units = self->released;
    uint64_t limit = out->prologue.length + units * out->unit.length;
    if (self->temper == SOAK_half_open) return limit - out->unit.length + out->unit.length / 2;
    if (answered == self->units) return limit + out->epilogue.length;
    bool half = self->temper == SOAK_resetter && units == self->units &&
                self->stop_at == in->prologue.length + (self->units - 1) * in->unit.length;
    return half ? limit - out->unit.length + out->unit.length / 2 : limit;
}

/* An echo of TLS answers half a request, too; a half-open one sends none. */
static bool sends_nothing(const soak_talk *self) {
    return self->temper == SOAK_half_open &&
           (self->shape->server == SOAK_TLS || self->shape->server == SOAK_ECHO);
}

static bool send_what_may_go(soak_talk *self, bool *progress) {
    if (sends_nothing(self)) return true;
    for (;;) {
        uint64_t limit = send_limit(self);
        size_t within, n;
        const soak_part *part = soak_stream_at(&self->shape->out, self->units, self->sent, &within);
        if (part == NULL || self->sent >= limit) return true;
        n = part->length - within;
        if (n > limit - self->sent) n = (size_t)(limit - self->sent);
        if (n > self->may_send) n = self->may_send;
        if (n == 0) return true;
        if (part == &self->shape->out.unit && within == 0) self->asked = meter_now();
        size_t sent = send_some(self, part->bytes + within, n);
        if (sent == SIZE_MAX) return false;
        if (sent == 0) return true;
        self->sent += sent;
        self->totals->bytes_out += sent;
        if (self->may_send != SIZE_MAX) self->may_send -= sent;
        *progress = true;
    }
}

static void count_units(soak_talk *self, histogram *latency) {
    const soak_stream *in = &self->shape->in;
    if (self->received <= in->prologue.length) return;
    uint64_t begun = (self->received - in->prologue.length - 1) / in->unit.length + 1;
    if (begun > self->units) begun = self->units;
    self->totals->units += begun - self->counted;
    self->counted = begun;
    if (self->temper == SOAK_calm && (self->received - in->prologue.length) % in->unit.length == 0)
        histogram_note(latency, meter_now() - self->asked);
}

/* Compares `n` bytes that came; false when they are wrong. */
static bool check(soak_talk *self, const uint8_t *bytes, size_t n, histogram *latency) {
    while (n > 0) {
        size_t within;
        const soak_part *part = soak_stream_at(&self->shape->in, self->units, self->received, &within);
        if (part == NULL) return false;
        size_t once = part->length - within < n ? part->length - within : n;
        if (!soak_part_equals(part, within, bytes, once)) return false;
        self->received += once;
        self->totals->bytes_in += once;
        count_units(self, latency);
        bytes += once;
        n -= once;
    }
    return true;
}

/* What a person can begin with. */
static void show(const soak_talk *self, const uint8_t *bytes, size_t n) {
    static unsigned shown;
    if (shown++ < SHOWN_MOST)
        fprintf(stderr, "%s: near byte %" PRIu64 " came \"%.*s\"\n", soak_server_names[self->shape->server],
                self->received, (int)(n < SHOWN_BYTES ? n : SHOWN_BYTES), (const char *)bytes);
}

static bool is_whole(const soak_talk *self) {
    return self->received == soak_stream_length(&self->shape->in, self->units) &&
           self->sent == soak_stream_length(&self->shape->out, self->units);
}

/* What came is taken; false when the talk is over, which is counted. */
static bool take_what_came(soak_talk *self, histogram *latency, bool *progress) {
    static uint8_t bytes[64 << 10];
    for (;;) {
        size_t room = self->may_take < sizeof bytes ? self->may_take : sizeof bytes;
        if (self->stop_at - self->received < room) room = (size_t)(self->stop_at - self->received);
        if (room == 0) return true;
        size_t got = take_some(self, bytes, room);
        if (got == 0) return true;
        if (got == SIZE_MAX)
            return end(self, is_whole(self) ? &self->totals->whole : &self->totals->cut, false);
        if (!check(self, bytes, got, latency)) {
            show(self, bytes, got);
            return end(self, &self->totals->corrupt, true);
        }
        if (self->may_take != SIZE_MAX) self->may_take -= got;
        *progress = true;
    }
}

/* A resetter is where it wants to be: the answer begun, or nothing of it and half a request sent. */
static bool wants_to_reset(const soak_talk *self) {
    if (self->temper != SOAK_resetter || self->received != self->stop_at) return false;
    return self->received > 0 && self->sent >= send_limit(self);
}

bool soak_talk_go_on(soak_talk *self, histogram *latency) {
    bool progress = true;
    while (progress) {
        progress = false;
        if (!send_what_may_go(self, &progress)) return end(self, &self->totals->cut, false);
        if (!take_what_came(self, latency, &progress)) return false;
        if (wants_to_reset(self)) return hang_up(self, true);
    }
    if (is_whole(self) && !self->ending) {
        self->ending = true;
        if (self->ssl != NULL) SSL_shutdown(self->ssl);
        shutdown(self->fd, SHUT_WR);
        self->may_take = SIZE_MAX;
        return take_what_came(self, latency, &progress);
    }
    return true;
}

bool soak_talk_tick(soak_talk *self, uint64_t tick, histogram *latency) {
    const soak_stream *out = &self->shape->out;
    if (tick < self->next_tick) return true;
    self->next_tick = tick + 1 + below(self->temper == SOAK_calm ? TICKS_A_SECOND : TICKS_A_SECOND / 5);
    if (self->temper == SOAK_calm) {
        if (self->released <= units_answered(self)) self->released++;
    } else if (self->temper == SOAK_slow_writer) {
        self->may_send = 1 + below(out->prologue.length / 4 + out->unit.length / 16 + 16);
    } else if (self->temper == SOAK_slow_reader) {
        if (!self->ending) self->may_take = 1 + below(self->shape->in.unit.length / 16 + 16);
    } else if (self->temper == SOAK_half_open) {
        if (meter_now() >= self->end_at) return hang_up(self, false);
    } else if (self->temper == SOAK_resetter && self->received == self->stop_at &&
               meter_now() >= self->end_at) {
        return hang_up(self, true); /* whose first request was only half sent */
    }
    return soak_talk_go_on(self, latency);
}

void soak_talk_leave(soak_talk *self) {
    end(self, &self->totals->left, true);
}
