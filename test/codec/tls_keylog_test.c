/* The file with the secrets of connections. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/core/log.h>
#include <weir/testing.h>

#include "tls_wire.h"

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *text) {
    (void)level, (void)subject, (void)text;
    ++*(int *)arg;
}

static size_t count_lines(const char *path, const char *start) {
    char line[512];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        count += strncmp(line, start, strlen(start)) == 0 && line[strlen(line) - 1] == '\n';
    if (file != NULL) fclose(file);
    return count;
}

WEIR_TEST(tls_keylog, each_connection_adds_its_secrets_to_a_file_of_its_owner) {
    int lines = 0;
    weir_log_set_sink(drop_line, &lines);
    tls_certs *certs = tls_certs_new();
    const char *path = tls_certs_file(certs, "keys", weir_bytes_str("before\n"));
    expect_eq(chmod(path, 0644), 0);
    tls_ends ends = tls_ends_open(certs, &(weir_tls_options){.key_log_file = path}, NULL);
    expect_eq(lines, 1); /* a warning: it must not be left on by mistake */
    expect(tls_ends_connect(&ends, NULL));
    expect(tls_ends_connect(&ends, NULL));
    struct stat status;
    expect_eq(stat(path, &status), 0);
    expect_eq(status.st_mode & 07777, 0600);
    expect_eq(count_lines(path, "before"), 1);
    expect_eq(count_lines(path, "CLIENT_TRAFFIC_SECRET_0 "), 2);
    expect_eq(count_lines(path, "SERVER_TRAFFIC_SECRET_0 "), 2);
    tls_ends_close(&ends);
    weir_log_set_sink(NULL, NULL);
}

WEIR_TEST(tls_keylog, the_environment_alone_logs_nothing) {
    tls_certs *certs = tls_certs_new();
    const char *path = tls_certs_path(certs, "keys");
    setenv("SSLKEYLOGFILE", path, 1);
    tls_ends ends = tls_ends_open(certs, NULL, NULL);
    expect(tls_ends_connect(&ends, NULL));
    expect_eq(access(path, F_OK), -1);
    unsetenv("SSLKEYLOGFILE");
    tls_ends_close(&ends);
}

static void expect_refused(const char *path, weir_status status, const char *reason) {
    weir_tls_context *context;
    weir_tls_why why;
    char sentence[256];
    snprintf(sentence, sizeof sentence, "%s: %s", path, reason);
    expect_status(weir_tls_context_client(&context, &(weir_tls_options){.key_log_file = path}, &why), status);
    expect_str(why.text, sentence);
}

WEIR_TEST(tls_keylog, only_a_file_of_its_own_is_written_to) {
    tls_certs *certs = tls_certs_new();
    const char *link_path = tls_certs_path(certs, "link"), *pipe_path = tls_certs_path(certs, "pipe");
    expect_eq(symlink(tls_certs_file(certs, "target", weir_bytes_str("x")), link_path), 0);
    expect_eq(mkfifo(pipe_path, 0600), 0);
    expect_refused(link_path, -ELOOP, weir_status_text(-ELOOP));
    expect_refused(pipe_path, -ENXIO, weir_status_text(-ENXIO));
    expect_refused("/dev/null", WEIR_E_UNSUPPORTED, "not a regular file");
    expect_refused("/no/such/file", -ENOENT, "no such file or directory");
    tls_certs_free(certs);
}
