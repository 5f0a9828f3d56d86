/* channel_group.c - a list of members for each loop; what is asked of a group visits each list on its loop.
 *
 * Lists of loops are only ever pushed to, so any thread may walk them; a member is touched on its loop alone. A
 * member is an attribute of its channel: that is how it leaves when the channel ends.
 */
#include <weir/transport/channel_group.h>

#include <weir/buffer/buf_view.h>
#include <weir/transport/attribute.h>

#include "channel/channel_internal.h"
#include "loop/promise_internal.h"

/* The members on one loop. */
typedef struct group_part {
    struct group_part *next;
    weir_loop *loop; /* held */
    weir_list members;
} group_part;

struct weir_channel_group {
    weir_obj obj;
    weir_attribute_key key; /* of a member in its channel's attributes */
    _Atomic(group_part *) parts;
    atomic_size_t count;
};

typedef struct group_member {
    weir_list link;
    weir_channel_group *group; /* held */
    weir_channel *channel;     /* NULL: a visitor's place in the list, see visit_part */
} group_member;

static void free_group(weir_obj *obj) {
    weir_channel_group *group = (weir_channel_group *)(void *)obj;
    for (group_part *part = atomic_load(&group->parts), *next; part != NULL; part = next) {
        next = part->next;
        loop_release(part->loop);
        weir_alloc_release(NULL, part);
    }
    weir_alloc_release(NULL, group);
}

static weir_leak_counter living = {.name = "channel_group"};
static const weir_obj_type group_type = {.name = "channel_group", .free = free_group, .live = &living};

static void leave(void *value) {
    group_member *member = value;
    weir_channel_group *group = member->group;
    weir_list_remove(&member->link);
    atomic_fetch_sub(&group->count, 1);
    weir_alloc_release(NULL, member);
    weir_channel_group_release(group);
}

weir_channel_group *weir_channel_group_new(void) {
    weir_channel_group *group = weir_alloc_zeroed(NULL, 1, sizeof *group);
    if (group == NULL) return NULL;
    group->key = (weir_attribute_key){.name = "channel_group", .free = leave};
    weir_obj_init(&group->obj, &group_type);
    return group;
}

weir_channel_group *weir_channel_group_retain(weir_channel_group *group) {
    return weir_obj_retain(group);
}

void weir_channel_group_release(weir_channel_group *group) {
    weir_obj_release(group);
}

size_t weir_channel_group_count(const weir_channel_group *group) {
    return atomic_load(&group->count);
}

/* ---- members ---- */

/* The part of a loop, made when there is none yet: only its own loop does that. */
static group_part *part_of(weir_channel_group *group, weir_loop *loop) {
    group_part *newest = atomic_load(&group->parts);
    for (group_part *part = newest; part != NULL; part = part->next) {
        if (part->loop == loop) return part;
    }
    group_part *made = weir_alloc_acquire(NULL, sizeof *made);
    if (made == NULL) return NULL;
    loop_retain(loop);
    made->loop = loop;
    weir_list_init(&made->members);
    do {
        made->next = newest;
    } while (!atomic_compare_exchange_weak(&group->parts, &newest, made));
    return made;
}

weir_status weir_channel_group_add(weir_channel_group *group, weir_channel *channel) {
    if (weir_channel_attribute(channel, &group->key) != NULL) return WEIR_OK;
    group_part *part = part_of(group, channel->loop);
    group_member *member = part != NULL ? weir_alloc_acquire(NULL, sizeof *member) : NULL;
    if (member == NULL) return WEIR_E_NO_MEMORY;
    member->group = weir_channel_group_retain(group);
    member->channel = channel;
    weir_list_push_back(&part->members, &member->link);
    atomic_fetch_add(&group->count, 1);
    return weir_channel_set_attribute(channel, &group->key, member);
}

void weir_channel_group_remove(weir_channel_group *group, weir_channel *channel) {
    weir_channel_set_attribute(channel, &group->key, NULL);
}

/* ---- visiting ---- */

typedef struct group_call group_call;

/* One loop's share of a call. */
typedef struct group_visit {
    weir_task task;
    group_call *call;
    group_part *part;
} group_visit;

/* Something asked of every member. Lives until each visit, and each promise it has handed out, is done. */
struct group_call {
    weir_channel_group *group; /* held */
    void (*each)(group_call *call, weir_channel *channel);
    weir_channel_fn *fn;
    void *arg;
    weir_obj *msg;
    weir_broadcast_options to;
    weir_promise *promise;
    _Atomic weir_status failure; /* the first */
    atomic_size_t waiting;
    group_visit visits[];
};

static void settle(group_call *call, weir_status status) {
    weir_status none = WEIR_OK;
    if (status != WEIR_OK) atomic_compare_exchange_strong(&call->failure, &none, status);
    if (atomic_fetch_sub(&call->waiting, 1) != 1) return;
    weir_obj_release(call->msg);
    promise_complete_anywhere(call->promise, atomic_load(&call->failure));
    weir_channel_group_release(call->group);
    weir_alloc_release(NULL, call);
}

