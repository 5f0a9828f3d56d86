/* Who answers to a name. */
#include <weir/testing.h>

#include "tls/tls_identity_inside.h"
#include "tls/tls_names.h"

/* One that has only names and a kind of key. */
static weir_tls_identity *identity_of(int kind, const char *names) {
    weir_tls_identity *identity = tls_identity_new();
    require(identity != NULL);
    identity->key_kind = kind;
    weir_bytes rest = weir_bytes_str(names), name;
    while (weir_bytes_split(&rest, ',', &name))
        if (name.len != 0) expect_status(tls_identity_add_name(identity, name), WEIR_OK);
    return identity;
}

static const char *const hosts[] = {"b.example,a.example", "*.a.example", "www.a.example,*.example", "", "*"};

enum {
    HOSTS = sizeof hosts / sizeof hosts[0]
};

WEIR_TEST(tls_names, an_exact_name_goes_before_a_wildcard_for_one_label) {
    weir_tls_identity *identities[HOSTS];
    for (int i = 0; i < HOSTS; i++) identities[i] = identity_of(EVP_PKEY_EC, hosts[i]);
    tls_names *names = tls_names_new(identities, HOSTS);
    static const struct {
        const char *asked;
        int found; /* -1: nobody */
    } cases[] = {
        {"a.example", 0},   {"A.EXAMPLE", 0},
        {"a.example.", 0},  {"b.example", 0},
        {"x.a.example", 1}, {"www.a.example", 2},
        {"c.example", 2},   {"x.y.a.example", -1},
        {"example", -1},    {"", -1},
        {".", -1},          {".a.example", -1},
        {"*.a.example", 1}, {"a.example..", -1},
        {"192.0.2.1", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_test_context("%s", cases[i].asked);
        tls_choice choice;
        expect_eq(tls_names_find(names, cases[i].asked, &choice), cases[i].found >= 0);
        if (cases[i].found >= 0 && expect_eq(choice.count, 1))
            expect_eq(choice.identities[0], identities[cases[i].found]);
    }
    char long_name[400];
    memset(long_name, 'a', sizeof long_name);
    long_name[399] = '\0';
    tls_choice choice;
    expect(!tls_names_find(names, long_name, &choice));
    tls_names_release(names);
    for (int i = 0; i < HOSTS; i++) weir_tls_identity_release(identities[i]);
}

WEIR_TEST(tls_names, of_each_kind_of_key_the_first_answers) {
    weir_tls_identity *identities[] = {
        identity_of(EVP_PKEY_EC, "a,b"),
        identity_of(EVP_PKEY_RSA, "a"),
        identity_of(EVP_PKEY_EC, "a"),
        identity_of(EVP_PKEY_ED25519, "a,b"),
    };
    tls_names *names = tls_names_new(identities, 4);
    tls_choice choice;
    expect(tls_names_find(names, "a", &choice));
    expect_eq(choice.count, 3);
    expect_eq(choice.identities[0], identities[0]);
    expect_eq(choice.identities[1], identities[1]);
    expect_eq(choice.identities[2], identities[3]);
    tls_names_default(names, &choice);
    expect_eq(choice.count, 3);
    expect_eq(choice.identities[0], identities[0]);
    tls_names_release(names);
    for (int i = 0; i < 4; i++) weir_tls_identity_release(identities[i]);
}

WEIR_TEST(tls_names, the_default_is_the_first_also_when_it_has_no_name) {
    weir_tls_identity *identities[] = {identity_of(EVP_PKEY_EC, ""), identity_of(EVP_PKEY_RSA, "a")};
    tls_names *names = tls_names_new(identities, 2);
    tls_choice choice;
    tls_names_default(names, &choice);
    expect_eq(choice.count, 1);
    expect_eq(choice.identities[0], identities[0]);
    tls_names_release(names);
    names = tls_names_new(NULL, 0);
    tls_names_default(names, &choice);
    expect_eq(choice.count, 0);
    tls_names_release(names);
    for (int i = 0; i < 2; i++) weir_tls_identity_release(identities[i]);
}

static bool make_set(void *arg) {
    weir_tls_identity **identities = arg;
    tls_names *names = tls_names_new(identities, 2);
    tls_names_release(names);
    return names != NULL;
}

WEIR_TEST(tls_names, a_set_survives_running_out_of_memory) {
    weir_tls_identity *identities[] = {identity_of(EVP_PKEY_EC, "a,b"), identity_of(EVP_PKEY_RSA, "a")};
    weir_oom_sweep(make_set, identities);
    for (int i = 0; i < 2; i++) weir_tls_identity_release(identities[i]);
}
