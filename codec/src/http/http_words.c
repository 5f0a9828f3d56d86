/* http_words.c - the words of start lines: methods and reason phrases (RFC 9110 9.3, 15, and the registry). */
#include <weir/codec/http_message.h>

#include "http/http_message_new.h"

#define METHOD_TEXT(name) [WEIR_HTTP_METHOD_##name] = {(const uint8_t *)#name, sizeof(#name) - 1},
static const weir_bytes methods[] = {WEIR_HTTP_METHOD_TABLE(METHOD_TEXT)};

weir_http_method http_method_of(weir_bytes text) {
    for (size_t i = 1; i < sizeof methods / sizeof methods[0]; i++) {
        if (weir_bytes_equal(text, methods[i])) return (weir_http_method)i;
    }
    return WEIR_HTTP_METHOD_OTHER;
}

#define LOWEST 100

static const char *const phrases[] = {
    [100 - LOWEST] = "Continue",
    [101 - LOWEST] = "Switching Protocols",
    [102 - LOWEST] = "Processing",
    [103 - LOWEST] = "Early Hints",
    [200 - LOWEST] = "OK",
    [201 - LOWEST] = "Created",
    [202 - LOWEST] = "Accepted",
    [203 - LOWEST] = "Non-Authoritative Information",
    [204 - LOWEST] = "No Content",
    [205 - LOWEST] = "Reset Content",
    [206 - LOWEST] = "Partial Content",
    [207 - LOWEST] = "Multi-Status",
    [208 - LOWEST] = "Already Reported",
    [226 - LOWEST] = "IM Used",
    [300 - LOWEST] = "Multiple Choices",
    [301 - LOWEST] = "Moved Permanently",
    [302 - LOWEST] = "Found",
    [303 - LOWEST] = "See Other",
    [304 - LOWEST] = "Not Modified",
    [305 - LOWEST] = "Use Proxy",
    [307 - LOWEST] = "Temporary Redirect",
    [308 - LOWEST] = "Permanent Redirect",
    [400 - LOWEST] = "Bad Request",
    [401 - LOWEST] = "Unauthorized",
    [402 - LOWEST] = "Payment Required",
    [403 - LOWEST] = "Forbidden",
    [404 - LOWEST] = "Not Found",
    [405 - LOWEST] = "Method Not Allowed",
    [406 - LOWEST] = "Not Acceptable",
    [407 - LOWEST] = "Proxy Authentication Required",
    [408 - LOWEST] = "Request Timeout",
    [409 - LOWEST] = "Conflict",
    [410 - LOWEST] = "Gone",
    [411 - LOWEST] = "Length Required",
    [412 - LOWEST] = "Precondition Failed",
    [413 - LOWEST] = "Content Too Large",
    [414 - LOWEST] = "URI Too Long",
    [415 - LOWEST] = "Unsupported Media Type",
    [416 - LOWEST] = "Range Not Satisfiable",
    [417 - LOWEST] = "Expectation Failed",
    [421 - LOWEST] = "Misdirected Request",
    [422 - LOWEST] = "Unprocessable Content",
    [423 - LOWEST] = "Locked",
    [424 - LOWEST] = "Failed Dependency",
    [425 - LOWEST] = "Too Early",
    [426 - LOWEST] = "Upgrade Required",
    [428 - LOWEST] = "Precondition Required",
    [429 - LOWEST] = "Too Many Requests",
    [431 - LOWEST] = "Request Header Fields Too Large",
    [451 - LOWEST] = "Unavailable For Legal Reasons",
    [500 - LOWEST] = "Internal Server Error",
    [501 - LOWEST] = "Not Implemented",
    [502 - LOWEST] = "Bad Gateway",
    [503 - LOWEST] = "Service Unavailable",
    [504 - LOWEST] = "Gateway Timeout",
    [505 - LOWEST] = "HTTP Version Not Supported",
    [506 - LOWEST] = "Variant Also Negotiates",
    [507 - LOWEST] = "Insufficient Storage",
    [508 - LOWEST] = "Loop Detected",
    [511 - LOWEST] = "Network Authentication Required",
};

const char *weir_http_reason(unsigned status) {
    unsigned at = status - LOWEST; /* what is below is far beyond */
    bool found = at < sizeof phrases / sizeof phrases[0] && phrases[at] != NULL;
    return found ? phrases[at] : "Unknown";
}
