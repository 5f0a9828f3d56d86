/* <weir/codec/http_fields.h> - the header or trailer fields of one HTTP message, in order.
 *
 *     text   Host: a.example | Accept: text | Cookie: k=v |           one buf, as on the wire, CR LF behind each
 *     list   {Host, value at 6}  {Accept, value at 25}  ...             where each name and value lies
 *     first  HOST -> 0, ACCEPT -> 1                                     O(1) for names that are known
 *
 * Names and values are views into `text`: parsing copies nothing and allocates nothing for a field, and fields that
 * were parsed or written are ready to be sent. Names compare without case (RFC 9110 5.1); the order of fields of one
 * name is kept (5.3). Views are valid until the next change of the fields, or the end of their message.
 *
 * Layer: codec, pure. One thread at a time.
 */
#ifndef WEIR_CODEC_HTTP_FIELDS_H
#define WEIR_CODEC_HTTP_FIELDS_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>
#include <weir/core/status.h>

WEIR_BEGIN_DECLS

/* X(NAME, "Wire-Spelling"): the names that are found in O(1). */
#define WEIR_HTTP_NAME_TABLE(X)                                                                              \
    X(ACCEPT, "Accept")                                                                                      \
    X(ACCEPT_ENCODING, "Accept-Encoding")                                                                    \
    X(ACCEPT_LANGUAGE, "Accept-Language")                                                                    \
    X(ACCEPT_RANGES, "Accept-Ranges")                                                                        \
    X(AGE, "Age")                                                                                            \
    X(ALLOW, "Allow")                                                                                        \
    X(AUTHORIZATION, "Authorization")                                                                        \
    X(CACHE_CONTROL, "Cache-Control")                                                                        \
    X(CONNECTION, "Connection")                                                                              \
    X(CONTENT_DISPOSITION, "Content-Disposition")                                                            \
    X(CONTENT_ENCODING, "Content-Encoding")                                                                  \
    X(CONTENT_LENGTH, "Content-Length")                                                                      \
    X(CONTENT_RANGE, "Content-Range")                                                                        \
    X(CONTENT_TYPE, "Content-Type")                                                                          \
    X(COOKIE, "Cookie")                                                                                      \
    X(DATE, "Date")                                                                                          \
    X(ETAG, "ETag")                                                                                          \
    X(EXPECT, "Expect")                                                                                      \
    X(EXPIRES, "Expires")                                                                                    \
    X(HOST, "Host")                                                                                          \
    X(IF_MATCH, "If-Match")                                                                                  \
    X(IF_MODIFIED_SINCE, "If-Modified-Since")                                                                \
    X(IF_NONE_MATCH, "If-None-Match")                                                                        \
    X(IF_RANGE, "If-Range")                                                                                  \
    X(IF_UNMODIFIED_SINCE, "If-Unmodified-Since")                                                            \
    X(KEEP_ALIVE, "Keep-Alive")                                                                              \
    X(LAST_MODIFIED, "Last-Modified")                                                                        \
    X(LOCATION, "Location")                                                                                  \
    X(ORIGIN, "Origin")                                                                                      \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization")                                                            \
    X(RANGE, "Range")                                                                                        \
    X(REFERER, "Referer")                                                                                    \
    X(SEC_WEBSOCKET_ACCEPT, "Sec-WebSocket-Accept")                                                          \
    X(SEC_WEBSOCKET_EXTENSIONS, "Sec-WebSocket-Extensions")                                                  \
    X(SEC_WEBSOCKET_KEY, "Sec-WebSocket-Key")                                                                \
    X(SEC_WEBSOCKET_PROTOCOL, "Sec-WebSocket-Protocol")                                                      \
    X(SEC_WEBSOCKET_VERSION, "Sec-WebSocket-Version")                                                        \
    X(SERVER, "Server")                                                                                      \
    X(SET_COOKIE, "Set-Cookie")                                                                              \
    X(TE, "TE")                                                                                              \
    X(TRAILER, "Trailer")                                                                                    \
    X(TRANSFER_ENCODING, "Transfer-Encoding")                                                                \
    X(UPGRADE, "Upgrade")                                                                                    \
    X(USER_AGENT, "User-Agent")                                                                              \
    X(VARY, "Vary")                                                                                          \
    X(WWW_AUTHENTICATE, "WWW-Authenticate")                                                                  \
    X(X_FORWARDED_FOR, "X-Forwarded-For")

/* WEIR_HTTP_HOST, ...; WEIR_HTTP_OTHER is every name that is not in the table. */
typedef enum weir_http_name {
    WEIR_HTTP_OTHER,
#define WEIR_HTTP_NAME_ENUM(name, text) WEIR_HTTP_##name,
    WEIR_HTTP_NAME_TABLE(WEIR_HTTP_NAME_ENUM)
#undef WEIR_HTTP_NAME_ENUM
    WEIR_HTTP_NAMES
} weir_http_name;

