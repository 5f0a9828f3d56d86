/* http_site.c - one server, asked one thing at a time. */
#include "http_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <weir/testing.h>

char site_reply[SITE_ROOM + 1], site_content[SITE_ROOM + 1];

/* The folder is filled by a shell, in it. `more`: options, or NULL. */
void site_open(struct site *self, const char *fill, const char *more, const char *value) {
    char command[2048];
    place_open(&self->place);
    snprintf(command, sizeof command, "cd '%s' && %s", self->place.folder, fill);
    require(system(command) == 0);
    program_start(&self->server, "http_file_server", "--port", "0", "--loops", "2", "--root",
                  self->place.folder, "--listing", more, value, NULL);
    self->port = program_port(&self->server);
    require(self->port != 0);
}

void site_close(struct site *self) {
    expect_eq(program_stop(&self->server), 0);
    expect(strstr(program_err(&self->server), "anitizer") == NULL);
    program_end(&self->server);
    place_close(&self->place);
}

/* ---- asking ---- */

size_t site_ask_bytes(const struct site *self, const char *request, size_t n) {
    weir_test_context("request %.90s", request);
    ssize_t came = converse(dial(self->port), request, n, site_reply, sizeof site_reply);
    expect(came >= 0);
    return came < 0 ? 0 : (size_t)came;
}

size_t site_ask(const struct site *self, const char *method, const char *path, const char *fields) {
    char request[1024];
    int n = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, path, fields);
    return site_ask_bytes(self, request, (size_t)n);
}

unsigned site_status(void) {
    return strncmp(site_reply, "HTTP/1.1 ", 9) == 0 ? (unsigned)strtoul(site_reply + 9, NULL, 10) : 0;
}

const char *site_body(void) {
    const char *end = strstr(site_reply, "\r\n\r\n");
    return end == NULL ? "" : end + 4;
}

bool site_says(const char *text) {
    return strstr(site_reply, text) != NULL;
}

/* The value of a field of the last site_reply. Until: the next call. */
const char *site_field(const char *name) {
    static char value[256];
    const char *at = strcasestr(site_reply, name);
    value[0] = '\0';
    if (at != NULL) sscanf(at + strlen(name), ": %255[^\r]", value);
    return value;
}

size_t site_load(struct site *self, const char *name) {
    FILE *file = fopen(place_path(&self->place, name), "r");
    require(file != NULL);
    size_t n = fread(site_content, 1, SITE_ROOM, file);
    fclose(file);
    return n;
}
