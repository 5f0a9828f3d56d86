/* list_test.c - the intrusive list. */
#include <weir/core/list.h>
#include <weir/testing.h>

struct item {
    char letter;
    weir_list link;
};

/* The letters of a list, forwards; checks that backwards is the mirror. */
static const char *letters(weir_list *list) {
    static char text[16];
    size_t n = 0;
    for (weir_list *at = list->next; at != list; at = at->next) {
        text[n++] = WEIR_CONTAINER(at, struct item, link)->letter;
    }
    text[n] = '\0';
    size_t left = n;
    for (weir_list *at = list->prev; at != list; at = at->prev) {
        expect_eq(WEIR_CONTAINER(at, struct item, link)->letter, text[--left]);
    }
    expect_eq(left, 0);
    return text;
}

WEIR_TEST(list, pushes_at_both_ends_and_before_a_node) {
    struct item a = {.letter = 'a'};
    struct item b = {.letter = 'b'};
    struct item c = {.letter = 'c'};
    weir_list list;
    weir_list_init(&list);
    expect(weir_list_is_empty(&list));
    expect_str(letters(&list), "");
    weir_list_push_back(&list, &b.link);
    weir_list_push_front(&list, &a.link);
    expect_str(letters(&list), "ab");
    weir_list_insert_before(&b.link, &c.link);
    expect_str(letters(&list), "acb");
    expect(!weir_list_is_empty(&list));
}

WEIR_TEST(list, removes_twice_without_harm) {
    struct item a = {.letter = 'a'};
    struct item b = {.letter = 'b'};
    weir_list list;
    weir_list_init(&list);
    weir_list_push_back(&list, &a.link);
    weir_list_push_back(&list, &b.link);
    weir_list_remove(&a.link);
    weir_list_remove(&a.link);
    expect_str(letters(&list), "b");
    expect(weir_list_is_empty(&a.link));
}

WEIR_TEST(list, pops_from_the_front_until_it_is_empty) {
    struct item a = {.letter = 'a'};
    struct item b = {.letter = 'b'};
    weir_list list;
    weir_list_init(&list);
    weir_list_push_back(&list, &a.link);
    weir_list_push_back(&list, &b.link);
    expect_eq(weir_list_pop_front(&list), &a.link);
    expect_eq(weir_list_pop_front(&list), &b.link);
    expect_eq(weir_list_pop_front(&list), NULL);
}

WEIR_TEST(list, splices_all_nodes_of_another_to_its_end) {
    struct item items[4] = {{.letter = 'a'}, {.letter = 'b'}, {.letter = 'c'}, {.letter = 'd'}};
    weir_list list;
    weir_list from;
    weir_list_init(&list);
    weir_list_init(&from);
    weir_list_splice(&list, &from);
    expect_str(letters(&list), "");
    for (int i = 0; i < 2; i++) weir_list_push_back(&list, &items[i].link);
    for (int i = 2; i < 4; i++) weir_list_push_back(&from, &items[i].link);
    weir_list_splice(&list, &from);
    expect_str(letters(&list), "abcd");
    expect(weir_list_is_empty(&from));
}
