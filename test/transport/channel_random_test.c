/* channel_random_test.c - millions of random steps over channels whose handlers do random things in every callback.
 *
 * Every way a life can go is counted, and none may be missing.
 */
#include <weir/core/leak.h>
#include <weir/core/log.h>
#include <weir/testing.h>

#include "channel_world.h"
#include "paths.h"
#include "seed.h"

enum {
    LIVES = 15000
};

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *text) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)text;
}

WEIR_TEST(channel_random, keeps_to_the_model_of_a_life_over_millions_of_random_steps) {
    static channel_world_counts counts;
    memset(&counts, 0, sizeof counts);
    chance luck = chance_of_seed(seed_start());
    if (getenv("WEIR_SEED") == NULL)
        weir_leak_track(false); /* histories: four times the time, for who repeats */
    weir_log_set_sink(drop_line, NULL);
    for (int i = 0; i < LIVES; i++) channel_world_live(&luck, &counts);
    weir_log_set_sink(NULL, NULL);
    printf("%12llu steps\n", (unsigned long long)counts.steps);
    expect(counts.steps > 2000000);
    expect_each_taken("act", act_names, counts.acts, ACTS);
    expect_each_taken("path", life_path_names, counts.paths, LIFE_PATH_COUNT);
}
