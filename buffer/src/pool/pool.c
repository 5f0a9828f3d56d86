/* pool.c - get and release: a pop and a push on the calling thread's magazine.
 *
 * Everything a plain get or release does stands in weir_pool_get and pool_take_back; what is rare is out of
 * line. Pools that wipe, guard, track or tell have a maker of their own and take the long way every time,
 * so nobody else pays for a question about it.
 *
 * A buf of any other pool is *pristine* while its header but for the indices is what prepare() made it: it goes
 * back on the shelf without a look, and out again with no more to set than rp, wp and the object.
 */
#include "pool_inside.h"

#include <string.h>

#include "guard.h"

POOL_TLS magazine_slot magazine_slots[SLOTS];

enum {
    PAGE = 4096
};

/* ---- get -------------------------------------------------------------------------------------- */

size_t pool_block_size(const weir_pool *pool, size_t capacity, unsigned *index) {
    size_t last = (capacity - 1) | pool->mask;
    if (last < SIZE_CLASS_LARGEST) {
        *index = size_class_of(last);
        return size_class_size(*index);
    }
    *index = SIZE_CLASS_LARGE;
    return (last | (PAGE - 1)) + 1;
}

static inline void count_get(magazine_shelf *shelf, magazine_bytes *bytes, buf_root *root, size_t capacity) {
    root->requested = capacity;
    counter_add(&shelf->tally.gets, 1);
    counter_add(&bytes->requested, capacity);
}

static WEIR_COLD weir_buf *announce(weir_buf *buf) {
    buf_root_alter(buf);
    weir_obj_init_tracked(&buf->obj);
    return buf;
}

/* All of a header that a get off the shelf expects to find as it was. */
static void prepare(buf_root *root, const weir_pool *pool) {
    weir_buf *buf = &root->buf;
    bool is_plain = pool->quick != 0 && magazine_class_of(root) != SIZE_CLASS_LARGE;
    buf->base = root->store.mem;
    buf->ep = root->store.mem + root->store.size;
    buf->root = buf;
    buf->max = pool->max;
    buf->obj.bits = is_plain ? WEIR_BUF_PRISTINE : 0;
}

/* Nothing but a tail call leads out of it, so that a get needs no saved registers. */
static inline weir_buf *hand_out(buf_root *root) {
    weir_buf *buf = &root->buf;
    buf->rp = buf->wp = buf->base;
    weir_obj_mark_alive(&buf->obj, &weir_buf_type);
    return WEIR_UNLIKELY(weir_leak_is_tracking()) ? announce(buf) : buf;
}

static weir_buf *fail(weir_pool *pool) {
    atomic_fetch_add_explicit(&pool->failures, 1, memory_order_relaxed);
    return NULL;
}

static WEIR_COLD weir_buf *get_slowly(weir_pool *pool, size_t capacity) {
    if (capacity == 0) capacity = 1;
    if (capacity > pool->max) return fail(pool);
    magazine *mine = pool_magazine(pool);
    if (mine == NULL) return fail(pool);
    unsigned index;
    size_t size = pool_block_size(pool, capacity, &index);
    buf_root *root = magazine_take(mine, index, size);
    if (root == NULL) return fail(pool);
    if (index == SIZE_CLASS_LARGE) counter_add(&mine->bytes.large, size);
    count_get(&mine->shelves[index], &mine->bytes, root, capacity);
    if (pool->watched) guard_lift(root);
    pool_track_out(pool, root);
    prepare(root, pool);
    return hand_out(root);
}

WEIR_HOT weir_buf *weir_pool_get(weir_pool *pool, size_t capacity) {
    size_t last = (capacity - 1) | pool->mask;
    const magazine_slot *slot = slot_of(pool);
    if (WEIR_UNLIKELY(last > pool->quick || slot->id != pool->id)) return get_slowly(pool, capacity);
    magazine *mine = slot->magazine;
    magazine_shelf *shelf = &mine->shelves[size_class_of(last)];
    buf_root *root = shelf->top;
    if (WEIR_UNLIKELY(root == NULL)) return get_slowly(pool, capacity);
    shelf->top = root->link;
    count_get(shelf, &mine->bytes, root, capacity);
    return hand_out(root);
}

static weir_buf *get_from_store(magazine *from, size_t capacity) {
    weir_pool *pool = from->pool;
    unsigned index;
    size_t size = pool_block_size(pool, capacity, &index);
    if (!magazine_open_store(from) || !pool_charge(pool, size)) return NULL;
    buf_root *root = magazine_make(from, index, size, false);
    if (root == NULL) {
        pool_discharge(pool, size);
        return NULL;
    }
    counter_add(&pool->strays[index].tally.acquired, 1);
    if (index == SIZE_CLASS_LARGE) counter_add(&pool->stray_bytes.large, size);
    count_get(&pool->strays[index], &pool->stray_bytes, root, capacity);
    prepare(root, pool);
    return hand_out(root);
}