/* The spelling of a known name on the wire. Until: forever. Any thread. */
WEIR_API weir_bytes weir_http_name_text(weir_http_name name);

/* The known name with this spelling, in any case, or WEIR_HTTP_OTHER. Any thread. */
WEIR_API weir_http_name weir_http_name_of(weir_bytes text);

/* Where one field lies in the text, counted from its reader index. */
typedef struct weir_http_field {
    uint32_t name_at;
    uint32_t value_at, value_length;
    uint16_t name_length;
    uint8_t name; /* a weir_http_name */
    bool removed; /* its line is still in the text, but it is no field any more */
} weir_http_field;

/* So many fields need no memory of their own. */
#define WEIR_HTTP_FIELDS_INLINE 16

/* A value in place; readable, changed by the functions here. */
typedef struct weir_http_fields {
    weir_buf *text; /* the lines, contiguous; NULL: no fields were ever there */
    weir_http_field *list;
    uint16_t count, room; /* entries of the list, removed ones too */
    bool any_removed;
    bool text_is_held;              /* private: `text` is a reference of the message, not of these fields */
    uint8_t first[WEIR_HTTP_NAMES]; /* 1 + the index of the first of that name; 255: look; 0: none */
    weir_http_field inline_list[WEIR_HTTP_FIELDS_INLINE];
} weir_http_fields;

/* No fields. clear lets go of what is held; twice is harmless. */
WEIR_API void weir_http_fields_init(weir_http_fields *fields);
WEIR_API void weir_http_fields_clear(weir_http_fields *fields);

/* ---- looking. Borrows: fields; the answers are views of it ---- */

/* The value of the first field of this name; ptr NULL when there is none. Requires: not WEIR_HTTP_OTHER. */
WEIR_API weir_bytes weir_http_fields_get(const weir_http_fields *fields, weir_http_name name);
WEIR_API weir_bytes weir_http_fields_find(const weir_http_fields *fields, weir_bytes name);

/* True when there is one; faster than get. */
static inline bool weir_http_fields_has(const weir_http_fields *fields, weir_http_name name) {
    return fields->first[name] != 0;
}

/* Whether a comma-separated list (Connection, Transfer-Encoding, Vary, ...), over all fields of that name, has this
 * element; without case, parameters after ';' ignored (RFC 9110 5.6.1). */
WEIR_API bool weir_http_fields_has_token(const weir_http_fields *fields, weir_http_name name,
                                         const char *token);

/* The next field from `*at` (begin with 0) in order; false at the end. `value` may be NULL. */
WEIR_API bool weir_http_fields_next(const weir_http_fields *fields, size_t *at, weir_bytes *name,
                                    weir_bytes *value);

/* The same of one name: all values of a field that came in several lines. Requires: not WEIR_HTTP_OTHER. */
WEIR_API bool weir_http_fields_next_of(const weir_http_fields *fields, weir_http_name name, size_t *at,
                                       weir_bytes *value);

/* How many there are. */
WEIR_API size_t weir_http_fields_count(const weir_http_fields *fields);

/* ---- changing. Borrows: fields, name, value (copied into the text, so not views of these fields).
 * Spaces and tabs around a value are dropped. Fails: WEIR_E_INVALID for a name that is no token or longer than
 * 65 535 bytes, or a value with CR, LF, NUL or another control byte: header injection ends here (RFC 9110 5.5);
 * WEIR_E_NO_MEMORY; WEIR_E_LIMIT past 65 535 fields, removed ones too, or 4 GiB. Nothing is changed then ---- */

/* One more, behind the others. Requires: name is not WEIR_HTTP_OTHER (add_other finds known names itself). */
WEIR_API weir_status weir_http_fields_add(weir_http_fields *fields, weir_http_name name, weir_bytes value);
WEIR_API weir_status weir_http_fields_add_other(weir_http_fields *fields, weir_bytes name, weir_bytes value);
WEIR_API weir_status weir_http_fields_add_number(weir_http_fields *fields, weir_http_name name,
                                                 uint64_t value);

/* Instead of all there are of that name. */
WEIR_API weir_status weir_http_fields_set(weir_http_fields *fields, weir_http_name name, weir_bytes value);

/* All of that name; how many there were. */
WEIR_API size_t weir_http_fields_remove(weir_http_fields *fields, weir_http_name name);
WEIR_API size_t weir_http_fields_remove_other(weir_http_fields *fields, weir_bytes name);

/* The lines as on the wire, without the empty one, behind `out`. Borrows: both. Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_http_fields_write(const weir_http_fields *fields, weir_buf *out);

WEIR_END_DECLS

#endif
