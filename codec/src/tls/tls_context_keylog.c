/* tls_context_keylog.c - the secrets of every connection, for Wireshark. One write a line, so that processes can share
 * a file. The environment is never asked: a variable must not be enough to make a program tell its secrets.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <weir/core/log.h>

#include "tls/tls_context_inside.h"
#include "tls/tls_why.h"

static void on_line(const SSL *ssl, const char *line) {
    struct iovec parts[] = {{(void *)(uintptr_t)line, strlen(line)}, {(char[]){'\n'}, 1}};
    ssize_t n = writev(tls_context_of(ssl)->key_log, parts, 2);
    if (n < 0) weir_log(WEIR_LOG_WARN, "tls", "key log: %s", weir_status_text(weir_status_from_errno(errno)));
}

/* Also one that was there before is for its owner alone from now on. */
static weir_status check_file(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) return weir_status_from_errno(errno);
    if (!S_ISREG(status.st_mode)) return WEIR_E_UNSUPPORTED;
    return fchmod(fd, 0600) == 0 ? WEIR_OK : weir_status_from_errno(errno);
}

weir_status tls_context_key_log(weir_tls_context *self, const weir_tls_options *options, weir_tls_why *why) {
    const char *path = options->key_log_file;
    if (path == NULL) return WEIR_OK;
    self->key_log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    weir_status status = self->key_log < 0 ? weir_status_from_errno(errno) : check_file(self->key_log);
    if (status != WEIR_OK) return tls_why_from_file(why, path, status);
    SSL_CTX_set_keylog_callback(self->ssl, on_line);
    weir_log(WEIR_LOG_WARN, "tls", "the keys of all connections are written to %s", path);
    return WEIR_OK;
}
