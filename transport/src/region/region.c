/* region.c - what all kinds of regions share, and a part of any region. */
#include <weir/core/alloc.h>

#include "region/region_internal.h"

static weir_leak_counter living = {.name = "region"};

static void free_region(weir_obj *obj) {
    weir_region *region = (weir_region *)(void *)obj;
    region->ops->free(region);
}

static uint64_t region_size(const weir_obj *obj) {
    return ((const weir_region *)(const void *)obj)->length;
}

const weir_obj_type weir_region_type = {
    .name = "region", .free = free_region, .size = region_size, .live = &living};

void weir_region_init(weir_region *region, const weir_region_ops *ops, uint64_t length) {
    region->ops = ops;
    region->length = length;
    weir_obj_init(&region->obj, &weir_region_type);
}

weir_status weir_region_read(weir_region *region, uint64_t at, void *dst, size_t n) {
    WEIR_CHECK(at <= region->length && n <= region->length - at,
               "%zu bytes were read at %llu of a region of %llu", n, (unsigned long long)at,
               (unsigned long long)region->length);
    uint8_t *to = dst;
    while (n > 0) {
        ssize_t got = region_read_some(region, at, to, n, true);
        if (got < 0) return (weir_status)got;
        if (got == 0) return WEIR_E_TRUNCATED;
        to += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return WEIR_OK;
}

/* ---- a part of another ---- */

/* Its ops are those of the whole, each by way of the part. */
typedef struct region_part {
    weir_region region;
    weir_region *whole; /* held */
    uint64_t start;
    weir_region_ops ops;
} region_part;

static region_part *part_of(weir_region *region) {
    return WEIR_CONTAINER(region, region_part, region);
}

static ssize_t read_part(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    region_part *part = part_of(region);
    return part->whole->ops->read(part->whole, part->start + at, dst, n, may_wait);
}

static ssize_t send_part(weir_region *region, uint64_t at, size_t n, int fd) {
    region_part *part = part_of(region);
    return part->whole->ops->send(part->whole, part->start + at, n, fd);
}

static ssize_t view_part(weir_region *region, uint64_t at, size_t n, bool may_wait, struct iovec *vecs,
                         size_t *count) {
    region_part *part = part_of(region);
    return part->whole->ops->view(part->whole, part->start + at, n, may_wait, vecs, count);
}

static void free_part(weir_region *region) {
    region_part *part = part_of(region);
    weir_region_release(part->whole);
    weir_alloc_release(NULL, part);
}

weir_region *weir_region_slice(weir_region *region, uint64_t at, uint64_t length) {
    WEIR_CHECK(at <= region->length && length <= region->length - at,
               "a slice of %llu bytes at %llu of a region of %llu", (unsigned long long)length,
               (unsigned long long)at, (unsigned long long)region->length);
    region_part *part = weir_alloc_acquire(NULL, sizeof *part);
    if (part == NULL) return NULL;
    if (region->ops->free == free_part) {
        at += part_of(region)->start;
        region = part_of(region)->whole;
    }
    part->whole = weir_region_retain(region);
    part->start = at;
    part->ops = (weir_region_ops){
        .name = "part",
        .read = read_part,
        .send = region->ops->send != NULL ? send_part : NULL,
        .view = region->ops->view != NULL ? view_part : NULL,
        .never_waits = region->ops->never_waits,
        .only_sent = region->ops->only_sent,
        .free = free_part,
    };
    weir_region_init(&part->region, &part->ops, length);
    return &part->region;
}
