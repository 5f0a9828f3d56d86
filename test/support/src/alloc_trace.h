/* alloc_trace.h - which functions stood on the stack when memory was asked for, and when it was refused.
 *
 * Off unless WEIR_ALLOC_TRACE names a folder: each process then leaves a file there, a line for each place in the code,
 * "asked" or "refused", with the program and the offset in it. test/lint/memory.py makes function names of them.
 */
#ifndef WEIR_TESTING_ALLOC_TRACE_H
#define WEIR_TESTING_ALLOC_TRACE_H

#include <stdbool.h>

/* Memory was asked for here. */
void alloc_trace_note(bool was_refused);

/* At the end of a test, before its process may go. */
void alloc_trace_write(void);

#endif
