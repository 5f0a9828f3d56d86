/* <weir/core/log.h> - one line per event worth telling, to one replaceable sink.
 *
 * A line has a level, a subject ("channel", "pool", "server") and a sentence. Lines below the level
 * that is set cost one comparison. The default sink writes them to stderr, the default level is WARN
 * (WEIR_LOG=debug|info|warn|error|off in the environment changes it).
 *
 * Layer: core. Any thread; the sink must be safe from any thread too.
 */
#ifndef WEIR_CORE_LOG_H
#define WEIR_CORE_LOG_H

#include <stdbool.h>

#include <weir/core/compiler.h>

WEIR_BEGIN_DECLS

/* From chatter to nothing at all; the level in force lets through itself and what is above. */
typedef enum weir_log_level {
    WEIR_LOG_DEBUG,
    WEIR_LOG_INFO,
    WEIR_LOG_WARN,
    WEIR_LOG_ERROR,
    WEIR_LOG_OFF,
} weir_log_level;

/* Receives each line; `text` has no newline and is valid for the call only. */
typedef void weir_log_fn(void *arg, weir_log_level level, const char *subject, const char *text);

/* Replaces the sink; NULL brings stderr back. Borrows: `arg` until it is replaced.
 * Call it before other threads run. */
WEIR_API void weir_log_set_sink(weir_log_fn *sink, void *arg);

/* Lines below `level` are dropped. Any thread. */
WEIR_API void weir_log_set_level(weir_log_level level);

/* True when a line of this level would reach the sink: asks before costly formatting. Any thread. */
WEIR_API bool weir_log_is_on(weir_log_level level);

/* One line; longer than 1000 characters is cut with "...". Any thread. */
WEIR_API void weir_log(weir_log_level level, const char *subject, const char *format, ...) WEIR_PRINTF(3, 4);

WEIR_END_DECLS

#endif
