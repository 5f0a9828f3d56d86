/* http_fields_test.c - fields written by hand; those that were parsed are in http_message_test.c. */
#include <ctype.h>
#include <stdio.h>

#include <weir/buffer.h>
#include <weir/codec/http_fields.h>
#include <weir/testing.h>
#include <weir/testing/oom_sweep.h>

#include "http/http_names.h"

static weir_bytes str(const char *text) {
    return weir_bytes_str(text);
}

/* What would be sent. */
static bool sends(const weir_http_fields *fields, const char *expected) {
    weir_buf *out = weir_buf_new(0);
    expect_status(weir_http_fields_write(fields, out), WEIR_OK);
    bool same = expect_same_bytes(weir_buf_peek(out), str(expected));
    weir_buf_release(out);
    return same;
}

/* ---- names ---- */

WEIR_TEST(http_fields, know_every_name_in_any_case) {
    for (int i = 1; i < WEIR_HTTP_NAMES; i++) {
        weir_bytes text = weir_http_name_text((weir_http_name)i);
        char lower[64], upper[64];
        for (size_t j = 0; j < text.len; j++) {
            lower[j] = (char)tolower(text.ptr[j]);
            upper[j] = (char)toupper(text.ptr[j]);
        }
        weir_test_context("%.*s, slot %u", (int)text.len, (const char *)text.ptr, http_name_slot(text));
        expect_eq(weir_http_name_of(text), i);
        expect_eq(weir_http_name_of(weir_bytes_of(lower, text.len)), i);
        expect_eq(weir_http_name_of(weir_bytes_of(upper, text.len)), i);
    }
}

/* Each byte of each name replaced by each other byte: only the other case of a letter is the same name. */
WEIR_TEST(http_fields, know_no_name_that_is_only_like_one) {
    for (int i = 1; i < WEIR_HTTP_NAMES; i++) {
        weir_bytes text = weir_http_name_text((weir_http_name)i);
        uint8_t like[64];
        for (size_t at = 0; at < text.len; at++) {
            memcpy(like, text.ptr, text.len);
            for (int byte = 0; byte < 256; byte++) {
                like[at] = (uint8_t)byte;
                bool same = weir_bytes_equal_nocase(weir_bytes_of(like, text.len), text);
                require((weir_http_name_of(weir_bytes_of(like, text.len)) == (weir_http_name)i) == same);
            }
        }
        expect(weir_http_name_of(weir_bytes_sub(text, 0, text.len - 1)) != (weir_http_name)i);
    }
    expect_eq(weir_http_name_of(str("")), WEIR_HTTP_OTHER);
    expect_eq(weir_http_name_of(str("X-Unknown")), WEIR_HTTP_OTHER);
}

/* ---- adding and looking ---- */

WEIR_TEST(http_fields, keep_what_is_added_in_order) {
    weir_http_fields fields;
    weir_http_fields_init(&fields);
    expect_eq(weir_http_fields_count(&fields), 0);
    expect(sends(&fields, ""));
    expect_status(weir_http_fields_add(&fields, WEIR_HTTP_HOST, str("a")), WEIR_OK);
    expect_status(weir_http_fields_add_other(&fields, str("X-One"), str(" 1\t")), WEIR_OK);
    expect_status(weir_http_fields_add_other(&fields, str("cookie"), str("c=d")), WEIR_OK);
    expect_status(weir_http_fields_add_number(&fields, WEIR_HTTP_CONTENT_LENGTH, UINT64_MAX), WEIR_OK);
    expect_status(weir_http_fields_add_number(&fields, WEIR_HTTP_AGE, 0), WEIR_OK);
    expect(sends(&fields,
                 "Host: a\r\nX-One: 1\r\ncookie: c=d\r\nContent-Length: 18446744073709551615\r\nAge: 0\r\n"));
    expect_bytes(weir_http_fields_get(&fields, WEIR_HTTP_COOKIE), "c=d");
    expect_bytes(weir_http_fields_find(&fields, str("x-one")), "1");
    expect_bytes(weir_http_fields_find(&fields, str("COOKIE")), "c=d");
    expect(weir_http_fields_get(&fields, WEIR_HTTP_ACCEPT).ptr == NULL);
    expect(weir_http_fields_find(&fields, str("x-two")).ptr == NULL);
    expect(weir_http_fields_has(&fields, WEIR_HTTP_HOST) && !weir_http_fields_has(&fields, WEIR_HTTP_ACCEPT));
    expect_eq(weir_http_fields_count(&fields), 5);
    weir_http_fields_clear(&fields);
    weir_http_fields_clear(&fields);
}

