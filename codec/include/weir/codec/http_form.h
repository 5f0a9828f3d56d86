/* <weir/codec/http_form.h> - the fields of a form that was posted, collected within limits.
 *
 *     weir_http_form_init(&form, content_type, NULL);
 *     weir_http_form_add(&form, buf);                    for each piece of the body
 *     if (weir_http_form_end(&form) == WEIR_OK) field = weir_http_form_find(&form, "name");
 *     weir_http_form_clear(&form);
 *
 * In short: multipart/form-data and application/x-www-form-urlencoded. Small values stay in memory. One that grows past
 * spill_above goes to the sink, from its first byte on, if there is one: http_form_spill.h writes temporary files. All
 * memory that a form holds is bounded by max_memory and max_fields.
 *
 * Layer: codec, pure. A value; one thread.
 */
#ifndef WEIR_CODEC_HTTP_FORM_H
#define WEIR_CODEC_HTTP_FORM_H

#include <weir/codec/cumulation.h>
#include <weir/codec/http_multipart.h>

WEIR_BEGIN_DECLS

/* One field. Readable. */
typedef struct weir_http_form_field {
    weir_bytes name;
    weir_http_part *part; /* its head, with file_name and content_type; NULL in a urlencoded form */
    weir_buf *value;      /* what is in memory; NULL when it went to the sink */
    void *file;           /* the sink's; NULL when it is in memory */
    uint64_t size;        /* bytes of the value, wherever they are */
} weir_http_form_field;

/* Where large values go. */
typedef struct weir_http_form_sink {
    /* Begins one. `*file`, never NULL, is handed back to the others. Borrows: field. */
    weir_status (*open)(void *arg, const weir_http_form_field *field, void **file);
    /* Takes all readable bytes. Borrows: bytes. */
    weir_status (*write)(void *arg, void *file, weir_buf *bytes);
    /* Called once for each that was opened, when the form is cleared. */
    void (*close)(void *arg, void *file);
} weir_http_form_sink;

/* What a form may hold, and where large values go. */
typedef struct weir_http_form_options {
    size_t max_memory;               /* bytes of values and heads in memory, all fields together; 0: 1 MiB */
    unsigned max_fields;             /* 0: 1024 */
    uint64_t max_total;              /* bytes of the whole multipart body; 0: 1 GiB */
    size_t spill_above;              /* a value of more bytes goes to the sink; 0: 16 KiB */
    const weir_http_form_sink *sink; /* NULL: all stays in memory, or fails */
    void *sink_arg;                  /* handed to the sink */
} weir_http_form_options;

typedef struct weir_http_form {
    weir_http_form_options options;
    weir_http_form_field *fields;
    unsigned count, room;
    size_t memory;
    weir_status status; /* the first failure: what comes then is released */
    weir_buf *text;     /* of a urlencoded form, until its end; else NULL */
    weir_http_multipart multipart;
    weir_cumulation bytes;
} weir_http_form;

/* Borrows: options (may be NULL), whose sink and sink_arg must live until clear. Fails: WEIR_E_UNSUPPORTED for another
 * content type, WEIR_E_INVALID for a boundary that is none, WEIR_E_NO_MEMORY; clear is then harmless, not needed. */
WEIR_API weir_status weir_http_form_init(weir_http_form *self, weir_bytes content_type,
                                         const weir_http_form_options *options);

/* The next piece of the body. Takes: buf (NULL fails with WEIR_E_NO_MEMORY). Fails: WEIR_E_LIMIT, what multipart and sink
 * fail with, WEIR_E_NO_MEMORY; for good. */
WEIR_API weir_status weir_http_form_add(weir_http_form *self, weir_buf *buf);

/* The body is complete. Fails: as add, WEIR_E_EOF when it is not, WEIR_E_INVALID for an escape that is none. */
WEIR_API weir_status weir_http_form_end(weir_http_form *self);

/* The first field of that name, which has a case; NULL when there is none. All of them are `fields`, in order.
 * Until: clear. */
WEIR_API const weir_http_form_field *weir_http_form_find(const weir_http_form *self, const char *name);

/* Lets go of all fields and files. Twice is harmless. */
WEIR_API void weir_http_form_clear(weir_http_form *self);

WEIR_END_DECLS

#endif
