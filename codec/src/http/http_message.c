/* http_message.c - requests, responses and ends as counted objects. */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_message.h>
#include <weir/codec/http_path.h>
#include <weir/core/alloc.h>

#include "http/http_chars.h"
#include "http/http_fields_list.h"
#include "http/http_message_new.h"
#include "http/http_scan.h"

/* For the usual fields. */
#define FIELDS_ROOM 256

static weir_leak_counter requests = {.name = "http request"};
static weir_leak_counter responses = {.name = "http response"};
static weir_leak_counter ends = {.name = "http end"};

/* A head is the first member of what it is the head of. */
static void free_head(weir_http_head *head) {
    weir_buf *home = head->home;
    http_fields_let_go(&head->fields);
    if (home != NULL) {
        weir_buf_release(home);
    } else {
        weir_alloc_release(NULL, head);
    }
}

static void free_request(weir_obj *obj) {
    weir_http_request *self = (weir_http_request *)(void *)obj;
    weir_buf_release(self->line);
    free_head(&self->head);
}

static void free_response(weir_obj *obj) {
    weir_http_response *self = (weir_http_response *)(void *)obj;
    weir_buf_release(self->line);
    free_head(&self->head);
}

static void free_end(weir_obj *obj) {
    weir_http_end *self = (weir_http_end *)(void *)obj;
    http_fields_let_go(&self->trailers);
    weir_alloc_release(NULL, self);
}

const weir_obj_type weir_http_request_type = {
    .name = "http request", .free = free_request, .live = &requests};
const weir_obj_type weir_http_response_type = {
    .name = "http response", .free = free_response, .live = &responses};
const weir_obj_type weir_http_end_type = {.name = "http end", .free = free_end, .live = &ends};

weir_http_end weir_http_end_plain = {
    .obj = {.type = &weir_http_end_type, .count = WEIR_OBJ_IMMORTAL},
    .trailers = {.list = weir_http_end_plain.trailers.inline_list},
};

/* ---- empty ones ---- */

/* With `room` for the text of fields behind it where it lies in a pool. */
static weir_http_head *make_head(weir_pool *pool, size_t size, size_t room, const weir_obj_type *type) {
    weir_buf *home = pool == NULL ? NULL : weir_pool_get(pool, size + room);
    weir_http_head *head = NULL;
    if (home != NULL) head = (weir_http_head *)(void *)home->wp;
    if (pool == NULL) head = weir_alloc_acquire(NULL, size);
    if (head == NULL) return NULL;
    weir_obj_init(&head->obj, type);
    head->home = home;
    weir_http_fields_init(&head->fields);
    if (home != NULL && room != 0) {
        weir_buf_commit(home, size);
        weir_buf_skip(home, size);
        head->fields.text = home;
        head->fields.text_is_held = true;
    }
    head->framing = WEIR_HTTP_NO_BODY;
    head->length = 0;
    head->minor = 1;
    head->keep_alive = true;
    head->upgrade = head->expect_continue = false;
    return head;
}

static weir_http_request *request_with_room(weir_pool *pool, size_t room) {
    weir_http_request *self = (void *)make_head(pool, sizeof *self, room, &weir_http_request_type);
    if (self == NULL) return NULL;
    self->method = WEIR_HTTP_METHOD_OTHER;
    self->method_text = self->target = self->path = self->query = self->host = weir_bytes_of(NULL, 0);
    self->line = NULL;
    return self;
}

static weir_http_response *response_with_room(weir_pool *pool, size_t room) {
    weir_http_response *self = (void *)make_head(pool, sizeof *self, room, &weir_http_response_type);
    if (self == NULL) return NULL;
    self->status = 0;
    self->reason = weir_bytes_of(NULL, 0);
    self->line = NULL;
    return self;
}

weir_http_request *http_request_make(weir_pool *pool) {
    return request_with_room(pool, 0);
}

weir_http_response *http_response_make(weir_pool *pool) {
    return response_with_room(pool, 0);
}

weir_http_end *weir_http_end_new(void) {
    weir_http_end *self = weir_alloc_acquire(NULL, sizeof *self);
    if (self == NULL) return NULL;
    weir_obj_init(&self->obj, &weir_http_end_type);
    weir_http_fields_init(&self->trailers);
    return self;
}

/* ---- to be sent ---- */

static weir_buf *get_buf(weir_pool *pool, size_t capacity) {
    return pool == NULL ? weir_buf_new(capacity) : weir_pool_get(pool, capacity);
}

static weir_http_request *make_request(weir_pool *pool, const char *method, weir_bytes target) {
    weir_bytes name = weir_bytes_str(method);
    if (!http_is_token(name) || target.len == 0) return NULL;
    if (http_scan_target(target.ptr, target.len) != target.len) return NULL;
    weir_http_request *self = request_with_room(pool, FIELDS_ROOM);
    if (self == NULL) return NULL;
    self->line = get_buf(pool, name.len + target.len);
    if (self->line == NULL) {
        weir_obj_release(self);
        return NULL;
    }
    weir_buf_write_view(self->line, name);
    weir_buf_write_view(self->line, target);
    self->method = http_method_of(name);
    self->method_text = weir_bytes_of(self->line->rp, name.len);
    self->target = weir_bytes_of(self->line->rp + name.len, target.len);
    (void)weir_http_path_split(self->target, &self->path, &self->query); /* false: it has none */
    return self;
}

weir_http_request *weir_http_request_new(const char *method, weir_bytes target) {
    return make_request(NULL, method, target);
}

weir_http_request *weir_http_request_new_in(weir_pool *pool, const char *method, weir_bytes target) {
    return make_request(pool, method, target);
}

static weir_http_response *make_response(weir_pool *pool, unsigned status) {
    WEIR_CHECK(status >= 100 && status <= 599, "%u is no status of a response", status);
    weir_http_response *self = response_with_room(pool, FIELDS_ROOM);
    if (self == NULL) return NULL;
    self->status = status;
    self->reason = weir_bytes_str(weir_http_reason(status));
    return self;
}

weir_http_response *weir_http_response_new(unsigned status) {
    return make_response(NULL, status);
}

weir_http_response *weir_http_response_new_in(weir_pool *pool, unsigned status) {
    return make_response(pool, status);
}
