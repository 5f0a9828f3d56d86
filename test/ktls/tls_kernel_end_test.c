/* tls_kernel_end_test.c - the kernel encrypts what is sent: ends, in order and not, and who reads slowly. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

enum {
    PATIENCE_MS = 10000,
    LARGE = 16 << 20 /* more than two sockets take */
};

#define FOR_BOTH_VERSIONS(version)                                                                           \
    for (weir_tls_version version = WEIR_TLS_1_2; version <= WEIR_TLS_1_3; version++)

static void open_version(tls_rig *self, weir_tls_version version) {
    *self = (tls_rig){.version = version};
    rig_open(self);
    weir_test_context("TLS 1.%d", version == WEIR_TLS_1_2 ? 2 : 3);
    rig_look(self);
    expect(self->tls.ktls_send);
}

static void expect_completes(weir_promise *promise, weir_status status) {
    expect_status(weir_promise_wait(promise, PATIENCE_MS), status);
    weir_promise_release(promise);
}

WEIR_TEST(tls_kernel_end, closes_with_close_notify_behind_all_that_was_written) {
    FOR_BOTH_VERSIONS(version) {
        tls_rig rig;
        open_version(&rig, version);
        weir_promise *sent = rig_promise(&rig), *closed = rig_promise(&rig);
        rig_write(&rig, rig_file(LARGE, LARGE), weir_promise_retain(sent));
        weir_channel_close(atomic_load(&rig.wire.channel), weir_promise_retain(closed));
        expect(peer_gets_file(&rig, LARGE));
        expect_eq(peer_end(&rig), SSL_ERROR_ZERO_RETURN);
        SSL_shutdown(rig.peer);
        expect_completes(sent, WEIR_OK);
        expect_completes(closed, WEIR_OK);
        rig_close(&rig);
    }
}

WEIR_TEST(tls_kernel_end, refuses_a_write_behind_the_shutdown_and_goes_on_reading) {
    FOR_BOTH_VERSIONS(version) {
        tls_rig rig;
        open_version(&rig, version);
        weir_promise *late = rig_promise(&rig);
        rig_say(&rig, "last");
        weir_channel_shutdown(atomic_load(&rig.wire.channel), NULL);
        rig_write(&rig, rig_file(10, 10), weir_promise_retain(late));
        expect(peer_hears(&rig, "last"));
        expect_eq(peer_end(&rig), SSL_ERROR_ZERO_RETURN);
        expect_completes(late, WEIR_E_CLOSED);
        peer_say(&rig, "still here");
        expect(rig_hears(&rig, "still here"));
        SSL_shutdown(rig.peer);
        expect(wire_until_gone(&rig.wire));
        expect_status(rig.error, WEIR_OK);
        rig_close(&rig);
    }
}

WEIR_TEST(tls_kernel_end, sees_a_peer_that_was_cut_short) {
    tls_rig rig;
    open_version(&rig, WEIR_TLS_1_3);
    peer_say(&rig, "half");
    shutdown(rig.wire.far, SHUT_WR);
    expect(rig_hears(&rig, "half"));
    expect(rig_sees_error(&rig));
    expect_status(rig.error, WEIR_E_CUT_SHORT);
    expect(rig_sees_end(&rig));
    rig_close(&rig);
}

WEIR_TEST(tls_kernel_end, sees_the_peers_end) {
    FOR_BOTH_VERSIONS(version) {
        tls_rig rig;
        open_version(&rig, version);
        SSL_shutdown(rig.peer);
        expect(rig_sees_end(&rig));
        rig_write(&rig, rig_file(50000, 50000), NULL);
        expect(peer_gets_file(&rig, 50000));
        rig_close(&rig);
    }
}