/* A closed pool has no magazine for anyone, but what is still out may grow. */
static weir_buf *get_from_closed(magazine *from, size_t capacity) {
    weir_pool *pool = from->pool;
    if (capacity == 0 || capacity > pool->max) return NULL;
    pthread_mutex_lock(&pool->lock);
    weir_buf *buf = get_from_store(from, capacity);
    pthread_mutex_unlock(&pool->lock);
    if (buf != NULL) pool_track_out(pool, buf_root_of(buf));
    return buf;
}

static weir_buf *another(buf_root *like, size_t capacity) {
    magazine *from = like->store.owner;
    if (atomic_load_explicit(&from->pool->closed, memory_order_acquire))
        return get_from_closed(from, capacity);
    return weir_pool_get(from->pool, capacity);
}

/* ---- release ---------------------------------------------------------------------------------- */

static void count_foreign(magazine_shelf *shelves, magazine_bytes *bytes, const buf_root *root) {
    unsigned index = magazine_class_of(root);
    counter_add(&shelves[index].tally.foreign, 1);
    counter_add(&bytes->requested, 0 - root->requested);
    if (index == SIZE_CLASS_LARGE) counter_add(&bytes->large, 0 - root->store.size);
}

/* By another thread than the owner of the magazine: it goes on the owner's return stack. It is counted where
 * the releasing thread counts, so no cache line is shared for that. */
static WEIR_COLD void give_to_owner(magazine *from, buf_root *root) {
    weir_pool *pool = from->pool;
    magazine *mine = pool_magazine_to_count_in(pool);
    if (mine != NULL) {
        count_foreign(mine->shelves, &mine->bytes, root);
    } else {
        pthread_mutex_lock(&pool->lock);
        count_foreign(pool->strays, &pool->stray_bytes, root);
        pthread_mutex_unlock(&pool->lock);
    }
    bool is_large = magazine_class_of(root) == SIZE_CLASS_LARGE;
    if (is_large || !magazine_return(from, root)) pool_dispose(from, root);
}

static WEIR_COLD void put(magazine *from, buf_root *root) {
    magazine_shelf *shelf = magazine_shelf_of(root);
    counter_add(&from->bytes.requested, 0 - root->requested);
    counter_add(&shelf->tally.returns, 1);
    if (magazine_class_of(root) == SIZE_CLASS_LARGE) counter_add(&from->bytes.large, 0 - root->store.size);
    magazine_put(from, root);
}

WEIR_HOT void pool_take_back(buf_root *root) {
    magazine *from = root->store.owner;
    magazine_shelf *shelf = magazine_shelf_of(root);
    if (WEIR_UNLIKELY(!magazine_is_mine(from))) {
        give_to_owner(from, root);
        return;
    }
    uint64_t returns = counter_get(&shelf->tally.returns);
    if (WEIR_UNLIKELY(!magazine_shelf_has_place(shelf, returns))) {
        put(from, root);
        return;
    }
    counter_set(&shelf->tally.returns, returns + 1);
    counter_add(&from->bytes.requested, 0 - root->requested);
    root->link = shelf->top;
    shelf->top = root;
}

/* One comparison tells that it is a buf and alive. */
WEIR_HOT void weir_buf_release_last(weir_buf *buf) {
    if (WEIR_UNLIKELY(buf->obj.type != &weir_buf_type)) {
        weir_obj_release_last(&buf->obj);
    } else if (buf->obj.bits == WEIR_BUF_PRISTINE) {
        weir_obj_mark_dead(&buf->obj);
        pool_take_back(buf_root_of(buf));
    } else {
        weir_buf_release_unpooled(buf);
    }
}

static void put_or_give(buf_root *root) {
    magazine *from = root->store.owner;
    if (magazine_is_mine(from)) {
        put(from, root);
    } else {
        give_to_owner(from, root);
    }
}

static void take_back_altered(buf_root *root) {
    prepare(root, ((magazine *)root->store.owner)->pool);
    put_or_give(root);
}

static void take_back_carefully(buf_root *root) {
    weir_pool *pool = ((magazine *)root->store.owner)->pool;
    pool_track_in(pool, root);
    if (pool->on_release != NULL) pool->on_release(pool->on_release_arg, root->store.mem, root->store.size);
    if (pool->wipes) explicit_bzero(root->store.mem, root->store.size);
    if (pool->quarantines) pool_bar_window(root);
    if (pool->watched) guard_raise(root);
    put_or_give(root);
}

const buf_maker pool_maker = {.name = "pool", .another = another, .give_back = take_back_altered};
const buf_maker pool_careful_maker = {.name = "pool", .another = another, .give_back = take_back_carefully};
