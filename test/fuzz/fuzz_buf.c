/* fuzz_buf.c - what is done to a buf is written in the bytes: whatever it is, a buf of any kind, views of it and
 * composites do as a plain array of bytes does. The model is that of the test buffer.buf_model.
 */
#include <weir/core/leak.h>

#include "buffer/buf_model.h"
#include "fuzz/fuzz.h"

enum {
    STEPS_MOST = 2000
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t alive = weir_leak_report(NULL);
    weir_pool *pool = weir_pool_new(NULL);
    MUST(pool != NULL);
    chance luck = chance_of_bytes(data, size);
    MUST(buf_model_live(&luck, pool, STEPS_MOST));
    weir_pool_free(pool);
    MUST(weir_leak_report(NULL) == alive);
    return 0;
}
