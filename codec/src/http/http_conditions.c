/* http_conditions.c - the five steps of RFC 9110 13.2.2.
 */
#include <weir/codec/http_conditions.h>
#include <weir/codec/http_date.h>

static bool is_present(weir_bytes field) {
    return field.ptr != NULL;
}

static bool matches(weir_http_etag_found found, const weir_http_validators *now_is) {
    if (now_is->is_missing) return false;
    return found == WEIR_HTTP_ETAG_ANY || found == WEIR_HTTP_ETAG_PRESENT;
}

/* Steps 1 and 2. */
static bool holds_still(const weir_http_conditions *conditions, const weir_http_validators *now_is,
                        int64_t now) {
    if (is_present(conditions->if_match)) {
        return matches(weir_http_etag_find(conditions->if_match, &now_is->etag, WEIR_HTTP_ETAG_STRONG),
                       now_is);
    }
    int64_t since;
    if (!is_present(conditions->if_unmodified_since) || !now_is->has_last_modified) return true;
    if (!weir_http_date_parse(conditions->if_unmodified_since, now, &since)) return true;
    return now_is->last_modified <= since;
}

/* Steps 3 and 4. */
static weir_http_verdict is_news(const weir_http_conditions *conditions, bool is_get,
                                 const weir_http_validators *now_is, int64_t now) {
    if (is_present(conditions->if_none_match)) {
        weir_http_etag_found found =
            weir_http_etag_find(conditions->if_none_match, &now_is->etag, WEIR_HTTP_ETAG_WEAK);
        if (is_get) return matches(found, now_is) ? WEIR_HTTP_NOT_MODIFIED : WEIR_HTTP_PROCEED;
        bool fails = found == WEIR_HTTP_ETAG_INVALID || matches(found, now_is);
        return fails ? WEIR_HTTP_PRECONDITION_FAILED : WEIR_HTTP_PROCEED;
    }
    int64_t since;
    if (!is_get || !is_present(conditions->if_modified_since)) return WEIR_HTTP_PROCEED;
    if (now_is->is_missing || !now_is->has_last_modified) return WEIR_HTTP_PROCEED;
    if (!weir_http_date_parse(conditions->if_modified_since, now, &since)) return WEIR_HTTP_PROCEED;
    return now_is->last_modified <= since ? WEIR_HTTP_NOT_MODIFIED : WEIR_HTTP_PROCEED;
}

weir_http_verdict weir_http_conditions_check(const weir_http_conditions *conditions, weir_bytes method,
                                             const weir_http_validators *now_is, int64_t now) {
    bool is_get = weir_bytes_equal_str(method, "GET");
    bool reads = is_get || weir_bytes_equal_str(method, "HEAD");
    if (!holds_still(conditions, now_is, now)) return WEIR_HTTP_PRECONDITION_FAILED;
    weir_http_verdict verdict = is_news(conditions, reads, now_is, now);
    if (verdict != WEIR_HTTP_PROCEED || !is_get || !is_present(conditions->if_range)) return verdict;
    return weir_http_if_range_holds(conditions->if_range, now_is, now) ? WEIR_HTTP_PROCEED
                                                                       : WEIR_HTTP_IGNORE_RANGE;
}

bool weir_http_if_range_holds(weir_bytes if_range, const weir_http_validators *now_is, int64_t now) {
    weir_http_etag etag;
    int64_t date;
    if (now_is->is_missing) return false;
    if (weir_http_etag_parse(if_range, &etag)) {
        return weir_http_etag_equal(&etag, &now_is->etag, WEIR_HTTP_ETAG_STRONG);
    }
    if (!now_is->has_last_modified || !weir_http_date_parse(if_range, now, &date)) return false;
    return date == now_is->last_modified && date < now;
}
