/* local_pair.c - two ends that know each other from the start.
 *
 * NOTICE_BEGIN counts as posted before either end is, so what the faster end tells the slower one waits for that.
 */
#include "local/local_internal.h"

typedef struct paired {
    local_channel local; /* first: it is freed through it */
    weir_channel_options options;
    weir_build_fn *build;
    void *build_arg;
} paired;

static paired *new_end(const weir_local_end *end, weir_status *status) {
    weir_channel_options options;
    *status =
        end->loop == NULL ? (weir_status)WEIR_E_INVALID : channel_options_resolve(&end->channel, &options);
    if (*status != WEIR_OK) return NULL;
    paired *self = weir_alloc_zeroed(end->loop->alloc, 1, sizeof *self);
    if (self == NULL) {
        *status = WEIR_E_NO_MEMORY;
        return NULL;
    }
    self->options = options;
    self->build = end->build;
    self->build_arg = end->build_arg;
    local_channel_init(&self->local, end->loop, &self->options, NULL);
    atomic_init(&self->local.notices, NOTICE_BEGIN | NOTICE_POSTED);
    return self;
}

static void drop(paired *self) {
    if (self != NULL) weir_channel_release(&self->local.channel);
}

void local_pair_open(local_channel *local) {
    paired *self = WEIR_CONTAINER(local, paired, local);
    weir_status status = channel_open(&local->channel, self->build, self->build_arg);
    if (status == WEIR_OK && channel_is_open(&local->channel)) channel_wire_active(&local->channel);
}

static weir_status post_begin(local_channel *local) {
    weir_channel_retain(&local->channel);
    weir_status status = loop_post_own(local->channel.loop, &local->notice);
    if (status != WEIR_OK) weir_channel_release(&local->channel);
    return status;
}

/* An end that never begins gives back its wire's reference and its hold on the other. */
static void forget(local_channel *local) {
    weir_channel_release(&local->peer->channel);
    weir_channel_release(&local->channel);
}

static weir_status begin(local_channel *a, local_channel *b) {
    a->peer = b;
    b->peer = a;
    weir_channel_retain(&a->channel);
    weir_channel_retain(&b->channel);
    weir_status status = post_begin(a);
    if (status != WEIR_OK) {
        forget(a);
        forget(b);
        return status;
    }
    status = post_begin(b);
    if (status != WEIR_OK) {
        local_tell(a, NOTICE_RESET);
        forget(b);
    }
    return status;
}

weir_status weir_local_pair(const weir_local_end *a, const weir_local_end *b, weir_channel **at_a,
                            weir_channel **at_b) {
    weir_status status;
    *at_a = *at_b = NULL;
    paired *one = new_end(a, &status);
    paired *other = one != NULL ? new_end(b, &status) : NULL;
    if (other == NULL) {
        drop(one);
        return status;
    }
    weir_channel *first = weir_channel_retain(&one->local.channel);
    weir_channel *second = weir_channel_retain(&other->local.channel);
    status = begin(&one->local, &other->local);
    if (status == WEIR_OK) {
        *at_a = first;
        *at_b = second;
        return WEIR_OK;
    }
    weir_channel_release(first);
    weir_channel_release(second);
    return status;
}
