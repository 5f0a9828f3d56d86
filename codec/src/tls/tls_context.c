/* tls_context.c - the life of a context: one SSL_CTX, set up once and then only read, and beside it what changes. */
#include "tls/tls_context_inside.h"

#include <openssl/err.h>
#include <unistd.h>

#include <weir/core/alloc.h>

#include "tls/tls_library.h"
#include "tls/tls_why.h"

static void free_context(weir_obj *obj) {
    weir_tls_context *self = (weir_tls_context *)obj;
    SSL_CTX_free(self->ssl);
    tls_tickets_free(self->tickets);
    tls_sessions_free(self->sessions);
    tls_names_release(self->names);
    if (self->key_log >= 0) close(self->key_log);
    pthread_mutex_destroy(&self->lock);
    weir_alloc_release(NULL, self->alpn);
    weir_alloc_release(NULL, self);
}

static weir_leak_counter living = {.name = "tls context"};
static const weir_obj_type type = {.name = "tls context", .free = free_context, .live = &living};

weir_tls_context *tls_context_of(const SSL *ssl) {
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

bool tls_context_is_server(const weir_tls_context *context) {
    return context->is_server;
}

bool tls_context_is_insecure(const weir_tls_context *context) {
    return context->is_insecure;
}

tls_counts *tls_context_counts(weir_tls_context *context) {
    return &context->counts;
}

static weir_tls_context *new_context(bool is_server) {
    weir_tls_context *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    weir_obj_init(&self->obj, &type);
    self->is_server = is_server;
    self->key_log = -1;
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

static weir_status open_library(weir_tls_context *self, weir_tls_why *why) {
    weir_status status = tls_library_start(why);
    if (status != WEIR_OK) return status;
    ERR_clear_error();
    self->ssl = SSL_CTX_new(self->is_server ? TLS_server_method() : TLS_client_method());
    if (self->ssl == NULL) return tls_why_from_queue(why, "no context");
    SSL_CTX_set_app_data(self->ssl, self);
    SSL_CTX_set_cert_cb(self->ssl, tls_context_on_cert, self);
    if (self->is_server) SSL_CTX_set_tlsext_servername_callback(self->ssl, tls_context_on_name);
    return WEIR_OK;
}

static weir_status check_identities(bool is_server, weir_tls_identity *const *identities, size_t count,
                                    weir_tls_why *why) {
    const char *wrong = is_server && count == 0   ? "a server needs an identity"
                        : !is_server && count > 1 ? "a client takes at most one identity"
                                                  : NULL;
    for (size_t i = 0; wrong == NULL && i < count; i++)
        if (identities[i] == NULL) wrong = "an identity is NULL";
    if (wrong == NULL) return WEIR_OK;
    tls_why_say(why, "%s", wrong);
    return WEIR_E_INVALID;
}

static weir_status replace(weir_tls_context *self, weir_tls_identity *const *identities, size_t count,
                           weir_tls_why *why) {
    weir_status status = tls_context_try(self, identities, count, why);
    if (status != WEIR_OK) return status;
    tls_names *names = tls_names_new(identities, count);
    if (names == NULL) return WEIR_E_NO_MEMORY;
    pthread_mutex_lock(&self->lock);
    tls_names *before = self->names;
    self->names = names;
    pthread_mutex_unlock(&self->lock);
    tls_names_release(before);
    return WEIR_OK;
}

static weir_status set_up(weir_tls_context *self, const weir_tls_options *options, weir_tls_why *why) {
    weir_status status = open_library(self, why);
    if (status == WEIR_OK) status = tls_context_protocol(self, options, why);
    if (status == WEIR_OK) status = replace(self, options->identities, options->identity_count, why);
    if (status == WEIR_OK) status = tls_context_alpn(self, options, why);
    if (status == WEIR_OK) status = tls_context_trust(self, options, why);
    if (status == WEIR_OK) status = tls_context_resumption(self, options, why);
    if (status == WEIR_OK) status = tls_context_key_log(self, options, why);
    return status;
}

static weir_status make(weir_tls_context **out, bool is_server, const weir_tls_options *given,
                        weir_tls_why *why) {
    static const weir_tls_options defaults;
    const weir_tls_options *options = given != NULL ? given : &defaults;
    *out = NULL;
    if (why != NULL) why->text[0] = '\0';
    weir_status status = check_identities(is_server, options->identities, options->identity_count, why);
    if (status != WEIR_OK) return status;
    weir_tls_context *self = new_context(is_server);
    status = self == NULL ? WEIR_E_NO_MEMORY : set_up(self, options, why);
    if (status == WEIR_OK) {
        *out = self;
        return WEIR_OK;
    }
    if (why != NULL && why->text[0] == '\0') tls_why_say(why, "%s", weir_status_text(status));
    weir_tls_context_release(self);
    return status;
}

weir_status weir_tls_context_server(weir_tls_context **out, const weir_tls_options *options,
                                    weir_tls_why *why) {
    return make(out, true, options, why);
}

weir_status weir_tls_context_client(weir_tls_context **out, const weir_tls_options *options,
                                    weir_tls_why *why) {
    return make(out, false, options, why);
}

weir_status weir_tls_context_set_identities(weir_tls_context *context, weir_tls_identity *const *identities,
                                            size_t count) {
    weir_status status = check_identities(context->is_server, identities, count, NULL);
    return status == WEIR_OK ? replace(context, identities, count, NULL) : status;
}

weir_status weir_tls_context_set_ticket_keys(weir_tls_context *context, weir_bytes keys) {
    if (context->tickets == NULL) return WEIR_E_UNSUPPORTED;
    return tls_tickets_set(context->tickets, keys);
}

static uint64_t count_sessions(const weir_tls_context *self) {
    if (self->sessions != NULL) return tls_sessions_count(self->sessions);
    return (uint64_t)SSL_CTX_sess_number(self->ssl);
}

void weir_tls_context_get_stats(const weir_tls_context *context, weir_tls_context_stats *out) {
    const tls_counts *counts = &context->counts;
    *out = (weir_tls_context_stats){
        .handshakes = atomic_load_explicit(&counts->handshakes, memory_order_relaxed),
        .resumed = atomic_load_explicit(&counts->resumed, memory_order_relaxed),
        .failures = atomic_load_explicit(&counts->failures, memory_order_relaxed),
        .sessions = count_sessions(context),
        .key_updates = atomic_load_explicit(&counts->key_updates, memory_order_relaxed),
        .ktls = atomic_load_explicit(&counts->ktls, memory_order_relaxed),
    };
}
