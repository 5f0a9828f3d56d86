/* <weir/codec/http_form_spill.h> - a sink for large values of a form: temporary files without a name.
 *
 *     weir_http_form_options options = {.sink = &weir_http_form_spill, .sink_arg = "/var/tmp"};
 *
 * This one does I/O, and it blocks: writes go to the page cache, and wait for the disk when that is full of what is not
 * written yet. Feed such a form on a thread of the pool (weir_loop_offload), or accept that. The files have no name, so
 * they are gone when the form is cleared or the process ends.
 *
 * Layer: codec. Any thread, one form each.
 */
#ifndef WEIR_CODEC_HTTP_FORM_SPILL_H
#define WEIR_CODEC_HTTP_FORM_SPILL_H

#include <weir/codec/http_form.h>

WEIR_BEGIN_DECLS

/* The sink; its argument is the folder, a C string, NULL: /tmp. */
WEIR_API extern const weir_http_form_sink weir_http_form_spill;

/* The descriptor of a value that was spilled, at whatever offset; -1 for one in memory. Borrows: field, and so the answer:
 * duplicate it to keep it. Requires: the form's sink is weir_http_form_spill. */
WEIR_API int weir_http_form_spill_fd(const weir_http_form_field *field);

WEIR_END_DECLS

#endif
