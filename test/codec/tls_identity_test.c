#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/testing.h>

#include "tls/tls_identity_inside.h"
#include "tls_certs.h"

/* Fails with this sentence, in which % stands for `path`. */
static void expect_refused(const weir_tls_identity_options *options, weir_status status, const char *sentence,
                           const char *path) {
    weir_tls_identity *identity = (weir_tls_identity *)&identity;
    weir_tls_why why;
    char expected[256] = "";
    snprintf(expected, sizeof expected, "%s%s", path, sentence);
    expect_status(weir_tls_identity_load(&identity, options, &why), status);
    expect_eq(identity, NULL);
    expect_str(why.text, expected);
    expect_status(weir_tls_identity_load(&identity, options, NULL), status);
}

WEIR_TEST(tls_identity, what_cannot_be_loaded_is_told_in_one_sentence) {
    tls_certs *certs = tls_certs_new();
    tls_cert_text text = tls_certs_make(certs, NULL), other = tls_certs_make(certs, NULL);
    weir_bytes junk = weir_bytes_str("junk");
    weir_bytes broken = weir_bytes_str("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    weir_bytes half_key = weir_bytes_str("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    const struct {
        weir_tls_identity_options options;
        const char *sentence;
    } cases[] = {
        {{0}, "an identity needs a certificate: cert_file or cert"},
        {{.cert = junk, .key = text.key}, "the certificate in memory: there is no certificate in it"},
        {{.cert = text.key, .key = text.key}, "the certificate in memory: there is no certificate in it"},
        {{.cert = text.cert, .key = junk}, "the private key in memory: there is no private key in it"},
        {{.cert = text.cert, .key = text.cert}, "the private key in memory: there is no private key in it"},
        {{.cert = text.cert}, "the certificate in memory: there is no private key in it"},
        {{.cert = text.cert, .key = other.key},
         "the certificate in memory: the private key belongs to another certificate"},
        {{.cert = text.cert, .key = text.key, .names = (const char *[]){""}, .name_count = 1},
         "a name of an identity is empty or longer than 253 characters"},
        {{.cert = text.cert, .key = text.key, .names = (const char *[]){NULL}, .name_count = 1},
         "a name of an identity is empty or longer than 253 characters"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_test_context("case %zu", i);
        expect_refused(&cases[i].options, WEIR_E_INVALID, cases[i].sentence, "");
    }
    weir_tls_identity *identity;
    weir_tls_why why;
    weir_tls_identity_options options = {.cert = broken, .key = text.key};
    expect_status(weir_tls_identity_load(&identity, &options, &why), WEIR_E_INVALID);
    expect(strncmp(why.text, "the certificate in memory: a certificate cannot be read: ", 57) == 0);
    options = (weir_tls_identity_options){.cert = text.cert, .key = half_key};
    expect_status(weir_tls_identity_load(&identity, &options, &why), WEIR_E_INVALID);
    expect(strncmp(why.text, "the private key in memory: the private key cannot be read: ", 59) == 0);
    options = (weir_tls_identity_options){.cert = text.cert, .key = text.key, .ocsp = junk};
    expect_status(weir_tls_identity_load(&identity, &options, &why), WEIR_E_INVALID);
    expect(strncmp(why.text,
                   "the OCSP response in memory: not an OCSP response with an answer (DER): ", 72) == 0);
    tls_certs_free(certs);
}

WEIR_TEST(tls_identity, an_encrypted_key_needs_its_password) {
    tls_certs *certs = tls_certs_new();
    tls_cert_text text = tls_certs_make(certs, NULL);
    weir_tls_identity_options options = {.cert = text.cert,
                                         .key = tls_certs_encrypt_key(certs, text.key, "secret")};
    expect_refused(&options, WEIR_E_INVALID,
                   "the private key in memory: the private key is encrypted, and no password was given", "");
    options.password = "wrong";
    expect_refused(&options, WEIR_E_INVALID,
                   "the private key in memory: the private key is encrypted, and the password is wrong", "");
    options.password = "";
    expect_refused(&options, WEIR_E_INVALID,
                   "the private key in memory: the private key is encrypted, and the password is wrong", "");
    options.password = "secret";
    weir_tls_identity *identity;
    expect_status(weir_tls_identity_load(&identity, &options, NULL), WEIR_OK);
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}

WEIR_TEST(tls_identity, files_that_cannot_be_read_are_named) {
    tls_certs *certs = tls_certs_new();
    tls_cert_text text = tls_certs_make(certs, NULL);
    const char *missing = tls_certs_path(certs, "missing"),
               *empty = tls_certs_file(certs, "empty", (weir_bytes){0});
    expect_refused(&(weir_tls_identity_options){.cert_file = missing}, -ENOENT, ": no such file or directory",
                   missing);
    expect_refused(&(weir_tls_identity_options){.cert = text.cert, .key_file = missing}, -ENOENT,
                   ": no such file or directory", missing);
    expect_refused(&(weir_tls_identity_options){.cert_file = "/tmp"}, -EISDIR, ": is a directory", "/tmp");
    expect_refused(&(weir_tls_identity_options){.cert_file = "/dev/zero"}, WEIR_E_UNSUPPORTED,
                   ": not a regular file", "/dev/zero");
    expect_refused(&(weir_tls_identity_options){.cert_file = empty}, WEIR_E_INVALID,
                   ": there is no certificate in it", empty);
    expect_refused(&(weir_tls_identity_options){.cert = text.cert, .key = text.key, .ocsp_file = missing},
                   -ENOENT, ": no such file or directory", missing);
    tls_certs_free(certs);
}

WEIR_TEST(tls_identity, a_key_may_stand_behind_its_certificate) {
    tls_certs *certs = tls_certs_new();
    tls_cert_text text = tls_certs_make(certs, NULL);
    char both[8192];
    int n = snprintf(both, sizeof both, "words in front\n%.*s%.*s", (int)text.cert.len,
                     (const char *)text.cert.ptr, (int)text.key.len, (const char *)text.key.ptr);
    const char *file = tls_certs_file(certs, "both.pem", weir_bytes_of(both, (size_t)n));
    weir_tls_identity *identity;
    weir_tls_why why;
    expect_status(weir_tls_identity_load(&identity, &(weir_tls_identity_options){.cert_file = file}, &why),
                  WEIR_OK);
    expect_str(why.text, "");
    expect_eq(sk_X509_num(identity->chain), 1);
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}

WEIR_TEST(tls_identity, it_answers_to_the_names_of_the_certificate) {
    static const char trick[] = "good.example\0.evil.example";
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity =
        tls_certs_identity(certs, &(tls_cert){.names = "A.Example,*.b.example,192.0.2.1,2001:db8::1",
                                              .raw_name = {(const uint8_t *)trick, sizeof trick - 1}});
    require(identity->name_count == 4);
    expect_str(identity->names[0], "a.example");
    expect_str(identity->names[1], "*.b.example");
    expect_str(identity->names[2], "192.0.2.1");
    expect_str(identity->names[3], "2001:db8::1");
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}

WEIR_TEST(tls_identity, it_answers_to_other_names_when_told_to) {
    tls_certs *certs = tls_certs_new();
    tls_cert_text text = tls_certs_make(certs, NULL);
    const char *names[] = {"Other.Example.", "*.x"};
    weir_tls_identity *identity;
    weir_tls_identity_options options = {.cert = text.cert, .key = text.key, .names = names, .name_count = 2};
    expect_status(weir_tls_identity_load(&identity, &options, NULL), WEIR_OK);
    require(identity->name_count == 2);
    expect_str(identity->names[0], "other.example");
    expect_str(identity->names[1], "*.x");
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}

/* ---- made by itself ---- */

static const char *const local_names[] = {"Localhost", "127.0.0.1", "::1"};

WEIR_TEST(tls_identity, a_self_signed_one_is_for_its_names_and_days) {
    weir_tls_identity *identity, *second;
    weir_tls_why why;
    require(weir_tls_identity_self_signed(&identity, local_names, 3, 30, &why) == WEIR_OK);
    require(weir_tls_identity_self_signed(&second, local_names, 3, 30, NULL) == WEIR_OK);
    require(identity->name_count == 3);
    expect_str(identity->names[0], "localhost");
    expect_str(identity->names[2], "::1");
    expect_eq(X509_check_private_key(identity->leaf, identity->key), 1);
    expect_eq(X509_verify(identity->leaf, identity->key), 1);
    int days, seconds;
    expect_eq(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(identity->leaf)), 1);
    expect(days == 30 || (days == 29 && seconds > 86000));
    expect_eq(X509_cmp_current_time(X509_get0_notBefore(identity->leaf)), -1);
    expect(EVP_PKEY_eq(identity->key, second->key) != 1);
    expect(ASN1_INTEGER_cmp(X509_get0_serialNumber(identity->leaf), X509_get0_serialNumber(second->leaf)) !=
           0);
    weir_tls_identity_release(identity);
    weir_tls_identity_release(second);
}

WEIR_TEST(tls_identity, a_self_signed_one_needs_names_and_days) {
    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    long_name[254] = '\0';
    const char *const names[] = {"", long_name, NULL};
    weir_tls_identity *identity;
    weir_tls_why why;
    expect_status(weir_tls_identity_self_signed(&identity, NULL, 0, 1, &why), WEIR_E_INVALID);
    expect_str(why.text, "a certificate needs names of 1 to 253 characters and 1 to 36500 days");
    expect_status(weir_tls_identity_self_signed(&identity, local_names, 3, 0, &why), WEIR_E_INVALID);
    for (int i = 0; i < 3; i++)
        expect_status(weir_tls_identity_self_signed(&identity, names + i, 1, 1, &why), WEIR_E_INVALID);
    long_name[253] = '\0';
    expect_status(weir_tls_identity_self_signed(&identity, names + 1, 1, 36500, &why), WEIR_OK);
    weir_tls_identity_release(identity);
}

WEIR_TEST(tls_identity, a_name_is_never_read_as_a_configuration) {
    const char *const names[] = {"a.example,DNS:b.example"};
    weir_tls_identity *identity;
    require(weir_tls_identity_self_signed(&identity, names, 1, 1, NULL) == WEIR_OK);
    require(identity->name_count == 1);
    expect_str(identity->names[0], "a.example,dns:b.example");
    weir_tls_identity_release(identity);
}

/* ---- saved ---- */

static void expect_mode(const char *path, mode_t mode) {
    struct stat status;
    expect_eq(stat(path, &status), 0);
    expect_eq(status.st_mode & 07777, mode);
}

WEIR_TEST(tls_identity, what_was_saved_is_loaded_again_and_the_key_is_for_its_owner_alone) {
    tls_certs *certs = tls_certs_new();
    const char *cert_file = tls_certs_path(certs, "cert.pem"), *key_file = tls_certs_path(certs, "key.pem");
    weir_tls_identity *made, *loaded;
    require(weir_tls_identity_self_signed(&made, local_names, 3, 30, NULL) == WEIR_OK);
    umask(0);
    expect_status(weir_tls_identity_save(made, cert_file, key_file), WEIR_OK);
    expect_mode(cert_file, 0644);
    expect_mode(key_file, 0600);
    weir_tls_identity_options options = {.cert_file = cert_file, .key_file = key_file};
    require(weir_tls_identity_load(&loaded, &options, NULL) == WEIR_OK);
    expect_eq(X509_cmp(made->leaf, loaded->leaf), 0);
    expect_eq(EVP_PKEY_eq(made->key, loaded->key), 1);
    weir_tls_identity_release(made);
    weir_tls_identity_release(loaded);
    tls_certs_free(certs);
}

WEIR_TEST(tls_identity, saving_replaces_a_file_and_never_writes_into_it) {
    tls_certs *certs = tls_certs_new();
    const char *key_file = tls_certs_file(certs, "key.pem", weir_bytes_str("older"));
    const char *link_file = tls_certs_path(certs, "link.pem");
    const char *target = tls_certs_file(certs, "target", weir_bytes_str("untouched"));
    expect_eq(symlink(target, link_file), 0);
    FILE *reader = fopen(key_file, "rb");
    weir_tls_identity *identity = tls_certs_identity(certs, NULL);
    expect_status(weir_tls_identity_save(identity, NULL, key_file), WEIR_OK);
    expect_status(weir_tls_identity_save(identity, NULL, link_file), WEIR_OK);
    char text[16] = "";
    expect_eq(fread(text, 1, sizeof text, reader), 5);
    expect_str(text, "older");
    fclose(reader);
    expect_mode(key_file, 0600);
    struct stat status;
    expect_eq(stat(target, &status), 0);
    expect_eq(status.st_size, 9);
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}

WEIR_TEST(tls_identity, one_file_is_not_made_of_both) {
    tls_certs *certs = tls_certs_new();
    const char *file = tls_certs_file(certs, "both", weir_bytes_str("older"));
    weir_tls_identity *identity = tls_certs_identity(certs, NULL);
    expect_status(weir_tls_identity_save(identity, file, file), WEIR_E_INVALID);
    char text[16] = "";
    FILE *reader = fopen(file, "rb");
    expect_eq(fread(text, 1, sizeof text, reader), 5);
    expect_str(text, "older");
    fclose(reader);
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}

WEIR_TEST(tls_identity, a_failed_save_leaves_nothing_behind) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(certs, NULL);
    expect_status(weir_tls_identity_save(identity, "/no/such/cert", NULL), -ENOENT);
    const char *folder = tls_certs_path(certs, "folder");
    expect_eq(mkdir(folder, 0700), 0);
    expect_status(weir_tls_identity_save(identity, NULL, folder), -EISDIR);
    char command[200];
    snprintf(command, sizeof command, "test -z \"$(ls %s.* 2>/dev/null)\"", folder);
    expect_eq(system(command), 0);
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}

/* ---- out of memory: weir's own; OpenSSL's is in tls_memory_test.c ---- */

static bool load_one(void *arg) {
    const weir_tls_identity_options *options = arg;
    weir_tls_identity *identity;
    weir_status status = weir_tls_identity_load(&identity, options, NULL);
    expect(status == WEIR_OK || status == WEIR_E_NO_MEMORY);
    weir_tls_identity_release(identity);
    return status == WEIR_OK;
}

WEIR_TEST(tls_identity, loading_survives_running_out_of_memory) {
    tls_certs *certs = tls_certs_new();
    tls_cert_text text = tls_certs_make(certs, &(tls_cert){.is_ocsp_good = true});
    weir_tls_identity_options options = {.cert_file = tls_certs_file(certs, "cert", text.cert),
                                         .key_file = tls_certs_file(certs, "key", text.key),
                                         .ocsp_file = tls_certs_file(certs, "ocsp", text.ocsp)};
    weir_oom_sweep(load_one, &options);
    tls_certs_free(certs);
}
