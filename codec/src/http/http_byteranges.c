/* http_byteranges.c - multipart/byteranges. The lengths are counted by the numbers they print, not by printing.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_dump.h>
#include <weir/codec/http_byteranges.h>
#include <weir/core/check.h>

#define DELIMITER "--"
#define TYPE "\r\nContent-Type: "
#define RANGE "\r\nContent-Range: "
#define HEAD_END "\r\n\r\n"
#define END "--\r\n"

#define LENGTH_OF(literal) (sizeof(literal) - 1)

void weir_http_byteranges_init(weir_http_byteranges *self, const weir_http_ranges *ranges,
                               weir_bytes media_type, const uint8_t seed[WEIR_HTTP_BOUNDARY_SEED]) {
    self->ranges = ranges;
    self->media_type = media_type;
    for (size_t i = 0; i < WEIR_HTTP_BOUNDARY_SIZE; i++) {
        self->boundary[i] = "0123456789abcdef"[seed[i / 2] >> (i % 2 * 4) & 15];
    }
}

void weir_http_byteranges_type(const weir_http_byteranges *self, weir_buf *out) {
    weir_buf_write_str(out, "multipart/byteranges; boundary=");
    weir_buf_write_bytes(out, self->boundary, WEIR_HTTP_BOUNDARY_SIZE);
}

static void write_delimiter(const weir_http_byteranges *self, bool is_first, weir_buf *out) {
    if (!is_first) weir_buf_write_str(out, "\r\n");
    weir_buf_write_str(out, DELIMITER);
    weir_buf_write_bytes(out, self->boundary, WEIR_HTTP_BOUNDARY_SIZE);
}

void weir_http_byteranges_part(const weir_http_byteranges *self, unsigned i, weir_buf *out) {
    WEIR_CHECK(i < self->ranges->count, "range %u of %u", i, self->ranges->count);
    write_delimiter(self, i == 0, out);
    if (self->media_type.len != 0) {
        weir_buf_write_str(out, TYPE);
        weir_buf_write_view(out, self->media_type);
    }
    weir_buf_write_str(out, RANGE);
    weir_http_content_range_format(&self->ranges->list[i], self->ranges->length, out);
    weir_buf_write_str(out, HEAD_END);
}

void weir_http_byteranges_end(const weir_http_byteranges *self, weir_buf *out) {
    write_delimiter(self, false, out);
    weir_buf_write_str(out, END);
}

static uint64_t digits_of(uint64_t number) {
    uint64_t digits = 1;
    while ((number /= 10) != 0) digits++;
    return digits;
}

uint64_t weir_http_byteranges_length(const weir_http_byteranges *self) {
    uint64_t delimiter = LENGTH_OF("\r\n" DELIMITER) + WEIR_HTTP_BOUNDARY_SIZE;
    uint64_t type = self->media_type.len == 0 ? 0 : LENGTH_OF(TYPE) + self->media_type.len;
    uint64_t head = delimiter + type + LENGTH_OF(RANGE HEAD_END "bytes -/") + digits_of(self->ranges->length);
    uint64_t length =
        delimiter + LENGTH_OF(END) - LENGTH_OF("\r\n"); /* the first part has no line in front */
    for (unsigned i = 0; i < self->ranges->count; i++) {
        const weir_http_range *range = &self->ranges->list[i];
        length +=
            head + digits_of(range->first) + digits_of(range->first + range->length - 1) + range->length;
    }
    return length;
}
