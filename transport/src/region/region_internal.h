/* region_internal.h - private: how the bytes of a region are read, whatever kind it is. */
#ifndef WEIR_REGION_INTERNAL_H
#define WEIR_REGION_INTERNAL_H

#include <errno.h>

#include <weir/transport/region.h>

/* As the region's own `read`, which a signal may interrupt: again then. */
static inline ssize_t region_read_some(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    ssize_t got;
    do {
        got = region->ops->read(region, at, dst, n, may_wait);
    } while (got == -EINTR);
    return got;
}

#endif
