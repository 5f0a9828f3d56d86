/* tls_oom_test.c - TLS with weir's own memory refused, one allocation after another: it is told, in words too, and what
 * was there before is still there. OpenSSL's memory is in tls_memory_test.c.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weir/testing.h>

#include "codec/tls_pair.h"
#include "codec/tls_talk.h"
#include "codec/tls_wire.h"
#include "tls/tls_identity_inside.h"

static bool is_made_or_told(weir_status status, const void *made, const weir_tls_why *why) {
    bool is_made = status == WEIR_OK;
    expect_eq(made != NULL, is_made);
    if (!is_made) expect_status(status, WEIR_E_NO_MEMORY);
    expect_str(why->text, is_made ? "" : weir_status_text(WEIR_E_NO_MEMORY));
    return is_made;
}

/* ---- identities ---- */

static bool sign_oneself(void *arg) {
    static const char *const names[] = {"localhost", "a.example", "192.0.2.1"};
    weir_tls_identity *made = (weir_tls_identity *)arg;
    weir_tls_why why = {"untold"};
    weir_status status = weir_tls_identity_self_signed(&made, names, 3, 30, &why);
    bool is_made = is_made_or_told(status, made, &why);
    if (is_made) expect_eq(made->name_count, 3);
    weir_tls_identity_release(made);
    return is_made;
}

WEIR_TEST(tls_oom, an_identity_is_made_or_it_is_told_why_not) {
    int anything;
    expect(weir_oom_sweep(sign_oneself, &anything) > 3);
}

typedef struct shelf {
    const weir_tls_identity *identity;
    const char *cert_file, *key_file;
    char folder[128];
} shelf;

static bool has_text(const char *path, const char *text) {
    char there[32] = "";
    FILE *file = fopen(path, "rb");
    require(file != NULL);
    size_t n = fread(there, 1, sizeof there - 1, file);
    fclose(file);
    return n >= strlen(text) && strncmp(there, text, strlen(text)) == 0;
}

static void put_text(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    require(file != NULL && fputs(text, file) >= 0);
    fclose(file);
}

static int count_files(const char *folder) {
    int count = 0;
    DIR *listed = opendir(folder);
    require(listed != NULL);
    for (const struct dirent *file = readdir(listed); file != NULL; file = readdir(listed))
        count += file->d_name[0] != '.';
    closedir(listed);
    return count;
}

/* A new key beside an old certificate would be of no use to whoever starts next. */
static bool save_pair(void *arg) {
    const shelf *self = arg;
    put_text(self->cert_file, "older");
    put_text(self->key_file, "older");
    weir_status status = weir_tls_identity_save(self->identity, self->cert_file, self->key_file);
    bool is_saved = status == WEIR_OK;
    if (!is_saved) expect_status(status, WEIR_E_NO_MEMORY);
    expect(has_text(self->cert_file, is_saved ? "-----BEGIN CERT" : "older"));
    expect(has_text(self->key_file, is_saved ? "-----BEGIN PRIVATE" : "older"));
    expect_eq(count_files(self->folder), 2);
    return is_saved;
}

WEIR_TEST(tls_oom, both_files_of_an_identity_are_replaced_or_none) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(certs, NULL);
    shelf self = {identity, tls_certs_path(certs, "cert"), tls_certs_path(certs, "key"), ""};
    snprintf(self.folder, sizeof self.folder, "%.*s", (int)(strrchr(self.key_file, '/') - self.key_file),
             self.key_file);
    expect(weir_oom_sweep(save_pair, &self) > 1);
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}

/* ---- contexts ---- */

static bool make_client(void *arg) {
    static const char *const protocols[] = {"h2", "http/1.1"};
    weir_tls_identity *identity = arg;
    weir_tls_options options = {
        .identities = &identity, .identity_count = 1, .alpn = protocols, .alpn_count = 2};
    weir_tls_context *made = (weir_tls_context *)arg;
    weir_tls_why why = {"untold"};
    weir_status status = weir_tls_context_client(&made, &options, &why);
    bool is_made = is_made_or_told(status, made, &why);
    weir_tls_context_release(made);
    return is_made;
}

WEIR_TEST(tls_oom, a_context_is_made_or_it_is_told_why_not) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(certs, NULL);
    expect(weir_oom_sweep(make_client, identity) > 4);
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}

