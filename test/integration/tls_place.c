/* tls_place.c - files, one server, and a shell that stops at the first failure and after a while. */
#include "tls_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/testing.h>

static const char prelude[] = "set -eu\n"
                              "fail() { echo \"$1\"; exit 1; }\n"
                              "await() {\n"
                              "    tries=0\n"
                              "    until grep -q -e \"$1\" \"$2\"; do\n"
                              "        tries=$((tries + 1))\n"
                              "        [ $tries -lt 1000 ] || { cat \"$2\"; fail \"'$1' never came\"; }\n"
                              "        sleep 0.02\n"
                              "    done\n"
                              "}\n";

static void write_file(struct tls_place *self, const char *name, const char *mode, weir_bytes bytes) {
    FILE *file = fopen(place_path(&self->place, name), mode);
    require(file != NULL);
    require(fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len && fclose(file) == 0);
}

void tls_place_open(struct tls_place *self) {
    memset(self, 0, sizeof *self);
    place_open(&self->place);
    self->certs = tls_certs_new();
    write_file(self, "ca.pem", "w", tls_certs_ca(self->certs));
    write_file(self, "other.pem", "w", tls_certs_other_ca(self->certs));
}

void tls_place_cert(struct tls_place *self, const char *name, const tls_cert *cert) {
    tls_cert_text text = tls_certs_make(self->certs, cert);
    write_file(self, name, "w", text.cert);
    write_file(self, name, "a", text.key);
}

void tls_place_serve(struct tls_place *self, const char *program, const char *more, const char *value,
                     const char *flag) {
    char cert[sizeof self->place.path];
    if (place_size(&self->place, "cert.pem") < 0) tls_place_cert(self, "cert.pem", NULL);
    snprintf(cert, sizeof cert, "%s", place_path(&self->place, "cert.pem"));
    program_start(&self->server, program, "--port", "0", "--loops", "2", "--tls-cert", cert, more, value,
                  flag, NULL);
    self->port = program_port(&self->server);
    require(self->port != 0);
}

void tls_place_serve_files(struct tls_place *self) {
    tls_place_serve(self, "http_file_server", "--root", self->place.folder, "--listing");
}

void tls_place_run(struct tls_place *self, const char *script) {
    char command[1200], said[4000] = "";
    FILE *file = fopen(place_path(&self->place, ".script"), "w");
    require(file != NULL);
    fprintf(file, "%scd '%s'\nport=%u bin='%s'\n%s\necho all is well\n", prelude, self->place.folder,
            self->port, WEIR_BIN_DIR, script);
    require(fclose(file) == 0);
    snprintf(command, sizeof command, "timeout -k 5 100 sh %s 2>&1 | tail -c 3500", self->place.path);
    FILE *shell = popen(command, "r"); /* NOLINT: the path is of this test's making */
    require(shell != NULL);
    size_t n = fread(said, 1, sizeof said - 1, shell);
    said[n] = '\0';
    pclose(shell);
    const char *end = strstr(said, "all is well\n");
    if (end == NULL) weir_test_fail(__FILE__, __LINE__, "the script\n%s\nsaid\n%s", script, said);
}

void tls_place_close(struct tls_place *self) {
    if (self->server.pid != 0) {
        expect_eq(program_stop(&self->server), 0);
        expect(strstr(program_err(&self->server), "anitizer") == NULL);
        program_end(&self->server);
    }
    tls_certs_free(self->certs);
    place_close(&self->place);
}
