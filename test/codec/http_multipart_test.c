/* http_multipart_test.c - parts of a body, wherever it is cut. */
#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/http_multipart.h>
#include <weir/testing.h>
#include <weir/testing/oom_sweep.h>

/* What came out: "<name|file|type:body>" for each part, then the failure. Bodies are joined, so a cut does not show. */
typedef struct seen {
    weir_http_multipart multipart;
    weir_cumulation bytes;
    char log[8192];
    size_t length;
    const uint8_t *low, *high; /* every body must lie in here, when set */
} seen;

static void note(seen *self, weir_bytes text) {
    require(self->length + text.len < sizeof self->log);
    if (text.len != 0) memcpy(self->log + self->length, text.ptr, text.len);
    self->length += text.len;
    self->log[self->length] = 0;
}

static void note_obj(seen *self, weir_obj *obj) {
    weir_http_part *part = weir_http_part_from(obj);
    if (part != NULL) {
        note(self, weir_bytes_str("<"));
        note(self, part->name);
        note(self, weir_bytes_str("|"));
        note(self, part->file_name);
        note(self, weir_bytes_str("|"));
        note(self, part->content_type);
        note(self, weir_bytes_str(":"));
    } else if (obj == &weir_http_part_end) {
        note(self, weir_bytes_str(">"));
    } else {
        weir_buf *body = weir_buf_from(obj);
        require(body != NULL && weir_buf_readable(body) > 0);
        for (weir_bytes piece; (piece = weir_buf_peek(body)).len != 0; weir_buf_skip(body, piece.len)) {
            if (self->low != NULL) expect(piece.ptr >= self->low && piece.ptr + piece.len <= self->high);
            note(self, piece);
        }
    }
    weir_obj_release(obj);
}

static void drain(seen *self, bool is_end) {
    for (;;) {
        weir_obj *out = NULL;
        weir_error error = {0};
        weir_decode answer = is_end ? weir_cumulation_end(&self->bytes, weir_http_multipart_decode_last,
                                                          &self->multipart, &out, &error)
                                    : weir_cumulation_next(&self->bytes, weir_http_multipart_decode,
                                                           &self->multipart, &out, &error);
        if (out != NULL) note_obj(self, out);
        if (answer == WEIR_DECODE_FAILED) note(self, weir_bytes_str(weir_status_name(error.status)));
        if (answer == WEIR_DECODE_MORE) return;
    }
}

static void start(seen *self, weir_http_multipart_options options) {
    *self = (seen){0};
    if (options.boundary.ptr == NULL) options.boundary = weir_bytes_str("B");
    require(weir_http_multipart_init(&self->multipart, &options) == WEIR_OK);
    weir_cumulation_init(&self->bytes, NULL);
}

static void feed(seen *self, weir_bytes piece) {
    weir_buf *buf = weir_buf_new(piece.len);
    require(buf != NULL);
    weir_buf_write_view(buf, piece);
    expect_status(weir_cumulation_add(&self->bytes, buf), WEIR_OK);
    drain(self, false);
}

static void finish(seen *self, const char *expected) {
    drain(self, true);
    expect_str(self->log, expected);
    weir_cumulation_clear(&self->bytes);
}

/* Whole, byte by byte, and in two at every place. */
static void expect_parts_with(weir_http_multipart_options options, const char *text, const char *expected) {
    weir_bytes all = weir_bytes_str(text);
    seen self;
    start(&self, options);
    feed(&self, all);
    finish(&self, expected);
    start(&self, options);
    for (size_t i = 0; i < all.len; i++) feed(&self, weir_bytes_sub(all, i, 1));
    finish(&self, expected);
    for (size_t i = 1; i < all.len; i++) {
        weir_test_context("cut at %zu", i);
        start(&self, options);
        feed(&self, weir_bytes_sub(all, 0, i));
        feed(&self, weir_bytes_sub(all, i, SIZE_MAX));
        finish(&self, expected);
    }
}

static void expect_parts(const char *text, const char *expected) {
    expect_parts_with((weir_http_multipart_options){0}, text, expected);
}

