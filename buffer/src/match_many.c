/* match_many.c - many needles (Aho and Corasick, "Efficient string matching", 1975).
 *
 *     root --h--> 1 --e--> 2* "he"           * ends a needle
 *       \--s--> 3 --h--> 4 --e--> 5* "she"   5 also ends what 2 ends: its `shorter` is 2
 *
 * A tree of the needles' beginnings; then, level by level, every missing edge gets the target of the same edge
 * from the longest other beginning that ends here. So a step is one look-up. Bytes that occur in no needle
 * share a column.
 */
#include <stdalign.h>

#include <weir/core/check.h>

#include "matcher.h"

/* While building, edges are node numbers; 0 is the root, and also "none" in the tree. Afterwards they say where
 * the row of edges of that node begins, and whether a needle ends there. */
#define ENDS_NEEDLE 0x80000000u

typedef struct node {
    size_t needle;    /* which ends here, or NONE */
    size_t len;       /* how deep this is */
    uint32_t shorter; /* the node of the next longest needle that ends here, or 0 */
    uint32_t fall;    /* while building: the longest other beginning that ends here */
    uint32_t queued;  /* while building: the node to look at n-th */
} node;

typedef struct many {
    weir_matcher base;
    node *nodes;
    uint32_t *edges; /* `columns` for each node */
    size_t count, columns;
    uint16_t column_of[256];
} many;

#define NONE SIZE_MAX

/* ---- stepping --------------------------------------------------------------------------------- */

/* Tells of the needle that ends at `at`, a node; the shorter ones are told by the next call. */
static void tell(const many *self, weir_match *match, uint32_t at) {
    match->len = self->nodes[at].len;
    match->needle = self->nodes[at].needle;
    match->more = self->nodes[at].shorter;
}

static size_t step_many(const weir_matcher *base, weir_match *match, weir_bytes bytes) {
    const many *self = (const many *)(const void *)base;
    if (match->more != 0) {
        tell(self, match, match->more);
        return 0;
    }
    uint32_t row = (uint32_t)match->state;
    for (size_t i = 0; i < bytes.len; i++) {
        uint32_t edge = self->edges[row + self->column_of[bytes.ptr[i]]];
        row = edge & ~ENDS_NEEDLE;
        if (WEIR_LIKELY(row == edge)) continue;
        uint32_t here = row / (uint32_t)self->columns;
        match->state = row;
        tell(self, match, self->nodes[here].needle != NONE ? here : self->nodes[here].shorter);
        return i + 1;
    }
    match->state = row;
    return WEIR_NOT_FOUND;
}

static const matcher_way way = {.name = "many", .step = step_many};

/* ---- building --------------------------------------------------------------------------------- */

static uint32_t *edge(const many *self, size_t from, size_t column) {
    return &self->edges[from * self->columns + column];
}

static void add_needle(many *self, weir_bytes needle, size_t which) {
    uint32_t at = 0;
    for (size_t i = 0; i < needle.len; i++) {
        uint32_t *to = edge(self, at, self->column_of[needle.ptr[i]]);
        if (*to == 0) {
            self->nodes[self->count] = (node){.needle = NONE, .len = i + 1};
            *to = (uint32_t)self->count++;
        }
        at = *to;
    }
    if (self->nodes[at].needle == NONE) self->nodes[at].needle = which;
}

/* What a child of `from` falls back to is known once `from` has all its edges. */
static void complete_edges(many *self, uint32_t from, size_t *queued) {
    uint32_t fall = self->nodes[from].fall;
    for (size_t column = 0; column < self->columns; column++) {
        uint32_t *to = edge(self, from, column), other = from == 0 ? 0 : *edge(self, fall, column);
        if (*to == 0) {
            *to = other;
            continue;
        }
        node *child = &self->nodes[*to];
        child->fall = other;
        child->shorter = self->nodes[other].needle != NONE ? other : self->nodes[other].shorter;
        self->nodes[(*queued)++].queued = *to;
    }
}

/* Node numbers to rows. */
static void finish_edges(many *self) {
    for (size_t i = 0; i < self->count * self->columns; i++) {
        const node *to = &self->nodes[self->edges[i]];
        bool ends_needle = to->needle != NONE || to->shorter != 0;
        self->edges[i] = self->edges[i] * (uint32_t)self->columns | (ends_needle ? ENDS_NEEDLE : 0);
    }
}

static void build(many *self, const weir_bytes *needles, size_t count) {
    self->nodes[0] = (node){.needle = NONE};
    self->count = 1;
    for (size_t i = 0; i < count; i++) add_needle(self, needles[i], i);
    size_t queued = 1;
    for (size_t i = 0; i < queued; i++) complete_edges(self, self->nodes[i].queued, &queued);
    finish_edges(self);
}

/* ---- measuring -------------------------------------------------------------------------------- */

/* Column 0 is for bytes of no needle. */
static size_t count_columns(uint16_t *column_of, const weir_bytes *needles, size_t count) {
    uint16_t columns = 1;
    memset(column_of, 0, 256 * sizeof *column_of);
    for (size_t i = 0; i < count; i++) {
        WEIR_CHECK(needles[i].len > 0, "needle %zu is empty, and so is everywhere", i);
        for (size_t j = 0; j < needles[i].len; j++) {
            uint16_t *column = &column_of[needles[i].ptr[j]];
            if (*column == 0) *column = columns++;
        }
    }
    return columns;
}

/* One node for each byte of all needles and the root; false when numbers, or places of rows, do not suffice. */
static bool measure(const weir_bytes *needles, size_t count, size_t columns, size_t *nodes, size_t *size) {
    size_t total = 1, edges;
    for (size_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(total, needles[i].len, &total)) return false;
    }
    *nodes = total;
    if (__builtin_mul_overflow(total, columns, &edges) || edges >= ENDS_NEEDLE) return false;
    edges *= sizeof(uint32_t);
    if (__builtin_mul_overflow(total, sizeof(node), size)) return false;
    return !__builtin_add_overflow(*size, edges, size) && !__builtin_add_overflow(*size, sizeof(many), size);
}

weir_status weir_matcher_new_many(const weir_bytes *needles, size_t count, size_t max, weir_matcher **out) {
    WEIR_CHECK(count > 0, "no needles to look for");
    uint16_t column_of[256];
    size_t nodes, size, columns = count_columns(column_of, needles, count);
    if (!measure(needles, count, columns, &nodes, &size) || size > max) return WEIR_E_LIMIT;
    many *self = matcher_acquire(&way, size);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    _Static_assert(sizeof(many) % alignof(node) == 0, "nodes lie behind the matcher");
    self->nodes = (node *)(void *)(self + 1);
    self->edges = (uint32_t *)(void *)(self->nodes + nodes);
    self->columns = columns;
    memcpy(self->column_of, column_of, sizeof column_of);
    memset(self->edges, 0, nodes * columns * sizeof(uint32_t));
    build(self, needles, count);
    *out = &self->base;
    return WEIR_OK;
}
