/* watchdog.h - private: one thread for the process that tells of loops that do not get on.
 *
 * It looks at each loop four times within its limit: a loop that is awake and has not counted anything since is
 * stuck in one callback. So a callback is told of while it still hangs, also when it never returns,
 * and the loop itself pays for a store or two an event.
 */
#ifndef WEIR_WATCHDOG_H
#define WEIR_WATCHDOG_H

#include "loop/loop_internal.h"

/* From now on until watchdog_remove the thread that calls it runs the loop. Nothing when its limit is off. */
void watchdog_add(weir_loop *loop);
void watchdog_remove(weir_loop *loop);

#endif