typedef struct host {
    tls_ends ends;
    weir_tls_identity *identities[2];
    int shown;
} host;

static bool change_identity(void *arg) {
    host *self = arg;
    char shown[64];
    int other = 1 - self->shown;
    weir_status status = weir_tls_context_set_identities(self->ends.server, &self->identities[other], 1);
    if (status == WEIR_OK) {
        self->shown = other;
    } else {
        expect_status(status, WEIR_E_NO_MEMORY);
    }
    expect(tls_ends_connect(&self->ends, NULL));
    expect_str(tls_wire_server_cert(&self->ends.wire, shown), self->shown == 0 ? "one" : "other");
    return status == WEIR_OK;
}

WEIR_TEST(tls_oom, a_server_shows_its_new_identity_or_the_one_it_had) {
    tls_certs *certs = tls_certs_new();
    host self = {.identities = {tls_certs_identity(certs, &(tls_cert){.common_name = "one"}),
                                tls_certs_identity(certs, &(tls_cert){.common_name = "other"})}};
    weir_tls_options client = {.no_resumption = true};
    weir_tls_options server = {.identities = self.identities, .identity_count = 1, .no_resumption = true};
    self.ends = tls_ends_open(certs, &client, &server);
    expect(weir_oom_sweep(change_identity, &self) > 2);
    for (int i = 0; i < 2; i++) weir_tls_identity_release(self.identities[i]);
    tls_ends_close(&self.ends);
}

/* ---- engines ---- */

enum {
    PIECE = 400 /* a flight of the server's comes in several */
};

/* It has failed for good, and says so. */
static weir_status expect_lost(weir_tls_engine *self, weir_status status) {
    expect_status(status, WEIR_E_NO_MEMORY);
    expect(weir_tls_engine_why(self)[0] != '\0');
    return status;
}

/* What `from` wants sent reaches `to` in pieces. */
static weir_status carry(weir_tls_engine *from, weir_tls_engine *to) {
    weir_buf *wire = weir_tls_engine_take(from);
    if (wire == NULL) return WEIR_OK;
    weir_status status = weir_buf_status(wire);
    while (status == WEIR_OK && weir_buf_is_readable(wire)) {
        size_t n = weir_buf_readable(wire);
        weir_buf *piece = weir_buf_read_slice(wire, n < PIECE ? n : PIECE);
        if (piece == NULL) {
            status = WEIR_E_NO_MEMORY;
        } else if ((status = weir_tls_engine_feed(to, piece)) != WEIR_OK) {
            expect_lost(to, status);
        }
    }
    weir_buf_release(wire);
    return status;
}

static weir_status go_on(weir_tls_engine *self, weir_tls_engine *peer) {
    weir_status status = weir_tls_engine_handshake(self);
    return status == WEIR_OK || status == -EAGAIN ? carry(self, peer) : expect_lost(self, status);
}

static weir_status meet(tls_pair *pair) {
    weir_tls_engine_options options = {.peer_name = "localhost"};
    weir_status status = weir_tls_engine_new(&pair->client, pair->client_context, &options, NULL);
    if (status == WEIR_OK) status = weir_tls_engine_new(&pair->server, pair->server_context, NULL, NULL);
    for (int i = 0; i < 3 && status == WEIR_OK; i++) {
        status = go_on(pair->client, pair->server);
        if (status == WEIR_OK) status = go_on(pair->server, pair->client);
    }
    if (status != WEIR_OK) return status;
    expect_status(weir_tls_engine_handshake(pair->client), WEIR_OK);
    expect_status(weir_tls_engine_handshake(pair->server), WEIR_OK);
    return WEIR_OK;
}

/* That there is a certificate, and that it is right, is told in any case; its texts are all there or none. */
static weir_status ask(tls_pair *pair) {
    weir_tls_info info;
    weir_tls_engine_get_info(pair->client, &info);
    expect(info.has_peer_cert && info.verified);
    bool has_texts = info.peer_der.len != 0;
    expect_eq(info.peer_sha256.len, has_texts ? 32 : 0);
    expect_str(info.peer_subject, has_texts ? "CN=leaf" : "");
    return has_texts ? (weir_status)WEIR_OK : (weir_status)WEIR_E_NO_MEMORY;
}

