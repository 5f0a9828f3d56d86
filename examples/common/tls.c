/* tls.c - a server's context from its command line. */
#include "common/tls.h"

#include <stdio.h>

enum {
    SELF_SIGNED_DAYS = 30
};

static weir_status make_identity(weir_tls_identity **out, const args_tls *args, const char *host,
                                 weir_tls_why *why) {
    const char *names[] = {host, "localhost", "127.0.0.1", "::1"};
    weir_status status =
        weir_tls_identity_self_signed(out, names, sizeof names / sizeof *names, SELF_SIGNED_DAYS, why);
    if (status != WEIR_OK || (args->cert == NULL && args->key == NULL)) return status;
    status = weir_tls_identity_save(*out, args->cert, args->key);
    if (status == WEIR_OK) return WEIR_OK;
    snprintf(why->text, sizeof why->text, "cannot write it: %s", weir_status_text(status));
    weir_tls_identity_release(*out);
    *out = NULL;
    return status;
}

static weir_status find_identity(weir_tls_identity **out, const args_tls *args, const char *host,
                                 weir_tls_why *why) {
    if (args->self_signed) return make_identity(out, args, host, why);
    weir_tls_identity_options options = {.cert_file = args->cert, .key_file = args->key};
    return weir_tls_identity_load(out, &options, why);
}

int tls_server_context(weir_tls_context **out, const args_tls *args, const char *host, const char *protocol) {
    *out = NULL;
    if (args->key != NULL && args->cert == NULL) complain_usage("--tls-key needs --tls-cert");
    if (!args->self_signed && args->cert == NULL) {
        if (args->key_log != NULL) complain_usage("--tls-key-log needs --tls-cert or --tls-self-signed");
        return 0;
    }
    weir_tls_why why = {""};
    weir_tls_identity *identity = NULL;
    weir_status status = find_identity(&identity, args, host, &why);
    if (status == WEIR_OK) {
        weir_tls_options options = {
            .identities = &identity,
            .identity_count = 1,
            .key_log_file = args->key_log,
            .alpn = &protocol,
            .alpn_count = protocol != NULL,
            .kernel = args->without_kernel ? WEIR_TLS_KERNEL_OFF : WEIR_TLS_KERNEL_AUTO,
        };
        status = weir_tls_context_server(out, &options, &why);
    }
    weir_tls_identity_release(identity);
    return status == WEIR_OK ? 0 : complain("cannot speak TLS: %s", why.text);
}

int tls_server_reload(weir_tls_context *context, const args_tls *args) {
    if (context == NULL || args->self_signed) return 0;
    weir_tls_why why = {""};
    weir_tls_identity *identity = NULL;
    weir_status status = find_identity(&identity, args, NULL, &why);
    if (status == WEIR_OK) status = weir_tls_context_set_identities(context, &identity, 1);
    weir_tls_identity_release(identity);
    if (status == WEIR_OK) return 0;
    return complain("the certificate stays as it was: %s",
                    why.text[0] != '\0' ? why.text : weir_status_text(status));
}

weir_status tls_server_add(weir_pipeline *pipeline, weir_tls_context *context) {
    return context == NULL ? WEIR_OK : weir_tls_handler_add(pipeline, context, NULL);
}