/* RFC 7578 4, and the shape that browsers send. */
WEIR_TEST(http_multipart, gives_the_parts_of_a_form) {
    expect_parts_with(
        (weir_http_multipart_options){.boundary = weir_bytes_str("AaB03x"), .is_form = true},
        "--AaB03x\r\n"
        "content-disposition: form-data; name=\"field1\"\r\n"
        "content-type: text/plain;charset=UTF-8\r\n"
        "content-transfer-encoding: quoted-printable\r\n"
        "\r\n"
        "Joe owes =E2=82=AC100.\r\n"
        "--AaB03x\r\n"
        "Content-Disposition: form-data; name=\"f\"; filename=\"a b.txt\"\r\n"
        "\r\n"
        "line\r\n\r\nline\r\n\r\n"
        "--AaB03x--\r\n",
        "<field1||text/plain;charset=UTF-8:Joe owes =E2=82=AC100.><f|a b.txt|:line\r\n\r\nline\r\n>");
}

/* RFC 2046 5.1.1, its example. */
WEIR_TEST(http_multipart, passes_over_preamble_and_epilogue) {
    expect_parts_with(
        (weir_http_multipart_options){.boundary = weir_bytes_str("simple boundary")},
        "This is the preamble.  It is to be ignored\r\n\r\n"
        "--simple boundary\r\n"
        "\r\n"
        "This is implicitly typed plain US-ASCII text.\r\n"
        "It does NOT end with a linebreak.\r\n"
        "--simple boundary\r\n"
        "Content-type: text/plain; charset=us-ascii\r\n"
        "\r\n"
        "It DOES end with a linebreak.\r\n"
        "\r\n"
        "--simple boundary--\r\n"
        "\r\n"
        "This is the epilogue.  It is also to be ignored.\r\n--simple boundary\r\n",
        "<||:This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.>"
        "<||text/plain; charset=us-ascii:It DOES end with a linebreak.\r\n>");
}

WEIR_TEST(http_multipart, takes_what_looks_like_a_boundary_for_data) {
    expect_parts(
        "--B\r\n\r\n"
        "--Bx\r\n--BB\r\n --B\r\n-B\r\n--\r\n--B-\r\n--B--x\r\n--B\n\r\n--b\r\n\r--B\n--B\r\r\n--B\r"
        "\r\n--B--",
        "<||:--Bx\r\n--BB\r\n --B\r\n-B\r\n--\r\n--B-\r\n--B--x\r\n--B\n\r\n--b\r\n\r--B\n--B\r\r\n--B\r>");
    expect_parts("--Bx\r\n--B\r\n\r\na\r\n--B--", "<||:a>"); /* in the preamble too */
    expect_parts("x--B\r\n\r\na\r\n--B\r\n\r\nb\r\n--B--", "<||:b>");
}

WEIR_TEST(http_multipart, gives_a_multipart_inside_of_a_part_as_data) {
    expect_parts("--B\r\nContent-Type: multipart/mixed; boundary=B2\r\n\r\n"
                 "--B2\r\n\r\nx\r\n--B2--\r\n"
                 "\r\n--B--\r\n",
                 "<||multipart/mixed; boundary=B2:--B2\r\n\r\nx\r\n--B2--\r\n>");
}

WEIR_TEST(http_multipart, allows_blanks_behind_a_boundary_and_parts_without_anything) {
    expect_parts("--B \t\r\n\r\na\r\n--B--  \r\n", "<||:a>");
    expect_parts("--B\r\n\r\n\r\n--B--", "<||:>");
    expect_parts("--B\r\n\r\n--B--", "<||:>"); /* not even an empty body */
    expect_parts("--B\r\nA: b\r\n\r\n--B\r\n\r\n\r\n\r\n--B--", "<||:><||:\r\n>");
    expect_parts("--B--", "");
    expect_parts("--B--\r\nx", "");
}

