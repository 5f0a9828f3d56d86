/* fuzz_proxy_header.c - no input may break the parser, and no cut may change what it says: whatever is decided of a
 * beginning stays decided when more comes. */
#include <string.h>

#include <weir/codec/proxy_header.h>

#include "fuzz/fuzz.h"

enum {
    LENGTH_MAX = 512
};

/* Of a copy of just so many bytes, so that a sanitizer sees a read beyond them. */
static weir_decode parse(const uint8_t *data, size_t size, weir_proxy_header *header, size_t *used) {
    weir_error error = {0};
    uint8_t *copy = malloc(size + 1);
    MUST(copy != NULL);
    if (size != 0) memcpy(copy, data, size);
    weir_decode answer = weir_proxy_header_parse(weir_bytes_of(copy, size), LENGTH_MAX, header, used, &error);
    MUST(answer != WEIR_DECODE_FAILED || error.status != WEIR_OK);
    uint8_t type;
    for (weir_bytes tlvs = header->tlvs, value;
         answer == WEIR_DECODE_AGAIN && weir_proxy_tlv_next(&tlvs, &type, &value);) {
        MUST(value.ptr >= copy && value.ptr + value.len <= copy + *used);
    }
    free(copy);
    header->tlvs.ptr = NULL;
    return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    weir_proxy_header whole, part;
    size_t used, used_part;
    char text[WEIR_ADDR_TEXT], text_part[WEIR_ADDR_TEXT];
    weir_decode answer = parse(data, size, &whole, &used);
    MUST(answer == WEIR_DECODE_MORE || answer == WEIR_DECODE_AGAIN || answer == WEIR_DECODE_FAILED);
    MUST(answer != WEIR_DECODE_AGAIN || (used > 0 && used <= size));
    for (size_t n = 0; n < size; n++) {
        weir_decode early = parse(data, n, &part, &used_part);
        if (early == WEIR_DECODE_MORE) continue;
        MUST(early == answer);
        if (early != WEIR_DECODE_AGAIN) continue;
        MUST(used_part == used && n >= used);
        MUST(strcmp(weir_addr_format(&whole.source, text), weir_addr_format(&part.source, text_part)) == 0);
        MUST(whole.tlvs.len == part.tlvs.len);
    }
    return 0;
}
