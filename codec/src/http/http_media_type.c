/* http_media_type.c - media types and how they fit into ranges of them.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_media_type.h>

#include "http/http_lex.h"

bool weir_http_media_type_parse(weir_bytes text, weir_http_media_type *out) {
    weir_http_media_type found = {0};
    text = weir_bytes_trim(text);
    if (!scan_token(&text, &found.type) || !scan_byte(&text, '/') || !scan_token(&text, &found.subtype)) {
        return false;
    }
    found.params = text;
    if (!weir_http_param_are_valid(text)) return false;
    *out = found;
    return true;
}

void weir_http_media_type_format(const weir_http_media_type *self, weir_buf *out) {
    weir_buf_write_view(out, self->type);
    weir_buf_write_str(out, "/");
    weir_buf_write_view(out, self->subtype);
    weir_buf_write_view(out, self->params);
}

bool weir_http_media_type_is(const weir_http_media_type *self, const char *type_and_subtype) {
    weir_bytes whole = weir_bytes_str(type_and_subtype);
    size_t slash = weir_bytes_find(whole, '/');
    return slash != WEIR_NOT_FOUND && weir_bytes_equal_nocase(self->type, weir_bytes_sub(whole, 0, slash)) &&
           weir_bytes_equal_nocase(self->subtype, weir_bytes_sub(whole, slash + 1, SIZE_MAX));
}

static bool has_param(weir_bytes params, const weir_http_param *wanted) {
    weir_http_param param;
    while (weir_http_param_next(&params, &param)) {
        if (weir_bytes_equal_nocase(param.name, wanted->name) &&
            weir_bytes_equal_nocase(param.value, wanted->value)) {
            return true;
        }
    }
    return false;
}

unsigned weir_http_media_type_match(const weir_http_media_type *self, const weir_http_media_type *range) {
    bool any_type = weir_bytes_equal_str(range->type, "*");
    bool any_subtype = weir_bytes_equal_str(range->subtype, "*");
    if (any_type && !any_subtype) return 0;
    if (!any_type && !weir_bytes_equal_nocase(self->type, range->type)) return 0;
    if (!any_subtype && !weir_bytes_equal_nocase(self->subtype, range->subtype)) return 0;
    unsigned exact = any_type ? 1 : any_subtype ? 2 : 3;
    weir_bytes wanted = range->params;
    for (weir_http_param param; weir_http_param_next(&wanted, &param); exact++) {
        if (!has_param(self->params, &param)) return 0;
    }
    return exact;
}

weir_bytes weir_http_media_type_charset(const weir_http_media_type *self) {
    weir_http_param charset;
    bool has = weir_http_param_find(self->params, "charset", &charset);
    return has ? charset.value : weir_bytes_of(NULL, 0);
}
