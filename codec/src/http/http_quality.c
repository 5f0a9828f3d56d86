/* http_quality.c - weighted lists.
 */
#include <weir/codec/http_media_type.h>
#include <weir/codec/http_quality.h>

#include "http/http_lex.h"

/* qvalue: 0 or 1, a point, up to three digits. */
static bool take_qvalue(weir_bytes text, unsigned *quality) {
    if (text.len == 0 || text.len > 5 || (text.ptr[0] != '0' && text.ptr[0] != '1')) return false;
    if (text.len > 1 && text.ptr[1] != '.') return false;
    unsigned value = text.ptr[0] - 0x30u;
    for (size_t i = 2; i < 5; i++) {
        if (i < text.len && !http_is_digit(text.ptr[i])) return false;
        value = value * 10 + (i < text.len ? text.ptr[i] - 0x30u : 0);
    }
    if (value > WEIR_HTTP_QUALITY_MAX) return false;
    *quality = value;
    return true;
}

static bool take_element(weir_bytes element, weir_http_weighted *out) {
    size_t end = weir_bytes_find(element, ';');
    *out = (weir_http_weighted){weir_bytes_trim(weir_bytes_sub(element, 0, end)), WEIR_HTTP_QUALITY_MAX};
    weir_bytes rest = weir_bytes_sub(element, out->value.len, SIZE_MAX);
    weir_http_param param;
    while (weir_http_param_next(&rest, &param)) {
        if (weir_bytes_equal_nocase(param.name, weir_bytes_str("q"))) {
            return take_qvalue(param.value, &out->quality) && weir_http_param_are_valid(rest);
        }
        out->value.len = (size_t)(rest.ptr - element.ptr);
    }
    return rest.len == 0 && out->value.len != 0;
}

bool weir_http_quality_next(weir_bytes *rest, weir_http_weighted *out) {
    weir_http_weighted found;
    for (weir_bytes element; scan_element(rest, &element);) {
        if (!take_element(element, &found)) continue;
        *out = found;
        return true;
    }
    return false;
}

unsigned weir_http_quality_media_type(weir_bytes field, weir_bytes offer) {
    weir_http_media_type type;
    weir_http_media_type range;
    weir_http_weighted one;
    if (!weir_http_media_type_parse(offer, &type)) return 0;
    if (field.ptr == NULL) return WEIR_HTTP_QUALITY_MAX;
    unsigned most_exact = 0;
    unsigned quality = 0;
    while (weir_http_quality_next(&field, &one)) {
        if (!weir_http_media_type_parse(one.value, &range)) continue;
        unsigned exact = weir_http_media_type_match(&type, &range);
        if (exact <= most_exact) continue;
        most_exact = exact;
        quality = one.quality;
    }
    return quality;
}

/* The weight of `offer`, else that of `*`, else `otherwise`. */
static unsigned weight_of(weir_bytes field, weir_bytes offer, unsigned otherwise) {
    for (weir_http_weighted one; weir_http_quality_next(&field, &one);) {
        if (weir_bytes_equal_nocase(one.value, offer)) return one.quality;
        if (weir_bytes_equal_str(one.value, "*")) otherwise = one.quality;
    }
    return otherwise;
}

unsigned weir_http_quality_token(weir_bytes field, weir_bytes offer) {
    return weight_of(field, offer, field.ptr == NULL ? WEIR_HTTP_QUALITY_MAX : 0);
}

static bool is_coding(weir_bytes name, const char *known) {
    return weir_bytes_equal_nocase(name, weir_bytes_str(known));
}

unsigned weir_http_quality_coding(weir_bytes field, weir_bytes offer) {
    if (is_coding(offer, "identity")) return weight_of(field, offer, 1);
    unsigned quality = weight_of(field, offer, 0);
    const char *alias = is_coding(offer, "gzip")       ? "x-gzip"
                        : is_coding(offer, "compress") ? "x-compress"
                                                       : NULL;
    if (alias == NULL) return quality;
    unsigned other = weight_of(field, weir_bytes_str(alias), 0);
    return other > quality ? other : quality;
}

/* Bytes of the range, when it is the tag or its beginning. */
static size_t language_match(weir_bytes tag, weir_bytes range) {
    if (!weir_bytes_equal_nocase(weir_bytes_sub(tag, 0, range.len), range)) return 0;
    return tag.len == range.len || tag.ptr[range.len] == '-' ? range.len : 0;
}

unsigned weir_http_quality_language(weir_bytes field, weir_bytes offer) {
    if (field.ptr == NULL) return WEIR_HTTP_QUALITY_MAX;
    size_t longest = 0;
    unsigned quality = 0;
    for (weir_http_weighted one; weir_http_quality_next(&field, &one);) {
        size_t length = language_match(offer, one.value);
        if (length <= longest && !(longest == 0 && weir_bytes_equal_str(one.value, "*"))) continue;
        longest = length;
        quality = one.quality;
    }
    return quality;
}

size_t weir_http_quality_choose(weir_http_quality_fn *quality, weir_bytes field, const char *const *offers,
                                size_t count) {
    size_t best = WEIR_NOT_FOUND;
    unsigned most = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned wanted = quality(field, weir_bytes_str(offers[i]));
        if (wanted <= most) continue;
        most = wanted;
        best = i;
    }
    return best;
}