static weir_status change_keys(tls_pair *pair) {
    weir_status status = weir_tls_engine_update_keys(pair->client);
    if (status == WEIR_OK) return carry(pair->client, pair->server);
    expect_status(weir_tls_engine_write(pair->client, weir_buf_empty()), WEIR_E_NO_MEMORY);
    return expect_lost(pair->client, status);
}

static weir_status tell(tls_pair *pair) {
    weir_buf *said = weir_buf_new(5), *heard;
    if (said == NULL) return WEIR_E_NO_MEMORY;
    weir_buf_write_str(said, "hello");
    weir_status status = weir_tls_engine_write(pair->client, said);
    if (status == WEIR_OK) status = carry(pair->client, pair->server);
    if (status == WEIR_OK) status = weir_tls_engine_read(pair->server, 100, &heard);
    if (status != WEIR_OK) return status;
    expect(heard != NULL && weir_bytes_equal(weir_buf_peek(heard), weir_bytes_str("hello")));
    weir_buf_release(heard);
    return WEIR_OK;
}

static bool live(void *arg) {
    tls_pair *pair = arg;
    weir_status status = meet(pair);
    if (status == WEIR_OK) status = ask(pair);
    if (status == WEIR_OK) status = change_keys(pair);
    if (status == WEIR_OK) status = tell(pair);
    if (status != WEIR_OK) expect_status(status, WEIR_E_NO_MEMORY);
    tls_pair_close(pair);
    return status == WEIR_OK;
}

WEIR_TEST(tls_oom, an_engine_carries_what_it_was_given_or_fails_for_good) {
    tls_pair pair;
    weir_tls_options options = {.no_resumption = true};
    tls_pair_begin(&pair, &options, &options);
    expect(weir_oom_sweep(live, &pair) > 20);
    tls_pair_end(&pair);
}

/* ---- handlers ---- */

static weir_status build_by_alpn(weir_pipeline *pipeline, void *arg) {
    static weir_tls_alpn table;
    tls_end *self = arg;
    table = (weir_tls_alpn){"h2", tls_end_build_handler, self};
    weir_status status = weir_tls_handler_add(pipeline, self->context, &self->options);
    return status != WEIR_OK ? status : weir_tls_alpn_add(pipeline, &table, 1);
}

static bool open_end(tls_end *self, weir_build_fn *build) {
    self->end_told = false;
    self->trail[0] = 0;
    self->read = weir_buf_new(100);
    self->embedded = self->read != NULL ? weir_embedded_new(NULL, build, self) : NULL;
    if (self->embedded != NULL) self->channel = weir_embedded_channel(self->embedded);
    return self->embedded != NULL;
}

static bool has_told(const tls_end *self) {
    return strstr(self->trail, "error") != NULL || weir_embedded_aborted(self->embedded) != WEIR_OK;
}

static weir_status converse(tls_talk *talk) {
    weir_buf *said = weir_buf_new(5);
    if (said == NULL) return WEIR_E_NO_MEMORY;
    weir_buf_write_str(said, "hello");
    tls_talk_carry(talk);
    weir_status status = weir_tls_update_keys(weir_embedded_pipeline(talk->client.embedded));
    weir_channel_write(talk->client.channel, said, NULL);
    tls_talk_carry(talk);
    return status;
}

static bool talk_once(void *arg) {
    tls_talk *talk = arg;
    bool is_open = open_end(&talk->server, build_by_alpn) && open_end(&talk->client, tls_end_build);
    bool is_heard = false;
    talk->out_of_wire = false;
    if (is_open) {
        weir_status status = converse(talk);
        is_heard = weir_bytes_equal(weir_buf_peek(talk->server.read), weir_bytes_str("hello"));
        bool is_told = status != WEIR_OK || has_told(&talk->client) || has_told(&talk->server);
        expect(is_heard || is_told || talk->out_of_wire);
        expect(!is_heard || status == WEIR_OK);
    }
    tls_talk_close(talk);
    return is_heard;
}

WEIR_TEST(tls_oom, a_channel_carries_what_was_written_or_tells_that_it_failed) {
    static const char *const protocols[] = {"h2"};
    tls_talk talk;
    weir_log_set_level(WEIR_LOG_OFF);
    weir_tls_options options = {.no_resumption = true, .alpn = protocols, .alpn_count = 1};
    tls_talk_begin(&talk, &options, &options);
    expect(weir_oom_sweep(talk_once, &talk) > 20);
    tls_talk_end(&talk);
}