WEIR_TEST(http_multipart, fails_when_the_last_boundary_does_not_come) {
    expect_parts("", "WEIR_E_EOF");
    expect_parts("--B", "WEIR_E_EOF");
    expect_parts("--B\r\n\r\nabc", "<||:abcWEIR_E_EOF");
    expect_parts("--B\r\n\r\nabc\r\n--", "<||:abc\r\n--WEIR_E_EOF");
    expect_parts("--B\r\n\r\nabc\r\n--B\r\n", "<||:abc>WEIR_E_EOF");
    expect_parts("nothing here", "WEIR_E_EOF");
}

WEIR_TEST(http_multipart, refuses_heads_that_are_none) {
    static const char *const wrong[] = {"A",       "A b: c",     ": c",    "A: b\r\n folded",
                                        "A: \x01", "A: b\nC: d", "\xff: a"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[64];
        snprintf(text, sizeof text, "--B\r\n%s\r\n\r\na\r\n--B--", wrong[i]);
        expect_parts(text, "WEIR_E_FRAME_CORRUPT");
    }
    weir_http_multipart_options form = {.is_form = true};
    expect_parts_with(form, "--B\r\n\r\na\r\n--B--", "WEIR_E_FRAME_CORRUPT");
    expect_parts_with(form, "--B\r\nContent-Disposition: form-data\r\n\r\na\r\n--B--",
                      "WEIR_E_FRAME_CORRUPT");
    expect_parts_with(form, "--B\r\nContent-Disposition: file; name=a\r\n\r\na\r\n--B--",
                      "WEIR_E_FRAME_CORRUPT");
    expect_parts_with(form, "--B\r\nContent-Disposition: form-data; name=\"\"\r\n\r\na\r\n--B--", "<||:a>");
}

WEIR_TEST(http_multipart, has_limits) {
    static const char two[] = "--B\r\nA: 567\r\n\r\nx\r\n--B\r\n\r\ny\r\n--B--";
    expect_parts_with((weir_http_multipart_options){.max_parts = 2}, two, "<||:x><||:y>");
    expect_parts_with((weir_http_multipart_options){.max_parts = 1}, two, "<||:x>WEIR_E_LIMIT");
    expect_parts_with((weir_http_multipart_options){.max_head = 8}, two, "<||:x><||:y>");
    expect_parts_with((weir_http_multipart_options){.max_head = 7}, two, "WEIR_E_FRAME_TOO_LONG");
    expect_parts_with((weir_http_multipart_options){.max_total = sizeof two - 1}, two, "<||:x><||:y>");
    expect_parts_with((weir_http_multipart_options){.max_total = sizeof two - 2}, two,
                      "<||:x><||:yWEIR_E_FRAME_TOO_LONG");
}

WEIR_TEST(http_multipart, keeps_no_more_of_a_head_than_its_limit) {
    seen self;
    start(&self, (weir_http_multipart_options){.max_head = 100});
    feed(&self, weir_bytes_str("--B\r\nA: "));
    for (unsigned i = 0; i < 200 && self.length == 0; i++) {
        feed(&self, weir_bytes_str("x"));
        expect(self.bytes.in == NULL || weir_buf_readable(self.bytes.in) <= 104);
    }
    finish(&self, "WEIR_E_FRAME_TOO_LONG");
}

WEIR_TEST(http_multipart, copies_no_body) {
    static uint8_t memory[4096];
    static const char head[] = "--B\r\n\r\n";
    static const char end[] = "\r\r\n-\r\n--B--";
    memset(memory, 'x', sizeof memory);
    memcpy(memory, head, sizeof head - 1);
    memcpy(memory + 1400, end, sizeof end - 1);
    seen self;
    start(&self, (weir_http_multipart_options){0});
    self.low = memory;
    self.high = memory + sizeof memory;
    for (size_t at = 0; at < 1400 + sizeof end - 1;
         at += 700) { /* each longer than what a cumulation copies */
        weir_buf *piece = weir_buf_wrap(memory + at, 700, NULL, NULL);
        expect_status(weir_cumulation_add(&self.bytes, piece), WEIR_OK);
        drain(&self, false);
        if (at < 1400) expect(self.bytes.in == NULL); /* nothing waits that cannot begin a boundary */
    }
    expect_eq(self.bytes.copied, 0);
    weir_cumulation_clear(&self.bytes);
}

