/* tls_library.c - starts OpenSSL, unless the program did.
 *
 * Its clean-up at exit is left out: loops of other threads may still be in a handshake then. Its configuration file
 * is read as the administrator wrote it, for providers such as FIPS; what a context promises is set explicitly in each.
 */
#include "tls/tls_library.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>

#include "tls/tls_why.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_started;

static void start(void) {
    is_started = OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL) == 1;
}

weir_status tls_library_start(weir_tls_why *why) {
    pthread_once(&once, start);
    if (is_started) return WEIR_OK;
    tls_why_from_queue(why, "OpenSSL does not start");
    return WEIR_E_UNSUPPORTED;
}

void tls_lower(char *text) {
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z') *text = (char)(*text + ('a' - 'A'));
}

size_t tls_parse_address(const char *text, uint8_t out[16]) {
    if (inet_pton(AF_INET, text, out) == 1) return 4;
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

bool tls_print_address(const uint8_t *raw, size_t len, char *out, size_t room) {
    return inet_ntop(len == 4 ? AF_INET : AF_INET6, raw, out, (socklen_t)room) != NULL;
}
