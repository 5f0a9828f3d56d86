/* http_range.c - ranges of bytes. All sums are bounded by the length before they are made.
 */
#include <inttypes.h>

#include <weir/buffer/buf_dump.h>
#include <weir/codec/http_range.h>

#include "http/http_lex.h"

/* One range-spec against a length. `range->length` 0: there is nothing of it. False: it is none. */
static bool take_range(weir_bytes spec, uint64_t length, weir_http_range *range) {
    uint64_t first;
    uint64_t last = UINT64_MAX;
    *range = (weir_http_range){0};
    if (scan_byte(&spec, '-')) {
        uint64_t suffix;
        if (!scan_number(&spec, &suffix) || spec.len != 0) return false;
        if (suffix > length) suffix = length;
        *range = (weir_http_range){length - suffix, suffix};
        return true;
    }
    if (!scan_number(&spec, &first) || !scan_byte(&spec, '-')) return false;
    if (spec.len != 0 && (!scan_number(&spec, &last) || spec.len != 0)) return false;
    if (last < first) return false;
    if (first >= length) return true;
    if (last >= length) last = length - 1;
    *range = (weir_http_range){first, last - first + 1};
    return true;
}

static bool touch(const weir_http_range *one, const weir_http_range *other) {
    return one->first <= other->first + other->length && other->first <= one->first + one->length;
}

static weir_http_range join(const weir_http_range *one, const weir_http_range *other) {
    uint64_t first = one->first < other->first ? one->first : other->first;
    uint64_t one_end = one->first + one->length;
    uint64_t other_end = other->first + other->length;
    return (weir_http_range){first, (one_end > other_end ? one_end : other_end) - first};
}

/* Into the place of the first it touches, with all others it touches then. */
static void add_range(weir_http_ranges *ranges, weir_http_range range) {
    unsigned at = ranges->count;
    for (unsigned i = 0; i < ranges->count;) {
        if (!touch(&ranges->list[i], &range)) {
            i++;
            continue;
        }
        range = join(&ranges->list[i], &range);
        if (i < at) at = i;
        ranges->count--;
        memmove(&ranges->list[i], &ranges->list[i + 1], (ranges->count - i) * sizeof *ranges->list);
        i = 0; /* it grew: those passed may touch it now */
    }
    memmove(&ranges->list[at + 1], &ranges->list[at], (ranges->count - at) * sizeof *ranges->list);
    ranges->list[at] = range;
    ranges->count++;
}

weir_http_range_answer weir_http_range_parse(weir_bytes field, uint64_t length, unsigned max_ranges,
                                             weir_http_ranges *out) {
    if (max_ranges == 0 || max_ranges > WEIR_HTTP_RANGES) max_ranges = WEIR_HTTP_RANGES;
    *out = (weir_http_ranges){.length = length};
    weir_bytes unit;
    if (!scan_token(&field, &unit) || !scan_byte(&field, '=')) return WEIR_HTTP_RANGE_WHOLE;
    if (!weir_bytes_equal_nocase(unit, weir_bytes_str("bytes"))) return WEIR_HTTP_RANGE_WHOLE;
    unsigned asked = 0;
    bool is_whole = false;
    weir_http_range range;
    for (weir_bytes spec; scan_element(&field, &spec); asked++) {
        if (asked == max_ranges || !take_range(spec, length, &range)) return WEIR_HTTP_RANGE_WHOLE;
        if (range.length != 0) add_range(out, range);
        is_whole |= length == 0 && *spec.ptr == '-' && !weir_bytes_equal_str(spec, "-0");
    }
    if (asked == 0 || is_whole) return WEIR_HTTP_RANGE_WHOLE;
    return out->count == 0 ? WEIR_HTTP_RANGE_UNSATISFIABLE : WEIR_HTTP_RANGE_PARTIAL;
}

void weir_http_content_range_format(const weir_http_range *range, uint64_t length, weir_buf *out) {
    if (range == NULL) {
        weir_buf_printf(out, "bytes */%" PRIu64, length);
        return;
    }
    uint64_t last = range->first + range->length - 1;
    if (length == WEIR_HTTP_LENGTH_UNKNOWN) {
        weir_buf_printf(out, "bytes %" PRIu64 "-%" PRIu64 "/*", range->first, last);
    } else {
        weir_buf_printf(out, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first, last, length);
    }
}

bool weir_http_content_range_parse(weir_bytes field, weir_http_range *range, uint64_t *length) {
    weir_bytes unit;
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t total = WEIR_HTTP_LENGTH_UNKNOWN;
    if (!scan_token(&field, &unit) || !weir_bytes_equal_nocase(unit, weir_bytes_str("bytes"))) return false;
    if (!scan_byte(&field, ' ')) return false;
    bool is_unsatisfied = scan_byte(&field, '*');
    if (!is_unsatisfied) {
        if (!scan_number(&field, &first) || !scan_byte(&field, '-') || !scan_number(&field, &last))
            return false;
    }
    if (!scan_byte(&field, '/')) return false;
    bool is_known = !scan_byte(&field, '*');
    if (is_known && (!scan_number(&field, &total) || total == UINT64_MAX)) return false;
    if (field.len != 0 || (is_unsatisfied && !is_known)) return false;
    if (!is_unsatisfied && (last < first || last == UINT64_MAX || (is_known && last >= total))) return false;
    *range = (weir_http_range){first, is_unsatisfied ? 0 : last - first + 1};
    *length = total;
    return true;
}
