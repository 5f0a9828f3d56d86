/* buf_model.h - a buf of some kind lives beside a plain array of bytes and must do as that does. */
#ifndef WEIR_TEST_BUF_MODEL_H
#define WEIR_TEST_BUF_MODEL_H

#include <weir/buffer.h>

#include "fuzz/chance.h"

/* One life of at most so many steps. False when it went wrong, which has been told. Borrows: both. */
bool buf_model_live(chance *luck, weir_pool *pool, int most_steps);

#endif