WEIR_TEST(http_fields, refuse_names_and_values_that_would_inject) {
    weir_http_fields fields;
    weir_http_fields_init(&fields);
    static const char *const values[] = {"a\r\nB: c", "a\n", "a\rb", "\x01", "\x7f"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        expect_status(weir_http_fields_add(&fields, WEIR_HTTP_HOST, str(values[i])), WEIR_E_INVALID);
    }
    expect_status(weir_http_fields_add(&fields, WEIR_HTTP_HOST, weir_bytes_of("a\0b", 3)), WEIR_E_INVALID);
    static const char *const names[] = {"", "a b", "a:", "a\r\n", "\xe9"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        expect_status(weir_http_fields_add_other(&fields, str(names[i]), str("x")), WEIR_E_INVALID);
    }
    expect_eq(weir_http_fields_count(&fields), 0);
    expect(sends(&fields, ""));
    expect_status(weir_http_fields_add(&fields, WEIR_HTTP_HOST, str("\xc3\xa9\tx")), WEIR_OK);
    expect(sends(&fields, "Host: \xc3\xa9\tx\r\n"));
    weir_http_fields_clear(&fields);
}

WEIR_TEST(http_fields, are_many_when_need_be) {
    weir_http_fields fields;
    weir_http_fields_init(&fields);
    char name[16];
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof name, "X-%d", i);
        expect_status(weir_http_fields_add_other(&fields, str(name), str(name)), WEIR_OK);
    }
    expect_status(weir_http_fields_add(&fields, WEIR_HTTP_HOST, str("late")), WEIR_OK);
    expect_bytes(weir_http_fields_find(&fields, str("x-0")), "X-0");
    expect_bytes(weir_http_fields_find(&fields, str("x-399")), "X-399");
    expect_bytes(weir_http_fields_get(&fields, WEIR_HTTP_HOST), "late");
    expect_status(weir_http_fields_set(&fields, WEIR_HTTP_HOST, str("later")), WEIR_OK);
    expect_bytes(weir_http_fields_get(&fields, WEIR_HTTP_HOST), "later");
    expect_eq(weir_http_fields_count(&fields), 401);
    weir_http_fields_clear(&fields);
}

WEIR_TEST(http_fields, end_at_65535) {
    weir_http_fields fields;
    weir_http_fields_init(&fields);
    for (int i = 0; i < UINT16_MAX; i++)
        require(weir_http_fields_add(&fields, WEIR_HTTP_VARY, str("")) == WEIR_OK);
    expect_status(weir_http_fields_add(&fields, WEIR_HTTP_VARY, str("")), WEIR_E_LIMIT);
    expect_eq(weir_http_fields_remove(&fields, WEIR_HTTP_VARY), UINT16_MAX);
    weir_http_fields_clear(&fields);
}

/* ---- taking away ---- */

WEIR_TEST(http_fields, are_removed_and_set) {
    weir_http_fields fields;
    weir_http_fields_init(&fields);
    weir_http_fields_add(&fields, WEIR_HTTP_SET_COOKIE, str("a"));
    weir_http_fields_add_other(&fields, str("X-One"), str("1"));
    weir_http_fields_add(&fields, WEIR_HTTP_SET_COOKIE, str("b"));
    weir_http_fields_add(&fields, WEIR_HTTP_SERVER, str("old"));
    weir_http_fields_add_other(&fields, str("x-one"), str("2"));
    expect_status(weir_http_fields_set(&fields, WEIR_HTTP_SERVER, str("new")), WEIR_OK);
    expect_status(weir_http_fields_set(&fields, WEIR_HTTP_SERVER, str("\n")), WEIR_E_INVALID);
    expect_bytes(weir_http_fields_get(&fields, WEIR_HTTP_SERVER), "new");
    expect_eq(weir_http_fields_remove(&fields, WEIR_HTTP_SET_COOKIE), 2);
    expect_eq(weir_http_fields_remove(&fields, WEIR_HTTP_SET_COOKIE), 0);
    expect(!weir_http_fields_has(&fields, WEIR_HTTP_SET_COOKIE));
    expect_eq(weir_http_fields_count(&fields), 3);
    expect(sends(&fields, "X-One: 1\r\nx-one: 2\r\nServer: new\r\n"));
    expect_eq(weir_http_fields_remove_other(&fields, str("X-ONE")), 2);
    expect_eq(weir_http_fields_remove_other(&fields, str("SERVER")), 1);
    expect(weir_http_fields_find(&fields, str("x-one")).ptr == NULL);
    expect(sends(&fields, ""));
    weir_http_fields_add(&fields, WEIR_HTTP_SET_COOKIE, str("c"));
    expect_bytes(weir_http_fields_get(&fields, WEIR_HTTP_SET_COOKIE), "c");
    weir_http_fields_clear(&fields);
}