/* Two places of its own in the list keep the visitor's way: whatever `each` does to the members, nobody is missed, and
 * those that are added meanwhile come behind the end. */
static void visit_part(group_visit *visit) {
    group_call *call = visit->call;
    weir_list *members = &visit->part->members;
    group_member here = {.channel = NULL}, end = {.channel = NULL};
    weir_list_push_front(members, &here.link);
    weir_list_push_back(members, &end.link);
    while (here.link.next != &end.link) {
        weir_list *link = here.link.next;
        const group_member *member = WEIR_CONTAINER(link, group_member, link);
        weir_list_remove(&here.link);
        weir_list_push_front(link, &here.link);
        if (member->channel != NULL && channel_is_open(member->channel)) call->each(call, member->channel);
    }
    weir_list_remove(&here.link);
    weir_list_remove(&end.link);
    settle(call, WEIR_OK);
}

static void run_visit(weir_task *task) {
    visit_part(WEIR_CONTAINER(task, group_visit, task));
}

/* Takes: what is to be done (its msg and promise). */
static void visit_all(weir_channel_group *group, group_call what) {
    group_part *parts = atomic_load(&group->parts);
    size_t count = 0;
    for (const group_part *part = parts; part != NULL; part = part->next) count++;
    group_call *call = weir_alloc_acquire(NULL, sizeof *call + count * sizeof(group_visit));
    if (call == NULL) {
        weir_obj_release(what.msg);
        promise_complete_anywhere(what.promise, WEIR_E_NO_MEMORY);
        return;
    }
    *call = what;
    call->group = weir_channel_group_retain(group);
    atomic_init(&call->waiting, count + 1);
    group_visit *visit = call->visits;
    for (group_part *part = parts; part != NULL; part = part->next, visit++) {
        *visit = (group_visit){.task.run = run_visit, .call = call, .part = part};
        if (loop_is_current(part->loop)) {
            visit_part(visit);
        } else {
            weir_status status = weir_loop_post_task(part->loop, &visit->task);
            /* A loop that has stopped has no members left. */
            if (status != WEIR_OK) settle(call, status == WEIR_E_STOPPED ? WEIR_OK : status);
        }
    }
    settle(call, WEIR_OK);
}

/* ---- what can be asked ---- */

static void call_fn(group_call *call, weir_channel *channel) {
    call->fn(channel, call->arg);
}

void weir_channel_group_each(weir_channel_group *group, weir_channel_fn *fn, void *arg,
                             weir_promise *promise) {
    visit_all(group, (group_call){.each = call_fn, .fn = fn, .arg = arg, .promise = promise});
}

static void one_done(void *arg, weir_status status) {
    settle(arg, status);
}

/* A promise for one member's part, when anybody wants to know; else NULL. */
static weir_promise *promise_one(group_call *call, weir_channel *channel) {
    if (call->promise == NULL) return NULL;
    weir_promise *promise = weir_promise_new(channel->loop);
    atomic_fetch_add(&call->waiting, 1);
    if (promise == NULL) {
        settle(call, WEIR_E_NO_MEMORY);
    } else if (weir_promise_listen(promise, one_done, call) != WEIR_OK) {
        WEIR_UNREACHABLE(); /* the first listener needs no memory */
    }
    return promise;
}

static bool is_meant(const group_call *call, weir_channel *channel) {
    return channel != call->to.except && (!call->to.skip_unwritable || weir_channel_is_writable(channel)) &&
           (call->to.match == NULL || call->to.match(channel, call->to.arg));
}

/* Handlers may move the positions of what they are handed, and a composite remembers where it was read. */
static void *share(const group_call *call, weir_channel *channel) {
    weir_buf *buf = weir_buf_from(call->msg);
    bool needs_own = buf != NULL && (weir_buf_is_composite(buf) || pipeline_sees_writes(&channel->pipeline));
    return needs_own ? (void *)weir_buf_duplicate(buf) : weir_obj_retain(call->msg);
}

static void write_one(group_call *call, weir_channel *channel) {
    if (!is_meant(call, channel)) return;
    weir_channel_write(channel, share(call, channel), promise_one(call, channel));
}

void weir_channel_group_write(weir_channel_group *group, void *msg, const weir_broadcast_options *options,
                              weir_promise *promise) {
    if (msg == NULL) {
        promise_complete_anywhere(promise, WEIR_E_NO_MEMORY);
        return;
    }
    weir_broadcast_options to = options != NULL ? *options : (weir_broadcast_options){0};
    visit_all(group, (group_call){.each = write_one, .msg = msg, .to = to, .promise = promise});
}

static void close_one(group_call *call, weir_channel *channel) {
    weir_channel_close(channel, promise_one(call, channel));
}

void weir_channel_group_close(weir_channel_group *group, weir_promise *promise) {
    visit_all(group, (group_call){.each = close_one, .promise = promise});
}
