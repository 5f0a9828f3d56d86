/* buf_model_test.c - a buf against a plain array of bytes, over a million random steps.
 *
 * WEIR_SEED in the environment repeats a run; the seed is told with every failure.
 */
#include <stdlib.h>

#include <weir/testing.h>

#include "buffer/buf_model.h"

enum {
    STEPS = 1000000,
    STEPS_A_LIFE = 500
};

WEIR_TEST(buf_model, a_buf_behaves_like_an_array_of_bytes) {
    const char *given = getenv("WEIR_SEED");
    chance luck = chance_of_seed(given != NULL ? strtoull(given, NULL, 0) : 20240229);
    weir_pool *pool = weir_pool_new(NULL);
    require(pool != NULL);
    for (int done = 0; done < STEPS; done += STEPS_A_LIFE) {
        weir_test_context("WEIR_SEED=%llu in front of this life", (unsigned long long)luck.state);
        if (!buf_model_live(&luck, pool, STEPS_A_LIFE)) break;
    }
    weir_pool_free(pool);
}