WEIR_TEST(http_fields, of_one_name_are_told_one_after_the_other) {
    static const char *const values[] = {"a", "b", "c"};
    weir_http_fields fields;
    weir_bytes value = {0};
    size_t at = 0, i = 0;
    weir_http_fields_init(&fields);
    expect(!weir_http_fields_next_of(&fields, WEIR_HTTP_VARY, &at, &value));
    for (; i < 3; i++) {
        expect_status(weir_http_fields_add(&fields, WEIR_HTTP_AGE, str("1")), WEIR_OK);
        expect_status(weir_http_fields_add(&fields, WEIR_HTTP_VARY, str(values[i])), WEIR_OK);
    }
    for (at = i = 0; i < 3; i++) {
        require(weir_http_fields_next_of(&fields, WEIR_HTTP_VARY, &at, &value));
        expect_same_bytes(value, str(values[i]));
    }
    expect(!weir_http_fields_next_of(&fields, WEIR_HTTP_VARY, &at, &value));
    weir_http_fields_remove(&fields, WEIR_HTTP_AGE);
    at = 0;
    expect(!weir_http_fields_next_of(&fields, WEIR_HTTP_AGE, &at, NULL));
    at = 0;
    expect(weir_http_fields_next_of(&fields, WEIR_HTTP_VARY, &at, NULL));
    weir_http_fields_clear(&fields);
}

WEIR_TEST(http_fields, find_tokens_in_lists) {
    weir_http_fields fields;
    weir_http_fields_init(&fields);
    weir_http_fields_add(&fields, WEIR_HTTP_CONNECTION, str(" keep-alive ,, Upgrade"));
    weir_http_fields_add(&fields, WEIR_HTTP_CONNECTION, str("x;q=1"));
    weir_http_fields_add(&fields, WEIR_HTTP_CACHE_CONTROL, str("private=\"no-store, a\\\", b\", max-age=1"));
    expect(weir_http_fields_has_token(&fields, WEIR_HTTP_CONNECTION, "Keep-Alive"));
    expect(weir_http_fields_has_token(&fields, WEIR_HTTP_CONNECTION, "upgrade"));
    expect(weir_http_fields_has_token(&fields, WEIR_HTTP_CONNECTION, "x"));
    expect(!weir_http_fields_has_token(&fields, WEIR_HTTP_CONNECTION, "keep"));
    expect(!weir_http_fields_has_token(&fields, WEIR_HTTP_CACHE_CONTROL, "no-store"));
    expect(!weir_http_fields_has_token(&fields, WEIR_HTTP_CACHE_CONTROL, "b\""));
    expect(weir_http_fields_has_token(&fields, WEIR_HTTP_CACHE_CONTROL, "max-age=1"));
    expect(!weir_http_fields_has_token(&fields, WEIR_HTTP_VARY, "x"));
    weir_http_fields_clear(&fields);
}

/* Every step leaves what was there before when it fails. */
static bool add_with_little_memory(void *arg) {
    (void)arg;
    weir_http_fields fields;
    weir_http_fields_init(&fields);
    weir_status status = WEIR_OK;
    char value[40];
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < 40 && status == WEIR_OK; i++) {
        status = weir_http_fields_add(&fields, WEIR_HTTP_VARY, weir_bytes_of(value, sizeof value));
        expect_eq(weir_http_fields_count(&fields), i + (status == WEIR_OK));
    }
    weir_http_fields_clear(&fields);
    return status == WEIR_OK;
}

WEIR_TEST(http_fields, survive_every_failing_allocation) {
    expect(weir_oom_sweep(add_with_little_memory, NULL) > 0);
}
