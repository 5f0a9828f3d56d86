/* obj_test.c - one life of a counted object, by one thread and by several. */
#include <pthread.h>
#include <stdint.h>

#include <weir/core/alloc.h>
#include <weir/core/obj.h>
#include <weir/testing.h>

enum {
    THREADS = 4,
    ROUNDS = 20000
};

struct cup {
    weir_obj obj;
    uint64_t drops;
};

static int freed;
static bool was_dead_when_freed;
static const weir_obj_type cup_type;
static weir_leak_counter living = {.name = "cup"};

static void free_cup(weir_obj *self) {
    was_dead_when_freed = !weir_obj_is(self, &cup_type) && self->count == 0;
    __atomic_fetch_add(&freed, 1, __ATOMIC_RELAXED);
    weir_alloc_release(NULL, self);
}

static uint64_t drops_of(const weir_obj *self) {
    return ((const struct cup *)(const void *)self)->drops;
}

static const weir_obj_type cup_type = {"cup", free_cup, drops_of, &living};

static struct cup *new_cup(void) {
    struct cup *cup = weir_alloc_acquire(NULL, sizeof *cup);
    require(cup != NULL);
    weir_obj_init(&cup->obj, &cup_type);
    cup->drops = 7;
    freed = 0;
    return cup;
}

/* What a pool leaves behind: a header that was released and not overwritten. */
static void keep(weir_obj *self) {
    (void)self;
}

static const weir_obj_type pooled_type = {.name = "pooled", .free = keep};

WEIR_TEST(obj, is_freed_once_by_the_last_release) {
    struct cup *cup = new_cup();
    expect(weir_obj_is_unshared(cup));
    expect_eq(weir_obj_retain(cup), cup);
    expect(!weir_obj_is_unshared(cup));
    weir_obj_release(cup);
    expect_eq(freed, 0);
    expect(weir_obj_is_unshared(cup));
    weir_obj_release(cup);
    expect_eq(freed, 1);
}

WEIR_TEST(obj, may_be_null) {
    expect_eq(weir_obj_retain(NULL), NULL);
    weir_obj_release(NULL);
    expect(!weir_obj_is(NULL, &cup_type));
}

WEIR_TEST(obj, reads_as_dead_when_its_type_frees_it) {
    was_dead_when_freed = false;
    weir_obj_release(new_cup());
    expect(was_dead_when_freed);
    was_dead_when_freed = false;
    struct cup *cup = new_cup();
    weir_obj_retain(cup);
    weir_obj_release(cup);
    weir_obj_release(cup);
    expect(was_dead_when_freed);
}

WEIR_TEST(obj, knows_its_type_and_size) {
    struct cup *cup = new_cup();
    expect(weir_obj_is(cup, &cup_type));
    expect(!weir_obj_is(cup, &pooled_type));
    expect_eq(weir_obj_size(&cup->obj), 7);
    weir_obj_release(cup);
    weir_obj sizeless;
    weir_obj_init(&sizeless, &pooled_type);
    expect_eq(weir_obj_size(&sizeless), 0);
    weir_obj_release(&sizeless);
}

WEIR_TEST(obj, is_counted_while_it_lives) {
    int64_t before = weir_leak_live(&living);
    struct cup *one = new_cup();
    struct cup *two = new_cup();
    weir_obj_retain(one);
    expect_eq(weir_leak_live(&living), before + 2);
    weir_obj_release(two);
    weir_obj_release(one);
    expect_eq(weir_leak_live(&living), before + 1);
    weir_obj_release(one);
    expect_eq(weir_leak_live(&living), before);
}

/* In read-only memory: one write would end the program. */
static const weir_obj immortal = {&pooled_type, WEIR_OBJ_IMMORTAL, 0};

WEIR_TEST(obj, is_not_written_when_immortal) {
    void *obj = (void *)(uintptr_t)&immortal;
    for (int i = 0; i < 3; i++) expect_eq(weir_obj_retain(obj), obj);
    for (int i = 0; i < 5; i++) weir_obj_release(obj);
    expect(!weir_obj_is_unshared(obj));
    expect_eq(immortal.count, WEIR_OBJ_IMMORTAL);
}

