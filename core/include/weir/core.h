/* <weir/core.h> - everything of core: what every other module needs.
 *
 * Includes the headers below and nothing else. Layer: core (libc and threads).
 */
#ifndef WEIR_CORE_H
#define WEIR_CORE_H

#include <weir/core/alloc.h>
#include <weir/core/bytes.h>
#include <weir/core/check.h>
#include <weir/core/compiler.h>
#include <weir/core/error.h>
#include <weir/core/leak.h>
#include <weir/core/list.h>
#include <weir/core/log.h>
#include <weir/core/obj.h>
#include <weir/core/status.h>

#endif
