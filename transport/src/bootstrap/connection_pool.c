/* connection_pool.c - callers and connections meet in `serve`, which is posted.
 *
 * So no caller is called from inside acquire or release. A caller or a health check may do anything to the pool, free
 * it too: after each the lists are looked at again, and the memory goes when no call of ours stands on it.
 *
 *     a connection:  CONNECTING -> IDLE <-> LEASED -> ENDING -> over
 *
 * A connection may outlive its pool: leased, or until its end was told. It then belongs to nobody and closes.
 */
#include <weir/transport/connection_pool.h>

#include <errno.h>
#include <sys/socket.h>

#include "bootstrap/watch.h"
#include "channel/channel_internal.h"

struct weir_connection_pool {
    watch_target target;
    weir_connection_pool_options options;
    watch_connect_fn *connect;
    weir_list idle;    /* the last released first */
    weir_list others;  /* connections that are not idle */
    weir_list waiters; /* the oldest first */
    weir_task serve_task;
    weir_timer serve_timer; /* when nothing can be posted */
    weir_timer idle_timer;
    unsigned busy; /* calls of ours under way, and the posted one */
    bool serving;  /* the task is posted */
    bool freed;
    unsigned ending;
    weir_connection_pool_stats stats;
};

typedef enum pooled_state {
    POOLED_CONNECTING,
    POOLED_IDLE,
    POOLED_LEASED,
    POOLED_ENDING
} pooled_state;

typedef struct pooled {
    watch watch;
    weir_list link;
    weir_connection_pool *pool; /* NULL when it was freed */
    weir_alloc *alloc;
    pooled_state state;
    bool was_leased;
    uint64_t idle_since;
    uint64_t bytes_read; /* when it became idle */
} pooled;

typedef struct waiter {
    weir_list link;
    weir_timer timeout;
    weir_connection_pool *pool;
    weir_acquired_fn *done;
    void *arg;
} waiter;

static weir_loop *loop_of(const weir_connection_pool *pool) {
    return pool->target.options.loop;
}

static void enter(weir_connection_pool *self) {
    self->busy++;
}

static void leave(weir_connection_pool *self) {
    if (--self->busy > 0 || !self->freed) return;
    watch_target_clear(&self->target);
    weir_alloc_release(loop_of(self)->alloc, self);
}

/* ---- callers ---- */

/* Takes: self. Gives: channel, to its caller. */
static void tell(waiter *self, weir_status status, weir_channel *channel) {
    waiter copy = *self;
    weir_loop *loop = loop_of(self->pool);
    weir_timer_stop(&self->timeout, loop);
    weir_list_remove(&self->link);
    self->pool->stats.waiting--;
    weir_alloc_release(loop->alloc, self);
    copy.done(copy.arg, status, channel);
}

static waiter *oldest_waiter(weir_connection_pool *self) {
    return weir_list_is_empty(&self->waiters) ? NULL : WEIR_CONTAINER(self->waiters.next, waiter, link);
}

static void on_waited_too_long(weir_timer *timer) {
    waiter *self = timer->arg;
    weir_connection_pool *pool = self->pool;
    pool->stats.timeouts++;
    enter(pool);
    tell(self, WEIR_E_TIMEOUT, NULL);
    leave(pool);
}

/* ---- the state of a connection ---- */

static unsigned *count_of(weir_connection_pool *pool, pooled_state state) {
    switch (state) {
    case POOLED_CONNECTING: return &pool->stats.connecting;
    case POOLED_IDLE: return &pool->stats.idle;
    case POOLED_LEASED: return &pool->stats.leased;
    default: return &pool->ending;
    }
}

static void move_to(pooled *self, pooled_state state) {
    weir_connection_pool *pool = self->pool;
    weir_list_remove(&self->link);
    --*count_of(pool, self->state);
    self->state = state;
    ++*count_of(pool, state);
    if (state == POOLED_IDLE) {
        weir_list_push_front(&pool->idle, &self->link);
    } else {
        weir_list_push_back(&pool->others, &self->link);
    }
}

static void discard(pooled *self) {
    if (self->pool != NULL) move_to(self, POOLED_ENDING);
    weir_channel_close(self->watch.channel, NULL);
}

/* ---- idle connections ---- */

static pooled *pooled_at(weir_list *link) {
    return WEIR_CONTAINER(link, pooled, link);
}

static void on_idle_timer(weir_timer *timer) {
    weir_connection_pool *self = timer->arg;
    uint64_t now = weir_loop_now(loop_of(self));
    enter(self);
    while (!weir_list_is_empty(&self->idle)) {
        pooled *oldest = pooled_at(self->idle.prev);
        uint64_t due = oldest->idle_since + self->options.idle_timeout_ms;
        if (due > now) {
            weir_timer_start(timer, loop_of(self), due - now);
            break;
        }
        discard(oldest);
    }
    leave(self);
}

static void serve_soon(weir_connection_pool *self);

static bool is_closing(const weir_channel *channel) {
    return !weir_channel_is_active(channel) || channel->close_wanted || channel->shut_wanted ||
           channel->peer_closed;
}