static bool decode_form(void *arg) {
    (void)arg;
    weir_http_multipart self;
    weir_http_multipart_options options = {.boundary = weir_bytes_str("B")};
    weir_buf *in = weir_buf_new(64);
    if (in == NULL) return false;
    weir_buf_write_str(in, "--B\r\nA: b\r\n\r\nbody\r\n--B--\r\n");
    bool fine = weir_http_multipart_init(&self, &options) == WEIR_OK;
    weir_decode answer;
    do {
        weir_obj *out = NULL;
        weir_error error = {0};
        answer = weir_http_multipart_decode(&self, in, &out, &error);
        weir_obj_release(out);
        if (answer == WEIR_DECODE_FAILED) fine = expect_status(error.status, WEIR_E_NO_MEMORY) && false;
    } while (answer == WEIR_DECODE_AGAIN);
    weir_buf_release(in);
    return fine;
}

WEIR_TEST(http_multipart, gives_back_all_memory_when_there_is_too_little) {
    expect(weir_oom_sweep(decode_form, NULL) >= 3);
}

WEIR_TEST(http_multipart, takes_its_boundary_from_the_content_type) {
    weir_bytes boundary;
    expect(weir_http_multipart_boundary(weir_bytes_str("multipart/form-data; boundary=AaB03x"), &boundary));
    expect_bytes(boundary, "AaB03x");
    expect(weir_http_multipart_boundary(
        weir_bytes_str("Multipart/Mixed; x=y; Boundary=\"gc0p4Jq0M:2Yt08j34c0p\""), &boundary));
    expect_bytes(boundary, "gc0p4Jq0M:2Yt08j34c0p");
    static const char *const wrong[] = {
        "multipart/form-data",
        "text/plain; boundary=a",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=\"a\\b\"",
        "multipart/form-data; boundary=\"a\tb\"",
        "multipart/form-data; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect(!weir_http_multipart_boundary(weir_bytes_str(wrong[i]), &boundary));
    }
    weir_http_multipart self;
    expect_status(weir_http_multipart_init(&self, &(weir_http_multipart_options){0}), WEIR_E_INVALID);
}

/* ---- heads ---- */

static void expect_file_name(const char *disposition, const char *expected) {
    char head[256];
    weir_http_part *part = NULL;
    snprintf(head, sizeof head, "Content-Disposition: %s\r\n", disposition);
    weir_test_context("%s", disposition);
    expect_status(weir_http_part_new(weir_bytes_str(head), &part), WEIR_OK);
    if (part != NULL) expect_same_bytes(part->file_name, weir_bytes_str(expected));
    weir_obj_release(part);
}

WEIR_TEST(http_part, decodes_file_names) {
    expect_file_name("form-data; name=a; filename=\"a\\\"b\\\\c\"", "a\"b\\c");
    expect_file_name("form-data; name=a; filename=\"C:\\dir\\x.txt\"", "C:\\dir\\x.txt");
    expect_file_name("attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates",
                     "\xe2\x82\xac rates");
    expect_file_name("attachment; filename*=UTF-8'en'a%20b; filename=c", "a b");
    expect_file_name("attachment; filename*=iso-8859-1''%a3; filename=c", "c");
    expect_file_name("attachment; filename*=UTF-8''%zz; filename=c", "c");
    expect_file_name("attachment; filename*=UTF-8; filename=c", "c");
    expect_file_name("form-data; name=a; filename=\"\"", "");
}

WEIR_TEST(http_part, finds_its_fields) {
    weir_http_part *part = NULL;
    expect_status(weir_http_part_new(weir_bytes_str("X-One:  1 \r\nx-two:\r\nX-ONE: 3\r\n"), &part), WEIR_OK);
    require(part != NULL);
    expect_bytes(weir_http_part_find(part, "x-one"), "1");
    expect(weir_http_part_find(part, "X-Two").ptr != NULL);
    expect(weir_http_part_find(part, "X-Three").ptr == NULL);
    weir_obj_release(part);
}
