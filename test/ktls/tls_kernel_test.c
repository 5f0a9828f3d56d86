/* tls_kernel_test.c - the kernel encrypts what is sent: what it is given, what goes by OpenSSL all the same. */
#include <openssl/err.h>
#include <string.h>

#include <weir/transport/log_handler.h>
#include <weir/transport/timeout_handler.h>

#include "rig.h"

enum {
    FILE_SIZE = 300000
};

static void send_file_between_marks(tls_rig *self) {
    rig_say(self, "<");
    rig_write(self, rig_file(FILE_SIZE, FILE_SIZE), NULL);
    rig_say(self, ">");
    weir_channel_flush(atomic_load(&self->wire.channel));
    expect(peer_hears(self, "<"));
    expect(peer_gets_file(self, FILE_SIZE));
    expect(peer_hears(self, ">"));
    peer_say(self, "thanks");
    expect(rig_hears(self, "thanks"));
    rig_look(self);
}

static void expect_sent_by_kernel(tls_rig *self) {
    expect(self->has_tls && self->tls.ktls_send);
    expect_eq(self->tls.region_sent_bytes, FILE_SIZE);
    expect_eq(self->tls.region_read_bytes, 0);
    expect_eq(self->tls.plain_written, FILE_SIZE + 2);
    expect_eq(self->channel.sendfile_bytes, FILE_SIZE);
    expect_eq(rig_kernel_connections(self), 1);
}

static void expect_sent_by_openssl(tls_rig *self) {
    expect(self->has_tls && !self->tls.ktls_send);
    expect_eq(self->tls.region_sent_bytes, 0);
    expect_eq(self->tls.region_read_bytes, FILE_SIZE);
    expect_eq(self->tls.plain_written, FILE_SIZE + 2);
    expect_eq(self->channel.sendfile_bytes, 0);
    expect_eq(rig_kernel_connections(self), 0);
}