static bool is_wanted(const weir_connection_pool *pool) {
    return pool->stats.idle < pool->options.max_idle || pool->stats.waiting > 0;
}

static void become_idle(pooled *self) {
    weir_connection_pool *pool = self->pool;
    weir_channel *channel = self->watch.channel;
    if (pool == NULL || is_closing(channel) || !is_wanted(pool)) {
        discard(self);
        return;
    }
    self->idle_since = weir_loop_now(loop_of(pool));
    self->bytes_read = channel->stats.bytes_read;
    move_to(self, POOLED_IDLE);
    if (!weir_timer_is_running(&pool->idle_timer))
        weir_timer_start(&pool->idle_timer, loop_of(pool), pool->options.idle_timeout_ms);
    serve_soon(pool);
}

/* What the kernel has and nobody read yet: a byte, the end, or an error. */
static bool has_news(const weir_channel *channel) {
    char byte;
    int fd = weir_channel_fd(channel);
    return fd >= 0 && (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN);
}

static bool is_healthy(const pooled *self) {
    const weir_connection_pool_options *options = &self->pool->options;
    weir_channel *channel = self->watch.channel;
    if (is_closing(channel)) return false;
    if (!self->was_leased) return true; /* a new one: what came may be the peer's greeting */
    if (options->is_healthy != NULL) return options->is_healthy(options->arg, channel);
    return channel->stats.bytes_read == self->bytes_read && !has_news(channel);
}

/* ---- connecting ---- */

static pooled *pooled_of(watch *self) {
    return WEIR_CONTAINER(self, pooled, watch);
}

static void on_up(watch *watched) {
    pooled *self = pooled_of(watched);
    if (is_closing(watched->channel)) return; /* by its own handlers: a failure, when it is over */
    if (self->pool != NULL) self->pool->stats.created++;
    become_idle(self);
}

static void on_over(watch *watched, weir_status cause) {
    pooled *self = pooled_of(watched);
    weir_connection_pool *pool = self->pool;
    bool failed = self->state == POOLED_CONNECTING;
    if (pool != NULL) {
        move_to(self, POOLED_ENDING);
        weir_list_remove(&self->link);
        pool->stats.open--;
    }
    weir_alloc_release(self->alloc, self);
    if (pool == NULL) return;
    enter(pool);
    waiter *oldest = oldest_waiter(pool);
    if (failed) pool->stats.connect_failures++;
    if (failed && oldest != NULL) tell(oldest, cause != WEIR_OK ? cause : (weir_status)WEIR_E_CLOSED, NULL);
    serve_soon(pool);
    leave(pool);
}

static const watch_events connection_events = {.up = on_up, .over = on_over};

static void open_one(weir_connection_pool *self) {
    pooled *made = weir_alloc_zeroed(loop_of(self)->alloc, 1, sizeof *made);
    if (made == NULL) {
        tell(oldest_waiter(self), WEIR_E_NO_MEMORY, NULL);
        return;
    }
    made->pool = self;
    made->alloc = loop_of(self)->alloc;
    made->state = POOLED_CONNECTING;
    weir_list_init(&made->link);
    weir_list_push_back(&self->others, &made->link);
    self->stats.connecting++;
    self->stats.open++;
    watch_connect(&made->watch, &connection_events, self->connect, &self->target);
}

/* ---- bringing both together ---- */

static void lease(pooled *self) {
    weir_connection_pool *pool = self->pool;
    if (self->was_leased) pool->stats.reused++;
    self->was_leased = true;
    move_to(self, POOLED_LEASED);
    tell(oldest_waiter(pool), WEIR_OK, weir_channel_retain(self->watch.channel));
}

/* One idle connection goes to who waits longest: true; or goes. */
static bool lease_latest(weir_connection_pool *self) {
    pooled *latest = pooled_at(self->idle.next);
    if (!is_healthy(latest)) {
        self->stats.health_failures++;
        discard(latest);
        return false;
    }
    if (oldest_waiter(self) == NULL) return false; /* the check has sent it away */
    lease(latest);
    return true;
}

static bool may_open_one(const weir_connection_pool *self) {
    return !self->freed && self->stats.connecting < self->stats.waiting &&
           self->stats.open < self->options.max_connections;
}

/* Those who wait now. Who is told and asks again at once has another turn, or the loop would never have one. */
static void serve(weir_connection_pool *self) {
    enter(self);
    unsigned callers = self->stats.waiting;
    while (callers > 0 && oldest_waiter(self) != NULL) {
        if (!weir_list_is_empty(&self->idle)) {
            if (lease_latest(self)) callers--;
        } else if (may_open_one(self)) {
            open_one(self);
            callers--;
        } else {
            break;
        }
    }
    leave(self);
}

static void on_serve_task(weir_task *task) {
    weir_connection_pool *self = WEIR_CONTAINER(task, weir_connection_pool, serve_task);
    self->serving = false;
    serve(self);
    leave(self);
}

static void on_serve_timer(weir_timer *timer) {
    serve(timer->arg);
}

