/* status_test.c - every status has a name and a sentence. */
#include <errno.h>
#include <string.h>

#include <weir/core/status.h>
#include <weir/testing.h>

enum {
    HIGHEST_LINUX_ERRNO = 133
};

WEIR_TEST(status, names_its_own_failures) {
    expect_str(weir_status_name(WEIR_OK), "WEIR_OK");
    expect_str(weir_status_name(WEIR_E_NO_MEMORY), "WEIR_E_NO_MEMORY");
    expect_str(weir_status_name(WEIR_E_EOF), "WEIR_E_EOF");
    expect_str(weir_status_name(WEIR_E_STOPPED), "WEIR_E_STOPPED");
    expect_str(weir_status_text(WEIR_E_CLOSED), "the channel is closed");
}

WEIR_TEST(status, keeps_the_numbers_that_are_abi) {
    expect_eq(WEIR_E_NO_MEMORY, -5001);
    expect_eq(WEIR_E_FULL, -5007);
    expect_eq(WEIR_E_STOPPED, -5018);
    expect_eq(WEIR_E_CUT_SHORT, -5021);
}

WEIR_TEST(status, tells_every_row_of_the_table_apart) {
#define ROW(name, number, sentence) {WEIR_E_##name, "WEIR_E_" #name, sentence},
    static const struct {
        weir_status status;
        const char *name, *text;
    } rows[] = {WEIR_STATUS_TABLE(ROW)};
#undef ROW
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_str(weir_status_name(rows[i].status), rows[i].name);
        expect_str(weir_status_text(rows[i].status), rows[i].text);
        expect(rows[i].status < -5000);
        for (size_t j = 0; j < i; j++) expect(rows[i].status != rows[j].status);
    }
}

WEIR_TEST(status, names_system_failures_as_the_system_does) {
    int named = 0;
    for (int err = 1; err <= HIGHEST_LINUX_ERRNO; err++) {
        const char *name = weir_status_name(-err);
        if (strcmp(name, "E?") == 0) continue;
        named++;
        weir_test_context("errno %d", err);
        expect_str(name, strerrorname_np(err));
        const char *text = weir_status_text(-err);
        expect(text[0] >= 'a' && text[0] <= 'z');
        expect(text[strlen(text) - 1] != '.');
    }
    expect(named >= 70);
}

WEIR_TEST(status, has_a_sentence_for_the_failures_of_a_network) {
    expect_str(weir_status_text(-ECONNRESET), "connection reset by peer");
    expect_str(weir_status_text(-EPIPE), "broken pipe");
    expect_str(weir_status_text(-ENOENT), "no such file or directory");
}

WEIR_TEST(status, answers_for_numbers_nobody_defined) {
    expect_str(weir_status_name(-6000), "WEIR_E_?");
    expect_str(weir_status_name(1), "WEIR_E_?");
    expect_str(weir_status_text(-4999), "no such status");
    expect_str(weir_status_name(-4095), "E?");
    expect_str(weir_status_text(-4095), "a rare failure of the system");
}

WEIR_TEST(status, is_never_ok_when_made_from_errno) {
    expect_status(weir_status_from_errno(ECONNREFUSED), -ECONNREFUSED);
    expect_status(weir_status_from_errno(0), -EIO);
    expect_status(weir_status_from_errno(-5), -EIO);
    expect_status(weir_status_from_errno(5000), -EIO);
}
