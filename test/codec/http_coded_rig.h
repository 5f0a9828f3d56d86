/* http_coded_rig.h - a server or client with a decompressor on an embedded channel, what it is fed and what came through.
 *
 * Seen, a line a thing: "head [coded] [sized] FRAMING LENGTH", "full", "end", "ready", the name of an error's status.
 */
#ifndef TEST_CODEC_HTTP_CODED_RIG_H
#define TEST_CODEC_HTTP_CODED_RIG_H

#include <weir/codec/http_decompressor.h>
#include <weir/testing.h>
#include <weir/transport/embedded.h>

/* ---- what is compressed, by zlib itself: free its ptr ---- */

enum {
    GZIP = 31,
    ZLIB = 15,
    RAW = -15
};

typedef struct bytes {
    uint8_t *ptr;
    size_t len;
} bytes;

#define TEXT "the quick brown fox jumps over the lazy dog, the quick brown fox again"
#define DECODED "head 2 0\nend\n" /* chunked, whatever it was */

bytes coded_pack(const void *from, size_t n, int bits);
bytes coded_zeros(size_t n, int bits);
bytes coded_join(bytes a, bytes b);
bytes coded_text(int bits);

/* ---- the rig: clear, set options, start; or begin ---- */

typedef struct coded_rig {
    weir_embedded *e;
    weir_ctx *ctx;
    bool is_client, aggregates, answers_at_head;
    size_t stop_at; /* reading stops when so many bytes came */
    weir_http_decompressor_options options;
    char seen[2000], body[4096];
    uint64_t n;
    size_t most; /* bytes of one piece */
} coded_rig;

extern coded_rig coded;

weir_status coded_build(weir_pipeline *pipeline, void *arg);
void coded_clear(void);
void coded_start(void);
void coded_ask(const char *method);
void coded_begin(void);
void coded_begin_client(void);
void coded_end(void);

/* Take: body, with a Content-Length or in chunks, `step` bytes a read. */
void coded_feed(const void *ptr, size_t n);
void coded_feed_str(const char *said);
void coded_feed_head(const char *coding, const char *framing);
void coded_feed_sized(const char *coding, bytes body, size_t step);
void coded_feed_chunked(const char *coding, bytes body, size_t step);

/* What came since the last time, and how what was written begins. */
bool coded_saw(const char *expected);
bool coded_got(const char *expected);
bool coded_wrote(const char *start);

#endif