static void serve_soon(weir_connection_pool *self) {
    if (self->serving || self->freed) return;
    self->serving = weir_loop_post_task(loop_of(self), &self->serve_task) == WEIR_OK;
    if (self->serving) {
        enter(self);
    } else {
        weir_timer_start(&self->serve_timer, loop_of(self), 0);
    }
}

/* ---- what users call ---- */

weir_status weir_connection_pool_acquire(weir_connection_pool *pool, weir_acquired_fn *done, void *arg) {
    weir_loop *loop = loop_of(pool);
    loop_check_current(loop, __func__);
    if (pool->freed) return WEIR_E_CLOSED;
    if (pool->stats.waiting >= pool->options.max_waiting) return WEIR_E_LIMIT;
    waiter *made = weir_alloc_acquire(loop->alloc, sizeof *made);
    if (made == NULL) return WEIR_E_NO_MEMORY;
    *made = (waiter){.pool = pool, .done = done, .arg = arg};
    weir_timer_init(&made->timeout, on_waited_too_long, made);
    weir_timer_start(&made->timeout, loop, pool->options.acquire_timeout_ms);
    weir_list_init(&made->link);
    weir_list_push_back(&pool->waiters, &made->link);
    pool->stats.waiting++;
    serve_soon(pool);
    return WEIR_OK;
}

bool weir_connection_pool_cancel(weir_connection_pool *pool, weir_acquired_fn *done, void *arg) {
    loop_check_current(loop_of(pool), __func__);
    for (weir_list *link = pool->waiters.next; link != &pool->waiters; link = link->next) {
        waiter *found = WEIR_CONTAINER(link, waiter, link);
        if (found->done != done || found->arg != arg) continue;
        enter(pool);
        tell(found, WEIR_E_CANCELED, NULL);
        leave(pool);
        return true;
    }
    return false;
}

void weir_connection_pool_release(weir_channel *channel) {
    if (channel == NULL) return;
    loop_check_current(weir_channel_loop(channel), __func__);
    watch *watched = watch_of(channel);
    if (watched != NULL) {
        WEIR_CHECK(watched->events == &connection_events, "a channel was released to a pool it is not from");
        pooled *self = pooled_of(watched);
        WEIR_CHECK(self->state == POOLED_LEASED, "a pooled channel was released twice");
        become_idle(self);
    }
    weir_channel_release(channel);
}

void weir_connection_pool_get_stats(const weir_connection_pool *pool, weir_connection_pool_stats *out) {
    *out = pool->stats;
}

/* ---- life ---- */

#define DEFAULT_TO(field, value)                                                                             \
    if (self->options.field == 0) self->options.field = (value)

static void resolve_options(weir_connection_pool *self) {
    DEFAULT_TO(max_connections, 16);
    DEFAULT_TO(max_idle, self->options.max_connections);
    DEFAULT_TO(idle_timeout_ms, 60000);
    DEFAULT_TO(max_waiting, 1024);
    DEFAULT_TO(acquire_timeout_ms, 30000);
}

weir_connection_pool *connection_pool_new_with(const weir_connection_pool_options *options,
                                               watch_connect_fn *connect) {
    weir_loop *loop = options->client.loop;
    if (loop == NULL) return NULL;
    loop_check_current(loop, "weir_connection_pool_new");
    weir_connection_pool *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL || !watch_target_init(&self->target, &options->client)) {
        weir_alloc_release(loop->alloc, self);
        return NULL;
    }
    self->options = *options;
    resolve_options(self);
    self->connect = connect;
    weir_list_init(&self->idle);
    weir_list_init(&self->others);
    weir_list_init(&self->waiters);
    self->serve_task.run = on_serve_task;
    weir_timer_init(&self->serve_timer, on_serve_timer, self);
    weir_timer_init(&self->idle_timer, on_idle_timer, self);
    return self;
}

weir_connection_pool *weir_connection_pool_new(const weir_connection_pool_options *options) {
    return connection_pool_new_with(options, weir_client_connect);
}

/* A leased one stays with its user. */
static void let_go(weir_list *list) {
    for (weir_list *link = weir_list_pop_front(list); link != NULL; link = weir_list_pop_front(list)) {
        pooled *self = pooled_at(link);
        self->pool = NULL;
        if (self->state != POOLED_LEASED) weir_channel_close(self->watch.channel, NULL);
    }
}

void weir_connection_pool_free(weir_connection_pool *pool) {
    if (pool == NULL) return;
    weir_loop *loop = loop_of(pool);
    loop_check_current(loop, __func__);
    WEIR_CHECK(!pool->freed, "a connection pool was freed twice");
    pool->freed = true;
    enter(pool);
    weir_timer_stop(&pool->serve_timer, loop);
    weir_timer_stop(&pool->idle_timer, loop);
    let_go(&pool->idle);
    let_go(&pool->others);
    for (waiter *oldest = oldest_waiter(pool); oldest != NULL; oldest = oldest_waiter(pool)) {
        tell(oldest, WEIR_E_CLOSED, NULL);
    }
    leave(pool);
}
