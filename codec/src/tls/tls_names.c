/* tls_names.c - all names in one sorted array; a wildcard stands in it as "*.example.org" (RFC 6125 6.4.3: it is a whole
 * first label, and for one label). */
#include "tls/tls_names.h"

#include <stdlib.h>
#include <string.h>

#include <weir/core/alloc.h>

#include "tls/tls_identity_inside.h"
#include "tls/tls_library.h"

enum {
    NAME_MOST = 255
};

typedef struct entry {
    const char *name;
    size_t index; /* of the identity: the order among equals */
} entry;

struct tls_names {
    weir_obj obj;
    weir_tls_identity **identities;
    size_t identity_count;
    entry *entries;
    size_t entry_count;
};

static void free_names(weir_obj *obj) {
    tls_names *self = (tls_names *)obj;
    for (size_t i = 0; i < self->identity_count; i++) weir_tls_identity_release(self->identities[i]);
    weir_alloc_release(NULL, self->identities);
    weir_alloc_release(NULL, self->entries);
    weir_alloc_release(NULL, self);
}

static const weir_obj_type type = {.name = "tls names", .free = free_names};

static int compare(const void *a, const void *b) {
    const entry *one = a, *other = b;
    int order = strcmp(one->name, other->name);
    return order != 0 ? order : one->index < other->index ? -1 : one->index > other->index;
}

static void fill(tls_names *self) {
    for (size_t i = 0; i < self->identity_count; i++) {
        const weir_tls_identity *identity = self->identities[i];
        for (size_t j = 0; j < identity->name_count; j++)
            self->entries[self->entry_count++] = (entry){identity->names[j], i};
    }
    qsort(self->entries, self->entry_count, sizeof *self->entries, compare);
}

tls_names *tls_names_new(weir_tls_identity *const *identities, size_t count) {
    tls_names *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    weir_obj_init(&self->obj, &type);
    size_t names = 0;
    for (size_t i = 0; i < count; i++) names += identities[i]->name_count;
    self->identities = weir_alloc_zeroed(NULL, count, sizeof(weir_tls_identity *));
    self->entries = weir_alloc_zeroed(NULL, names, sizeof *self->entries);
    if (self->identities == NULL || self->entries == NULL) {
        weir_obj_release(self);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) self->identities[i] = weir_tls_identity_retain(identities[i]);
    self->identity_count = count;
    fill(self);
    return self;
}

tls_names *tls_names_retain(tls_names *self) {
    return weir_obj_retain(self);
}

void tls_names_release(tls_names *self) {
    weir_obj_release(self);
}

static bool has_kind(const tls_choice *choice, int kind) {
    for (size_t i = 0; i < choice->count; i++)
        if (choice->identities[i]->key_kind == kind) return true;
    return false;
}

static void add(tls_choice *choice, weir_tls_identity *identity) {
    if (choice->count < TLS_KINDS_MOST && !has_kind(choice, identity->key_kind))
        choice->identities[choice->count++] = identity;
}

/* The first entry whose name is not before `name`. */
static size_t find_first(const tls_names *self, const char *name) {
    size_t low = 0, high = self->entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(self->entries[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void add_all(const tls_names *self, const char *name, tls_choice *out) {
    for (size_t i = find_first(self, name); i < self->entry_count; i++) {
        if (strcmp(self->entries[i].name, name) != 0) return;
        add(out, self->identities[self->entries[i].index]);
    }
}

/* In lower case and without a dot at its end. False when it is too long. */
static bool normalise(const char *name, char out[NAME_MOST + 1]) {
    size_t n = strlen(name);
    if (n > 1 && name[n - 1] == '.') n--;
    if (n > NAME_MOST) return false;
    memcpy(out, name, n);
    out[n] = '\0';
    tls_lower(out);
    return true;
}

bool tls_names_find(const tls_names *self, const char *name, tls_choice *out) {
    char text[NAME_MOST + 1];
    out->count = 0;
    if (!normalise(name, text)) return false;
    add_all(self, text, out);
    char *dot = strchr(text, '.');
    if (out->count == 0 && dot != NULL && dot != text) {
        dot[-1] = '*';
        add_all(self, dot - 1, out);
    }
    return out->count != 0;
}

void tls_names_default(const tls_names *self, tls_choice *out) {
    out->count = 0;
    if (self->identity_count == 0) return;
    weir_tls_identity *first = self->identities[0];
    add(out, first);
    if (first->name_count != 0) add_all(self, first->names[0], out);
}
