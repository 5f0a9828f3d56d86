/* http_names.h - private: where a field name stands in the table of http_names.c. */
#ifndef WEIR_CODEC_HTTP_NAMES_H
#define WEIR_CODEC_HTTP_NAMES_H

#include <weir/core/bytes.h>

#define HTTP_NAME_SLOTS 128

/* Requires: text is not empty. */
unsigned http_name_slot(weir_bytes text);

#endif