/* OpenSSL's alert is a record of its type, and not data. */
WEIR_TEST(tls_kernel_end, tells_a_peer_that_makes_no_sense_by_an_alert) {
    FOR_BOTH_VERSIONS(version) {
        tls_rig rig;
        open_version(&rig, version);
        const char record[5 + 40] = {23, 3, 3, 0, 40};
        far_send(&rig.wire, record, sizeof record);
        expect(rig_sees_error(&rig));
        expect_status(rig.error, WEIR_E_TLS);
        expect_eq(peer_end(&rig), SSL_ERROR_SSL);
        expect_eq(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
        rig_close(&rig);
    }
}

WEIR_TEST(tls_kernel_end, fails_what_waits_when_the_peer_resets) {
    tls_rig rig;
    open_version(&rig, WEIR_TLS_1_3);
    weir_promise *sent = rig_promise(&rig), *behind = rig_promise(&rig);
    rig_write(&rig, rig_file(LARGE, LARGE), weir_promise_retain(sent));
    rig_write(&rig, rig_file(10, 10), weir_promise_retain(behind));
    rig_look(&rig); /* behind what was posted: both are accepted */
    expect(peer_gets_file(&rig, 1 << 20));
    far_reset(&rig.wire);
    weir_status status = weir_promise_wait(sent, PATIENCE_MS);
    expect(status == -ECONNRESET || status == -EPIPE);
    expect_completes(behind, status);
    weir_promise_release(sent);
    expect(wire_until_gone(&rig.wire));
    rig_close(&rig);
}

WEIR_TEST(tls_kernel_end, aborts_when_a_file_has_become_shorter) {
    FOR_BOTH_VERSIONS(version) {
        tls_rig rig;
        open_version(&rig, version);
        weir_promise *sent = rig_promise(&rig), *behind = rig_promise(&rig);
        rig_write(&rig, rig_file(100000, 400000), weir_promise_retain(sent));
        rig_write(&rig, rig_file(10, 10), weir_promise_retain(behind));
        expect_completes(sent, WEIR_E_TRUNCATED);
        weir_status status = weir_promise_wait(behind, PATIENCE_MS);
        expect(status == WEIR_E_TRUNCATED || status == WEIR_E_CLOSED); /* written before, or after */
        weir_promise_release(behind);
        expect(peer_end(&rig) != SSL_ERROR_ZERO_RETURN);
        expect(wire_until_gone(&rig.wire));
        rig_close(&rig);
    }
}

static bool is_full(void *arg) {
    const tls_rig *self = arg;
    weir_channel *channel = atomic_load(&self->wire.channel);
    weir_channel_stats stats;
    weir_channel_get_stats(channel, &stats);
    return stats.would_block > 0 && !weir_channel_is_writable(channel);
}

WEIR_TEST(tls_kernel_end, holds_back_for_a_slow_reader_and_tells_when_it_goes_on) {
    tls_rig rig;
    open_version(&rig, WEIR_TLS_1_3);
    weir_promise *sent = rig_promise(&rig);
    rig_write(&rig, rig_file(LARGE, LARGE), weir_promise_retain(sent));
    weir_channel_flush(atomic_load(&rig.wire.channel));
    expect(wire_until(&rig.wire, is_full, &rig));
    expect(!weir_promise_is_done(sent));
    expect_eq(rig.writable_changes, 1);
    expect(peer_gets_file(&rig, LARGE));
    expect_completes(sent, WEIR_OK);
    rig_say(&rig, "done");
    expect(peer_hears(&rig, "done"));
    rig_look(&rig);
    expect_eq(rig.writable_changes, 2);
    expect_eq(rig.channel.sendfile_bytes, LARGE);
    rig_close(&rig);
}

static void remove_tls(void *arg) {
    tls_rig *self = arg;
    weir_pipeline *pipeline = weir_channel_pipeline(atomic_load(&self->wire.channel));
    weir_ctx *ctx = weir_pipeline_find(pipeline, &weir_tls_handler);
    weir_pipeline_remove(ctx);
}

WEIR_TEST(tls_kernel_end, aborts_when_the_handler_is_removed) {
    tls_rig rig;
    open_version(&rig, WEIR_TLS_1_3);
    weir_promise *sent = rig_promise(&rig);
    rig_write(&rig, rig_file(LARGE, LARGE), weir_promise_retain(sent));
    wire_do(&rig.wire, remove_tls, &rig);
    expect_completes(sent, WEIR_E_CANCELED);
    expect(wire_until_gone(&rig.wire));
    expect(peer_end(&rig) != SSL_ERROR_ZERO_RETURN);
    rig_close(&rig);
}
