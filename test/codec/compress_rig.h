/* compress_rig.h - bytes to compress, each library's own way of doing so at once, and weir's, cut in pieces. */
#ifndef WEIR_TEST_COMPRESS_RIG_H
#define WEIR_TEST_COMPRESS_RIG_H

#include <weir/buffer.h>
#include <weir/codec/compressor.h>
#include <weir/codec/decompressor.h>
#include <weir/testing.h>

typedef struct blob {
    uint8_t *ptr;
    size_t len;
    size_t room; /* of what grows */
} blob;

typedef enum blob_kind {
    BLOB_ZEROS,
    BLOB_WORDS, /* compressible as text is */
    BLOB_RANDOM,
    BLOB_KINDS
} blob_kind;

blob blob_new(size_t n);
blob blob_make(blob_kind kind, size_t n, unsigned seed);
void blob_free(blob *self);
bool blob_equal(const blob *self, const blob *other);

/* The library's own functions. `n`: how much comes out. Give: a blob. */
blob library_pack(weir_compression format, const blob *from);
blob library_unpack(weir_compression format, const blob *from, size_t n);

/* How the input is cut. */
typedef enum blob_cut {
    CUT_WHOLE,
    CUT_BYTES,
    CUT_RANDOM,
    CUT_COMPOSITE, /* whole, but in parts of random length */
    BLOB_CUTS
} blob_cut;

/* The next bytes of `from` at `*at` as one buf. Gives: it, or NULL at the end. */
weir_buf *blob_next(const blob *from, size_t *at, blob_cut cut);

/* By weir. Without options: defaults, without limits. Give: a blob; a failure is in `*status`, with what had come. */
blob weir_pack(weir_compression format, const weir_compressor_options *options, const blob *from,
               blob_cut cut);
blob weir_unpack(weir_compression format, const weir_decompressor_options *options, const blob *from,
                 blob_cut cut, weir_status *status);

/* Adds what is readable of `buf` at the end. Takes: buf. */
void blob_add(blob *self, weir_buf *buf);

#endif
