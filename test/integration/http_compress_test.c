/* http_compress_test.c - compressed answers of a server that is a program, read by curl. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "http_site.h"

static void run_in(const struct site *site, const char *script) {
    char command[1200];
    snprintf(command, sizeof command, "cd '%s' && url=http://127.0.0.1:%u && %s", site->place.folder,
             site->port, script);
    if (system(command) != 0) weir_test_fail(__FILE__, __LINE__, "failed: %s", command);
}

WEIR_TEST(http_compress, is_read_by_curl) {
    struct site site;
    require(system("curl --version >/dev/null 2>&1") == 0); /* ./dev installs it */
    site_open(&site, "seq 1 100000 >numbers.txt && seq 1 9 >few.txt && cp numbers.txt numbers.png",
              "--compress", NULL);
    run_in(&site, "curl -sS -m 20 --compressed -D head $url/numbers.txt | cmp - numbers.txt && "
                  "grep -qi '^content-encoding: ' head && grep -qi '^vary: accept-encoding' head && "
                  "grep -qi '^etag: W/' head && ! grep -qi '^content-length' head");
    run_in(
        &site,
        "for coding in gzip deflate br zstd; do "
        "curl -V | grep -qiw \"$(echo $coding | sed 's/^br$/brotli/; s/gzip\\|deflate/libz/')\" || continue; "
        "curl -sS -m 20 --compressed -H \"Accept-Encoding: $coding\" -D head $url/numbers.txt | "
        "cmp - numbers.txt && grep -qi \"^content-encoding: $coding\" head || exit 1; done");
    run_in(&site, "for name in few.txt numbers.png; do curl -sS -m 20 --compressed -D head $url/$name | "
                  "cmp - $name && ! grep -qi '^content-encoding' head || exit 1; done");
    run_in(&site, "curl -sS -m 20 -H 'Accept-Encoding: gzip' -r 10-19 -D head $url/numbers.txt >part && "
                  "tail -c +11 numbers.txt | head -c 10 | cmp - part && grep -q ' 206 ' head");
    run_in(&site,
           "tag=$(curl -sSI -m 20 --compressed $url/numbers.txt | sed -n 's/^ETag: *//ip' | tr -d '\\r') && "
           "curl -sS -m 20 --compressed -H \"If-None-Match: $tag\" -w '%{http_code}' $url/numbers.txt | "
           "grep -qx 304");
    site_close(&site);
}
