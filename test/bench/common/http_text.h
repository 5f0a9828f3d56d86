/* common/http_text.h - the requests that parsers are compared by. */
#ifndef BENCH_HTTP_TEXT_H
#define BENCH_HTTP_TEXT_H

/* A page asked for by a browser: 12 fields. */
#define BENCH_BROWSER                                                                                        \
    "GET /articles/2024/03/a-long-walk?from=index&page=2 HTTP/1.1\r\n"                                       \
    "Host: www.example.com\r\n"                                                                              \
    "Connection: keep-alive\r\n"                                                                             \
    "Cache-Control: max-age=0\r\n"                                                                           \
    "Upgrade-Insecure-Requests: 1\r\n"                                                                       \
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 "   \
    "Safari/537.36\r\n"                                                                                      \
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"      \
    "Sec-Fetch-Site: same-origin\r\n"                                                                        \
    "Sec-Fetch-Mode: navigate\r\n"                                                                           \
    "Referer: https://www.example.com/articles/\r\n"                                                         \
    "Accept-Encoding: gzip, deflate, br\r\n"                                                                 \
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"                                                           \
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=all\r\n"                          \
    "\r\n"

/* What load generators send to a "plaintext" test. */
#define BENCH_PLAINTEXT                                                                                      \
    "GET /plaintext HTTP/1.1\r\n"                                                                            \
    "Host: tfb-server\r\n"                                                                                   \
    "Accept: text/plain,text/html;q=0.9,application/xhtml+xml;q=0.9,application/xml;q=0.8,*/*;q=0.7\r\n"     \
    "Connection: keep-alive\r\n"                                                                             \
    "\r\n"

#endif