WEIR_TEST(obj, may_have_references_up_to_the_highest_count_only) {
    weir_obj obj;
    weir_obj_init(&obj, &pooled_type);
    obj.count = WEIR_OBJ_IMMORTAL - 2;
    weir_obj_retain(&obj);
    expect_eq(obj.count, WEIR_OBJ_IMMORTAL - 1);
    expect_abort({ weir_obj_retain(&obj); }, "with as many references as fit, its count is 2147483647");
    weir_obj_release(&obj);
    expect_eq(obj.count, WEIR_OBJ_IMMORTAL - 2);
    obj.count = 1;
    weir_obj_release(&obj);
}

WEIR_TEST(obj, stops_the_program_when_used_after_its_last_release) {
    weir_obj obj;
    weir_obj_init(&obj, &pooled_type);
    weir_obj_release(&obj);
    expect_abort({ weir_obj_release(&obj); }, "was released after its last release, its count is 0");
    expect_abort({ weir_obj_retain(&obj); }, "was retained after its last release, its count is 0");
    obj.count = 1;
    expect_abort({ weir_obj_release(&obj); }, "was released after its last release, its count is 1");
}

WEIR_TEST(obj, is_named_when_taken_for_something_else) {
    weir_obj obj;
    weir_obj_init(&obj, &pooled_type);
    expect_abort({ weir_obj_misused(&obj, "read"); }, "pooled 0x");
    expect_abort({ weir_obj_misused(&obj, "read"); },
                 "was read as what it is not, or overwritten, its count is 1");
    weir_obj_release(&obj);
    int on_stack = 0;
    obj.type = (const weir_obj_type *)(const void *)&on_stack;
    expect_abort({ weir_obj_misused(&obj, "read"); }, "object 0x");
}

static void release_twice_while_tracked(void) {
    weir_leak_track(true);
    weir_obj obj;
    weir_obj_init(&obj, &pooled_type);
    weir_obj_retain(&obj);
    weir_obj_release(&obj);
    weir_obj_release(&obj);
    weir_obj_release(&obj);
}

WEIR_TEST(obj, tells_all_sites_of_a_double_release_when_tracked) {
    expect_abort({ release_twice_while_tracked(); }, "released\n  acquired at:\n    ");
    expect_abort({ release_twice_while_tracked(); }, "  touched by retain at:\n    ");
    expect_abort({ release_twice_while_tracked(); }, "  touched by release at:\n    ");
    expect_abort({ release_twice_while_tracked(); }, "  released at:\n    ");
    expect_abort({ release_twice_while_tracked(); }, "  released now at:\n    ");
    expect_abort({ release_twice_while_tracked(); }, "after its last release, its count is 0\n");
}

static void release_what_a_record_says_is_gone(void) {
    weir_leak_track(true);
    weir_obj obj;
    weir_obj_init(&obj, &pooled_type);
    weir_leak_released(&obj);
    weir_obj_release(&obj);
}

WEIR_TEST(obj, believes_the_record_more_than_the_header) {
    expect_abort({ release_what_a_record_says_is_gone(); }, "  released again at:\n    ");
}

WEIR_TEST(obj, is_freed_by_who_becomes_the_last_after_looking) {
    struct cup *cup = new_cup();
    weir_obj_release_shared(&cup->obj); /* the count was 2 when this was chosen */
    expect_eq(freed, 1);
    expect(was_dead_when_freed);
}

static void *retain_and_release(void *cup) {
    for (int i = 0; i < ROUNDS; i++) {
        weir_obj_retain(cup);
        weir_obj_release(cup);
    }
    weir_obj_release(cup);
    return NULL;
}

WEIR_TEST(obj, is_freed_once_when_threads_share_it) {
    struct cup *cup = new_cup();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        require(pthread_create(&threads[i], NULL, retain_and_release, weir_obj_retain(cup)) == 0);
    }
    weir_obj_release(cup);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    expect_eq(freed, 1);
    expect(was_dead_when_freed);
}

/* Every thread reads and writes the contents while it is the only owner: the release of the one
 * before must have happened before. */
static void *drink_and_release(void *arg) {
    struct cup *cup = arg;
    if (weir_obj_is_unshared(cup)) cup->drops++;
    weir_obj_release(cup);
    return NULL;
}

WEIR_TEST(obj, hands_its_contents_to_the_last_owner) {
    for (int round = 0; round < 50; round++) {
        struct cup *cup = new_cup();
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) {
            require(pthread_create(&threads[i], NULL, drink_and_release, weir_obj_retain(cup)) == 0);
        }
        weir_obj_release(cup);
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
        expect_eq(freed, 1);
    }
}
