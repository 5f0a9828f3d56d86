/* http_names.h - private: where a field name stands in the table of http_names.c, and how one is compared. */
#ifndef WEIR_CODEC_HTTP_NAMES_H
#define WEIR_CODEC_HTTP_NAMES_H

#include <weir/core/bytes.h>

#define HTTP_NAME_SLOTS 128

/* Requires: text is not empty. */
unsigned http_name_slot(weir_bytes text);

/* Whether `text` is `word` in any case, many bytes at a time. Requires: word of letters, digits and '-'. */
bool http_is_word(weir_bytes text, weir_bytes word);

#endif
