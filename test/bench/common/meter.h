/* common/meter.h - time passed, CPU time spent and memory held, of this process or another. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>

/* Nanoseconds of a clock that never jumps. */
uint64_t meter_now(void);

/* Nanoseconds of CPU all threads of `pid` have had (0: this process). Threads that ended are not in it. */
uint64_t meter_cpu(uint64_t pid);

/* Bytes of a line of /proc/PID/smaps_rollup: "Rss", "Pss", "Private_Dirty", ... */
uint64_t meter_memory(uint64_t pid, const char *line);

#endif
