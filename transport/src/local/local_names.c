/* local_names.c - the names of this process and who listens on them. */
#include "local/local_names.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct local_name {
    weir_list link;
    weir_list listeners;
    char text[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static weir_list names = {&names, &names};

const char *local_name_of(const char *host) {
    size_t n = sizeof LOCAL_PREFIX - 1;
    return strncmp(host, LOCAL_PREFIX, n) == 0 ? host + n : NULL;
}

static local_name *find(const char *text) {
    for (weir_list *link = names.next; link != &names; link = link->next) {
        local_name *name = WEIR_CONTAINER(link, local_name, link);
        if (strcmp(name->text, text) == 0) return name;
    }
    return NULL;
}

weir_status local_name_claim(local_name **out, const char *text) {
    size_t n = strlen(text) + 1;
    *out = NULL;
    if (n == 1) return WEIR_E_INVALID;
    local_name *made = weir_alloc_acquire(NULL, sizeof *made + n);
    if (made == NULL) return WEIR_E_NO_MEMORY;
    weir_list_init(&made->listeners);
    memcpy(made->text, text, n);
    pthread_mutex_lock(&lock);
    bool taken = find(text) != NULL;
    if (!taken) weir_list_push_back(&names, &made->link);
    pthread_mutex_unlock(&lock);
    if (taken) {
        weir_alloc_release(NULL, made);
        return -EADDRINUSE;
    }
    *out = made;
    return WEIR_OK;
}

void local_name_free(local_name *name) {
    if (name == NULL) return;
    pthread_mutex_lock(&lock);
    weir_list_remove(&name->link);
    pthread_mutex_unlock(&lock);
    weir_alloc_release(NULL, name);
}

void local_listener_open(local_listener *self, local_name *name) {
    pthread_mutex_lock(&lock);
    weir_list_push_back(&name->listeners, &self->link);
    pthread_mutex_unlock(&lock);
}

static void tell_closed(weir_task *task) {
    local_listener *self = WEIR_CONTAINER(task, local_listener, closed_task);
    self->closed(self);
}

/* Knocks are posted under the lock, so those that come are before this task in the loop's queue. */
void local_listener_close(local_listener *self) {
    pthread_mutex_lock(&lock);
    weir_list_remove(&self->link);
    pthread_mutex_unlock(&lock);
    self->closing = true;
    self->closed_task.run = tell_closed;
    weir_status status = loop_post_own(self->loop, &self->closed_task);
    WEIR_CHECK(status == WEIR_OK, "a listener was closed on a loop that is being freed");
}

static void run_knock(weir_task *task) {
    local_knock *knock = WEIR_CONTAINER(task, local_knock, task);
    if (knock->listener->closing) {
        local_refuse(knock);
    } else {
        knock->listener->knocked(knock->listener, knock);
    }
}

weir_status local_knock_at(const char *text, local_knock *knock) {
    weir_status status = -ECONNREFUSED;
    pthread_mutex_lock(&lock);
    local_name *name = find(text);
    weir_list *first = name != NULL ? weir_list_pop_front(&name->listeners) : NULL;
    if (first != NULL) {
        weir_list_push_back(&name->listeners, first); /* the next one has its turn */
        knock->listener = WEIR_CONTAINER(first, local_listener, link);
        knock->task.run = run_knock;
        status = loop_post_own(knock->listener->loop, &knock->task);
    }
    pthread_mutex_unlock(&lock);
    return status;
}