static const struct {
    weir_tls_version version;
    const char *cipher;
} suites[] = {
    {WEIR_TLS_1_3, "TLS_AES_128_GCM_SHA256"},        {WEIR_TLS_1_3, "TLS_AES_256_GCM_SHA384"},
    {WEIR_TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256"},  {WEIR_TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {WEIR_TLS_1_2, "ECDHE-ECDSA-AES256-GCM-SHA384"}, {WEIR_TLS_1_2, "ECDHE-ECDSA-CHACHA20-POLY1305"},
};

#define FOR_EACH_SUITE(i) for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)

WEIR_TEST(tls_kernel, sends_files_of_servers_by_sendfile_with_each_version_and_cipher) {
    FOR_EACH_SUITE(i) {
        tls_rig rig = {.version = suites[i].version, .cipher = suites[i].cipher};
        rig_open(&rig);
        weir_test_context("%s", suites[i].cipher);
        send_file_between_marks(&rig);
        expect_sent_by_kernel(&rig);
        rig_close(&rig);
    }
}

WEIR_TEST(tls_kernel, sends_files_of_clients_by_sendfile_with_each_version_and_cipher) {
    FOR_EACH_SUITE(i) {
        tls_rig rig = {.kind = WIRE_CONNECTED, .version = suites[i].version, .cipher = suites[i].cipher};
        rig_open(&rig);
        weir_test_context("%s", suites[i].cipher);
        send_file_between_marks(&rig);
        expect_sent_by_kernel(&rig);
        rig_close(&rig);
    }
}

WEIR_TEST(tls_kernel, takes_over_though_something_was_written_before_the_handshake) {
    for (weir_tls_version version = WEIR_TLS_1_2; version <= WEIR_TLS_1_3; version++) {
        tls_rig rig = {.kind = WIRE_CONNECTED, .version = version, .writes_early = true};
        rig_open(&rig);
        expect(peer_hears(&rig, "early"));
        rig_look(&rig);
        expect(rig.tls.ktls_send);
        rig_close(&rig);
    }
}

WEIR_TEST(tls_kernel, that_does_not_know_the_cipher_leaves_it_to_openssl_on_the_same_connection) {
    for (weir_tls_version version = WEIR_TLS_1_2; version <= WEIR_TLS_1_3; version++) {
        for (int why = 0; why < 2; why++) {
            tls_rig rig = {.version = version};
            fake.knows_none = why == 0;
            fake.has_no_room = why == 1;
            rig_open(&rig);
            send_file_between_marks(&rig);
            expect_sent_by_openssl(&rig);
            rig_close(&rig);
        }
    }
    fake.knows_none = fake.has_no_room = false;
}

static void expect_never_asked(tls_rig *rig) {
    unsigned before = fake.asked;
    rig_open(rig);
    send_file_between_marks(rig);
    expect_sent_by_openssl(rig);
    expect_eq(fake.asked, before);
    rig_close(rig);
}

WEIR_TEST(tls_kernel, is_not_asked_when_it_must_not) {
    expect_never_asked(&(tls_rig){.without_kernel = true});
}

static weir_status put_log(weir_pipeline *pipeline) {
    return weir_log_handler_add(pipeline, WEIR_LOG_DEBUG, false);
}

WEIR_TEST(tls_kernel, is_not_asked_behind_a_handler_that_would_see_plaintext) {
    expect_never_asked(&(tls_rig){.build_front = put_log});
}

static weir_status put_timeout(weir_pipeline *pipeline) {
    return weir_timeout_handler_add(pipeline, &(weir_timeout_options){.read_ms = 60000, .write_ms = 60000});
}

WEIR_TEST(tls_kernel, sends_behind_a_timeout_handler) {
    tls_rig rig = {.build_front = put_timeout};
    rig_open(&rig);
    send_file_between_marks(&rig);
    expect_sent_by_kernel(&rig);
    rig_close(&rig);
}

WEIR_TEST(tls_kernel, takes_over_after_starttls_behind_the_last_plaintext) {
    for (weir_tls_version version = WEIR_TLS_1_2; version <= WEIR_TLS_1_3; version++) {
        tls_rig rig = {.keeps_plain = true, .version = version};
        char greeting[5] = "";
        rig_open(&rig);
        rig_say(&rig, "go on");
        rig_start_tls(&rig);
        expect_eq(far_receive(&rig.wire, greeting, 5), 5);
        expect_bytes(weir_bytes_of(greeting, 5), "go on");
        rig.is_ready = true;
        rig_shake_hands(&rig);
        send_file_between_marks(&rig);
        expect_sent_by_kernel(&rig);
        rig_close(&rig);
    }
}

/* The peer is told so, under the keys it knows. */
static void expect_refuses_keys(tls_rig *self) {
    expect(rig_sees_error(self));
    expect_status(self->error, WEIR_E_TLS);
    expect(strstr(self->what, "asks for new keys") != NULL);
    expect_eq(peer_end(self), SSL_ERROR_SSL);
    expect_eq(ERR_GET_REASON(ERR_peek_error()), SSL_R_TLSV1_ALERT_INTERNAL_ERROR);
}

WEIR_TEST(tls_kernel, keeps_the_keys_it_has) {
    tls_rig rig = {0};
    rig_open(&rig);
    send_file_between_marks(&rig);
    expect_eq(SSL_key_update(rig.peer, SSL_KEY_UPDATE_NOT_REQUESTED), 1); /* its own: what is read */
    peer_say(&rig, "other keys");
    expect(rig_hears(&rig, "other keys"));
    expect_eq(SSL_key_update(rig.peer, SSL_KEY_UPDATE_REQUESTED), 1); /* and ours */
    peer_say(&rig, "?");
    expect_refuses_keys(&rig);
    rig_close(&rig);
}

/* Both come in one read. */
static void ask_and_go_on(void *arg) {
    tls_rig *self = arg;
    expect_eq(SSL_key_update(self->peer, SSL_KEY_UPDATE_REQUESTED), 1);
    expect_eq(SSL_do_handshake(self->peer), 1);
    expect_eq(SSL_key_update(self->peer, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    peer_say(self, "?");
}

WEIR_TEST(tls_kernel, does_not_forget_that_it_was_asked_for_keys) {
    tls_rig rig = {0};
    rig_open(&rig);
    wire_do(&rig.wire, ask_and_go_on, &rig);
    expect_refuses_keys(&rig);
    rig_close(&rig);
}

static void update_keys(void *arg) {
    tls_rig *self = arg;
    weir_pipeline *pipeline = weir_channel_pipeline(atomic_load(&self->wire.channel));
    expect_status(weir_tls_update_keys(pipeline), WEIR_E_UNSUPPORTED);
}

WEIR_TEST(tls_kernel, refuses_to_make_new_keys) {
    tls_rig rig = {0};
    rig_open(&rig);
    wire_do(&rig.wire, update_keys, &rig);
    send_file_between_marks(&rig);
    expect_sent_by_kernel(&rig);
    rig_close(&rig);
}
